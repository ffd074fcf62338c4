"""The docstrings of one installed package, read from its files: nothing is imported."""

import ast
import functools
import importlib.metadata
import importlib.util
import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from .text import prose

# Tests repeat their subjects' documentation; vendored copies repeat other packages'.
SKIPPED_FOLDERS = {
    "__pycache__", "test", "tests", "testing", "idle_test", "_vendor", "_vendored", "vendor", "vendored",
    "_bundled", "extern", "externals", "_external", "site-packages", "dist-packages", "node_modules",
}  # fmt: skip
SKIPPED_FILES = {"conftest.py"}
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Documented = Definition | ast.Module


def package_files(package: str) -> list[tuple[str, Path]]:
    """Return (module name, path) of every module of an installed package, sorted by module name.

    "stdlib" is the standard library. Nothing is imported; an absent package has no files.
    """
    return sorted(found for name, root in _roots(package).items() for found in _modules(name, root))


def is_installed(package: str) -> bool:
    """Tell whether a package is there, without importing it."""
    return bool(_roots(package))


def _roots(package: str) -> dict[str, Path]:
    """Return the top-level modules of a package with their places, without the suffix of a file."""
    if package == "stdlib":
        folder = Path(sysconfig.get_path("stdlib"))
        return {name: folder / name for name in sys.stdlib_module_names}
    try:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return {}
    folders = list(spec.submodule_search_locations or [])
    return {package: Path(folders[0]) if folders else Path(spec.origin or "").with_suffix("")}


def _modules(name: str, root: Path) -> Iterator[tuple[str, Path]]:
    if root.with_suffix(".py").is_file():
        yield name, root.with_suffix(".py")
    for path in root.rglob("*.py") if root.is_dir() else ():
        inside = path.relative_to(root)
        if not SKIPPED_FOLDERS.intersection(inside.parts) and path.name not in SKIPPED_FILES:
            parts = [name, *inside.with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def documented_objects(job: tuple[str, str, Path]) -> list[dict[str, str]] | None:
    """Return a row for each documented object of a module (package, name, path); None if unreadable."""
    package, module, path = job
    tree = _parsed(path)
    if tree is None:
        return None
    rows = []
    for qualname, kind, docstring in _docstrings(tree, "", "module"):
        summary, description, text = prose(docstring)
        if summary:
            rows.append({
                "package": package, "module": module, "qualname": qualname, "kind": kind,
                "summary": summary, "description": description, "text": text,
            })  # fmt: skip
    return rows


def _parsed(path: Path) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return None


def _docstrings(node: Documented, qualname: str, kind: str) -> Iterator[tuple[str, str, str]]:
    if docstring := ast.get_docstring(node):
        yield qualname, kind, docstring
    if kind in ("module", "class"):
        for child in _definitions(node):
            is_class = isinstance(child, ast.ClassDef)
            child_kind = "class" if is_class else "method" if kind == "class" else "function"
            yield from _docstrings(child, f"{qualname}.{child.name}".lstrip("."), child_kind)


def _definitions(node: ast.AST) -> Iterator[Definition]:
    """Yield the classes and functions of a body, also those under its conditions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child
        elif isinstance(child, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _definitions(child)


def package_version(package: str) -> str:
    """Return the version of the distribution that a package came with, or "unknown"."""
    if package == "stdlib":
        return platform.python_version()
    distributions = _distributions().get(package)
    return importlib.metadata.version(min(distributions)) if distributions else "unknown"


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
