"""Private names of libraries are used in the listed files only, in the versions that they were read in."""

import ast
import importlib
import inspect
import re
from importlib.metadata import version

import pytest

from helpers.paths import PACKAGE, ROOT

SEEN_IN = {"transformers": "5.23.0", "sentence-transformers": "6.2.0", "torch": "2.13.0"}
USED = {  # file -> private name -> library
    "training/trainer.py": {
        "_get_grad_norm": "transformers",  # called with the norm of each step, before the update
        "_save": "sentence-transformers",  # writes a checkpoint's model
        "_save_checkpoint": "transformers",  # the only way to write a checkpoint between two steps
        "_tr_loss": "transformers",  # the sum of the losses since the last log, lost when training resumes
        "_globalstep_last_logged": "transformers",  # how many steps that sum is of
    },
    "modules/loading.py": {
        "_load_config": "sentence-transformers",
        "_load_model": "sentence-transformers",  # the only place for output_loading_info
        "_load_init_kwargs": "sentence-transformers",  # what Transformer.load builds a module from
        "_attn_implementation": "transformers",
    },
    "modules/full_precision.py": {"_apply": "torch"},  # every move and cast of a module
    "modules/kept_results.py": {"_version": "torch"},  # counts changes in place
}
DOCUMENTED = {"_exit", "_replace"}  # of os, and of named tuples
MADE_BY_METACLASS = {"_abc_impl", "_backward_cls"}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def own_names(tree: ast.Module) -> set[str]:
    """Return the private names that a file defines: functions, classes, variables, attributes of self."""
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == "self"
    }


def overridden(file: str) -> set[str]:
    """Return the private names of a library's class that a class in a file of the package defines anew."""
    dotted = ".".join(["embedding_designs", *file.removesuffix(".py").split("/")])
    module = importlib.import_module(dotted)
    return {
        name
        for _, ours in inspect.getmembers(module, inspect.isclass)
        for base in ours.__mro__
        if ours.__module__ == dotted
        and not base.__module__.startswith(("embedding_designs", "builtins", "abc"))
        for name in vars(ours).keys() & vars(base).keys()
        if private(name) and name not in MADE_BY_METACLASS
    }


def test_private_names_are_used_in_the_listed_files_only():
    files = [str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")]
    found = {}
    for file in files:
        tree = ast.parse((PACKAGE / file).read_text())
        read = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and private(node.attr)
        }
        names = read - own_names(tree) - DOCUMENTED | read & USED.get(file, {}).keys()
        if "class " in (PACKAGE / file).read_text():
            names |= overridden(file)
        if names:
            found[file] = names
    assert found == {file: set(names) for file, names in USED.items()}


@pytest.mark.parametrize("library", SEEN_IN)
def test_libraries_have_the_versions_whose_private_names_were_read(library):
    names = sorted(name for file in USED.values() for name, where in file.items() if where == library)
    installed = version(library).split("+")[0]
    (locked,) = re.findall(rf"^{library}==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert SEEN_IN[library] == installed == locked, (
        f"{library}: {', '.join(names)} were read in {SEEN_IN[library]}; {installed} is installed, and"
        f" {locked} is locked. Read them again there, then change SEEN_IN."
    )
