"""Each stage is a folder, imports between stages point one way, and a rule is named after its command."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from helpers.paths import PACKAGE, WORKFLOW

# Each stage and the stages that it may import, in order: all of them are listed above it.
STAGES = {
    "common": set(),
    "modules": set(),  # these files are saved with every model
    "study": {"common"},
    "fetching": {"common", "study"},
    "data": {"common", "study", "fetching"},
    "training": {"common", "study", "fetching", "data", "modules"},
    "evaluation": {"common", "study", "fetching", "data", "training"},
    "layers": {"common", "study", "fetching", "modules", "training", "evaluation"},
    "scores": {"common", "study", "fetching"},
    "comparison": {"common", "study", "scores"},
    "reporting": {"common", "study", "fetching", "scores", "comparison"},
    "planning": {"common", "study", "fetching", "evaluation"},
}
PUBLIC = ["statistics.py"]  # modules beside the stages, for notebooks: they only rename what stages have
STAGE_OF_RULES = {"fetch": "fetching", "data": "data", "train": "training", "evaluate": "evaluation",
                  "layers": "layers",
                  "collect": "scores", "published": "scores", "compare": "comparison",
                  "report": "reporting"}  # fmt: skip
MODULES = {
    ".".join(file.relative_to(WORKFLOW).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted(PACKAGE.rglob("*.py"))
}
COMMANDS = sorted(name for name, file in MODULES.items() if 'if __name__ == "__main__":' in file.read_text())
RULES = {
    match[1]: (file.stem, match[0])
    for file in sorted((WORKFLOW / "rules").glob("*.smk"))
    for match in re.finditer(r"(?ms)^ *rule (\w+):.*?(?=^ *rule |\Z)", file.read_text())
}
RULES_WITH_A_COMMAND = sorted(name for name, (_, text) in RULES.items() if "python -m" in text)


@cache
def imported(module: str) -> set[str]:
    """Return the modules of the package that a module imports, at the top or inside a function."""
    return set().union(*(_named(module, node) for node in ast.walk(ast.parse(MODULES[module].read_text()))))


def _named(module: str, node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & MODULES.keys()
    if not isinstance(node, ast.ImportFrom):
        return set()
    is_package = MODULES[module].name == "__init__.py"
    above = module.split(".")[: len(module.split(".")) + is_package - node.level] if node.level else []
    source = ".".join([*above, *filter(None, [node.module])])
    named = {f"{source}.{alias.name}" for alias in node.names} | {source}
    return named & MODULES.keys()


def stage(module: str) -> str:
    """Return the folder of a module; "" for the package itself and its public modules."""
    return "" if MODULES[module].parent == PACKAGE else [*module.split("."), ""][1]


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_is_imported_by_no_module(module):
    assert [other for other in MODULES if module in imported(other)] == []


@pytest.mark.parametrize("module", COMMANDS)
def test_the_docstring_of_a_command_shows_how_to_run_it(module):
    assert f"python -m {module} " in f"{ast.get_docstring(ast.parse(MODULES[module].read_text()))} "


def test_every_folder_is_a_stage():
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == STAGES.keys()
    assert sorted(path.name for path in PACKAGE.glob("*.py")) == ["__init__.py", *PUBLIC]


def test_stages_are_listed_in_the_order_of_their_imports():
    above: set[str] = set()
    for name, allowed in STAGES.items():
        assert allowed <= above, f"{name} may import {allowed - above}, which is not listed above it"
        above.add(name)


@pytest.mark.parametrize("module", [name for name in MODULES if stage(name)])
def test_imports_between_stages_point_one_way(module):
    own = stage(module)
    wrong = [name for name in imported(module) if stage(name) not in {"", own} | STAGES[own]]
    assert wrong == [], f"{own} may import {', '.join(sorted(STAGES[own])) or 'no other stage'}"


@pytest.mark.parametrize("rule", RULES_WITH_A_COMMAND)
def test_a_rule_runs_the_command_of_its_own_name_in_its_own_stage(rule):
    file, text = RULES[rule]
    (command,) = re.findall(r"python -m embedding_designs\.([\w.]+)", text)
    if command == "training.launch":  # starts one process per GPU
        (launched,) = re.findall(r'" (\w+) \{input', text)
        command = f"training.{launched}"
    assert command == f"{STAGE_OF_RULES[file]}.{rule}"
    assert f"embedding_designs.{command}" in COMMANDS


@pytest.mark.parametrize("rule", RULES_WITH_A_COMMAND)
@pytest.mark.parametrize(
    ("directive", "folder", "ending"), [("log", "logs", "log"), ("benchmark", "benchmarks", "tsv")]
)
def test_a_rules_log_and_benchmark_have_its_name(rule, directive, folder, ending):
    (path,) = re.findall(rf'(?m)^ *{directive}:\n *"([^"]*)"', RULES[rule][1])
    assert re.fullmatch(rf"results/\{{study\}}/{folder}/{rule}(/.*)?\.{ending}", path)


def test_the_log_and_the_benchmark_of_a_rule_have_one_path():
    for rule, (_, text) in RULES.items():
        paths = re.findall(r'"results/\{study\}/(?:logs|benchmarks)/([^"]*)\.(?:log|tsv)"', text)
        assert len(set(paths)) <= 1, rule


def test_every_form_of_import_is_found(tmp_path, monkeypatch):
    file = Path(tmp_path, "example.py")
    file.write_text(
        "import embedding_designs.common.errors\n"
        "from ..scores import score_table\n"
        "from .figures.text import alike\n"
        "def later():\n    from embedding_designs.training.model import build_model\n"
    )
    monkeypatch.setitem(MODULES, "embedding_designs.reporting.example", file)
    found = imported("embedding_designs.reporting.example")
    assert {name.removeprefix("embedding_designs.") for name in found} == {
        "common.errors", "scores", "scores.score_table", "reporting.figures.text", "training.model"
    }  # fmt: skip
