"""The package, built as a wheel and installed without the checkout, includes every file that it reads."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from helpers.paths import PACKAGE, ROOT, STUDIES

COMPARES = """
from embedding_designs import compare

assert compare("scores.csv").ranks["average_rank"].to_dict() == {"eos": 2.0, "mean": 1.0}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return a wheel built from a copy of the sources, without network access."""
    pytest.importorskip("setuptools", minversion="77", reason="the wheel is built by setuptools 77 or newer")
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(PACKAGE, source / "workflow" / PACKAGE.name, ignore=ignored)
    pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    return next(folder.glob("*.whl"))


def pip(*arguments) -> None:
    run = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_wheel_has_every_file_of_the_package(wheel):
    files = {file.relative_to(PACKAGE.parent).as_posix() for file in PACKAGE.rglob("*") if file.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Return a function that runs Python in an empty folder, with the installed package, not the checkout."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    pip("install", "--no-index", "--no-deps", "--target", site, wheel)

    def python(*arguments):
        command = [sys.executable, *map(str, arguments)]
        environment = {"PYTHONPATH": str(site)}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert python("-c", "import embedding_designs; print(embedding_designs.__file__)").startswith(str(site))
    return python


def test_an_installed_package_compares_scores(run, tmp_path):
    scores = {"eos": 0.1, "mean": 0.3}
    rows = [f"{design},task{n},STS,{score + n / 100}" for design, score in scores.items() for n in range(6)]
    (tmp_path / "scores.csv").write_text("\n".join(["design,task,category,score", *rows]) + "\n")
    run("-c", COMPARES.replace("scores.csv", str(tmp_path / "scores.csv")))


def test_an_installed_package_finds_its_schema_tables_and_templates(run, tmp_path):
    """Estimating a study's cost reads all of them: the schema, task and base sizes, and templates."""
    study, page = STUDIES / "paper-qwen2-0.5b.yaml", tmp_path / "cost.md"
    run("-m", "embedding_designs.planning.plan_cost", study, "--output", page)
    section = page.read_text().split("## ")[1]
    assert section in (ROOT / "docs" / "cost.md").read_text()
