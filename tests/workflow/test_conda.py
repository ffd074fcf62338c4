"""Studies with --sdm conda: each rule runs with only the packages that its environment declares.

A stand-in replaces conda, and its channels are built from the installed packages: see helpers/conda and
helpers/channel.py.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.channel import make_channels
from helpers.paths import ROOT
from helpers.workflow_copy import copy_of_the_workflow

pytestmark = pytest.mark.conda


pytest.importorskip("rattler", reason="the stand-in for conda needs py-rattler, from the dev extra")

HELPERS = Path(__file__).parents[1] / "helpers"
SMOKE = [  # reduced, but it uses every environment for each of its purposes
    "study=smoke",
    "seeds=[1]",
    'baselines=["bm25"]',
    'training={"steps": 5}',
    'evaluation={"docstring_tasks": {"packages": ["networkx"], "categories": ["STS", "Retrieval"]}}',
]


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """Return environment variables with which `conda` is the stand-in."""
    folder = tmp_path_factory.mktemp("conda")
    make_channels(folder / "channels")
    (folder / "bin").mkdir()
    program = (HELPERS / "conda").read_text().split("\n", 1)[1]
    (folder / "bin/conda").write_text(f"#!{sys.executable}\n{program}")
    (folder / "bin/conda").chmod(0o755)
    shutil.copy(HELPERS / "activate", folder / "bin")
    inherited = {name: value for name, value in os.environ.items() if name != "CONDA_OVERRIDE_CUDA"}
    return {
        **inherited,
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STAND_IN_CHANNELS": str(folder / "channels"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder / "channels/wheels"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def workflow(tmp_path):
    """Return a folder with a copy of the files that Snakemake needs."""
    return copy_of_the_workflow(tmp_path)


def snakemake(folder: Path, conda: dict[str, str], *config: str) -> subprocess.CompletedProcess:
    command = ["snakemake", "--cores", "2", "--sdm", "conda", "--config", *config]
    return subprocess.run(command, cwd=folder, env=conda, capture_output=True, text=True)


def end_of(run: subprocess.CompletedProcess) -> str:
    return (run.stdout + run.stderr)[-3000:]


def test_the_smoke_study_runs_in_its_declared_environments(workflow, conda):
    run = snakemake(workflow, conda, *SMOKE)
    assert run.returncode == 0, end_of(run)
    results = workflow / "results/smoke"
    assert (results / "findings.html").exists()
    assert len((results / "scores.csv").read_text().splitlines()) == 1 + 2 * 2  # designs x tasks
    made = list((workflow / ".snakemake/conda").glob("*/conda-meta"))
    assert len(made) == len(list(ROOT.glob("envs/*.yaml")))


def test_the_leaderboard_runs_and_fails_if_a_package_is_not_declared(workflow, conda):
    run = snakemake(workflow, conda, "study=leaderboard")
    assert run.returncode == 0, end_of(run)
    assert (workflow / "results/leaderboard/findings.html").exists()

    environment = workflow / "envs/compare.yaml"
    declared = yaml.safe_load(environment.read_text())
    declared["dependencies"] = [name for name in declared["dependencies"] if not name.startswith("jinja2")]
    environment.write_text(yaml.safe_dump(declared))
    (workflow / "results/leaderboard/findings.html").unlink()
    run = snakemake(workflow, conda, "study=leaderboard")
    assert run.returncode != 0
    logs = [file.read_text() for file in (workflow / "results/leaderboard/logs").glob("*.log")]
    assert any("No module named 'jinja2'" in log for log in logs)


@pytest.mark.parametrize(("driver", "build"), [(None, "cpu_0"), ("13.0", "cuda_0")])
@pytest.mark.parametrize("environment", ["train", "evaluate"])
def test_a_cuda_driver_determines_the_build_of_pytorch(conda, tmp_path, environment, driver, build):
    file = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text())
    file["dependencies"] = [item for item in file["dependencies"] if isinstance(item, str)]
    (tmp_path / "environment.yaml").write_text(yaml.safe_dump(file))
    create = f"conda env create --file {tmp_path}/environment.yaml --prefix {tmp_path}/prefix"
    subprocess.run(
        create.split(), env=conda | ({"CONDA_OVERRIDE_CUDA": driver} if driver else {}), check=True
    )
    (record,) = (tmp_path / "prefix/conda-meta").glob("pytorch-*.json")
    assert json.loads(record.read_text())["build"] == build
