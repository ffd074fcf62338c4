"""The conda environments, the lock and the declared dependencies agree."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}  # conda-forge's name: PyPI's name


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"([\w.-]+)==([^ ;]+)", line)))


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environments_pin_the_versions_of_the_lock(file):
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    pins = dict(item.split("=") for item in dependencies)
    assert pins.pop("python") == "3.11"
    assert {
        CONDA_NAMES.get(name, name): version for name, version in pins.items()
    }.items() <= locked().items()


def test_every_rule_names_an_environment_that_exists():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for name in re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', file.read_text()):
            assert (ROOT / "envs" / f"{name}.yaml").exists(), f"{file.name} names envs/{name}.yaml"


def test_the_lock_holds_every_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [name for name in declared if re.split("[=<>]", name)[0] not in locked()]
    assert missing == []
