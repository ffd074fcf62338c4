"""The conda environments, the lock, the declared dependencies, and the imports agree."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from helpers.paths import PACKAGE, ROOT

CONDA_NAMES = {  # conda-forge's name: PyPI's name
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "huggingface_hub": "huggingface-hub",
}
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"([\w.-]+)==([^ ;]+)", line)))


def declared(environment: str) -> dict[str, str]:
    """Return the packages of an environment, except pip, by their PyPI names, with their versions."""
    items = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text())["dependencies"]
    conda = dict(item.split("=") for item in items if isinstance(item, str) and item != "pip")
    pip = dict(item.split("==") for part in items if isinstance(part, dict) for item in part["pip"])
    return {CONDA_NAMES.get(name, name): version for name, version in {**conda, **pip}.items()}


def modules_by_environment() -> dict[str, set[str]]:
    """Return the modules that the rules of each environment run."""
    modules: dict[str, set[str]] = {name: set() for name in ENVIRONMENTS}
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"(?m)^\s*rule ", file.read_text())[1:]:
            if named := re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', rule):
                modules[named[1]] |= set(re.findall(r"python -m embedding_designs\.([\w.]+)", rule))
                launched = re.findall(r"(?s)embedding_designs\.training\.launch .*? (\w+) \{input", rule)
                modules[named[1]] |= {f"training.{name}" for name in launched}
    return modules


def imports(path: Path, seen: set[Path]) -> set[str]:
    """Return the packages that one of our modules imports, directly or through other modules of ours."""
    if path in seen:
        return set()
    seen.add(path)
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1]
            inside = folder.joinpath(*(node.module or "").split("."))
            for own in [inside, *(inside / alias.name for alias in node.names)]:
                for file in [own.with_suffix(".py"), own / "__init__.py"]:
                    if file.exists():
                        names |= imports(file, seen)
    return names - sys.stdlib_module_names


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_conda_environments_pin_the_versions_of_the_lock(environment):
    pins = declared(environment)
    assert pins.pop("python") == "3.11"
    assert pins.items() <= locked().items()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_declares_what_its_rules_import(environment):
    modules = modules_by_environment()[environment]
    distributions = {
        module: {re.sub("[-_.]+", "-", name).lower() for name in names}
        for module, names in packages_distributions().items()
    }
    seen: set[Path] = set()
    imported = set().union(*(imports(PACKAGE / f"{module.replace('.', '/')}.py", seen) for module in modules))
    available = declared(environment).keys()
    assert {name for name in imported if not distributions.get(name, {name}) & available} == set()


def test_every_rule_names_an_environment_that_exists():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for name in re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', file.read_text()):
            assert (ROOT / "envs" / f"{name}.yaml").exists(), f"{file.name} names envs/{name}.yaml"


def test_the_lock_holds_every_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [name for name in declared if re.split("[=<>]", name)[0] not in locked()]
    assert missing == []


def test_pre_commit_runs_the_locked_versions():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    pinned = {hook["id"]: each["rev"].removeprefix("v") for each in repositories for hook in each["hooks"]}
    assert pinned["ruff-check"] == pinned["ruff-format"] == locked()["ruff"]
    assert pinned["snakefmt"] == locked()["snakefmt"]
