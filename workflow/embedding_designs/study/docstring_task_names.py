"""The names of the docstring tasks, without anything that takes time to import."""


def task_name(category: str, package: str) -> str:
    """Return the name of a package's task in a category of mteb's, as in "ScipyDocsRetrieval"."""
    camel = "".join(part[:1].upper() + part[1:] for part in package.split("_"))
    return f"{camel}Docs{category}"
