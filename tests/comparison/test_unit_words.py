"""Statistics do not name what they compare, which can be designs or models: sentences do."""

import ast
import re

import pytest

from helpers.paths import ROOT

FILES = sorted((ROOT / "workflow/embedding_designs/comparison/statistics").glob("*.py"))


def messages(source: str) -> list[str]:
    """Return the string constants of a module that are sentences or parts of them, without docstrings."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    texts = [node.value for node in constants if id(node) not in docstrings]
    return [text for text in texts if isinstance(text, str) and " " in text]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_reasons_do_not_say_design_or_model(file):
    assert not [text for text in messages(file.read_text()) if re.search(r"\b(design|model)s?\b", text)]
