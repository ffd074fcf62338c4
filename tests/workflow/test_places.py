"""A study runs wherever it and the project are located, and its page shows how to reproduce it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.snakemake import environment, planned, snakemake
from helpers.workflow_copy import copy_of_the_workflow

MODELS = {"first": 0.71, "second": 0.51, "third": 0.42}
OWN_DATA = """
bases: {own: {model: own-base}}
data: {source: file, path: rows.jsonl, heldout_rows: 4}
designs:
  eos: {attention: causal, pooling: {kind: eos}}
  mean: {attention: causal, pooling: {kind: mean}}
seeds: [1]
training: {steps: 2, batch_size: 4, gradient_accumulation_steps: 1, warmup_steps: 1, max_seq_length: 24}
evaluation:
  docstring_tasks: {packages: [networkx], documents: 64, queries: 30, classes: 4}
  max_seq_length: 24
"""


def table_of_scores(folder: Path) -> str:
    """Write a table with the scores of three models on six tasks, and return a study that compares them."""
    rows = [f"{name},task{n},STS,{score + n / 100:.2f}" for name, score in MODELS.items() for n in range(6)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.csv").write_text("\n".join(["model,task,category,score", *rows]) + "\n")
    return f"scores: {{from: table, path: {(folder / 'mine.csv').name}}}\n"


def read_only(folder: Path) -> list[str]:
    """Make a folder read-only, and return a command prefix that makes this apply to root as well."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    drop = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"]
    may_drop = os.geteuid() == 0 and shutil.which("setpriv")
    return drop if may_drop and subprocess.run([*drop, "true"], capture_output=True).returncode == 0 else []


def files(folder: Path) -> dict[Path, int]:
    """Return the files in a folder with their modification times, except for Python's bytecode."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Return a read-only project, its files before the study, and another folder with a finished study."""
    project = copy_of_the_workflow(tmp_path_factory.mktemp("a project of Ann's"))
    before, prefix = files(project), read_only(project)
    folder = tmp_path_factory.mktemp("else where")
    (folder / "mine.yaml").write_text(table_of_scores(folder))
    command = [*["--snakefile", str(project / "Snakefile"), "--directory", str(folder)]]
    run = subprocess.run(
        [*prefix, sys.executable, "-m", "snakemake", "--cores", "1", *command, "--config", "study=mine.yaml",
         'statistics={"alpha": 0.1}'],
        cwd=project.parent, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return project, before, folder


def test_results_go_to_the_directory_and_nothing_to_the_project(elsewhere):
    project, before, folder = elsewhere
    assert (folder / "results/mine/findings.html").exists()
    assert files(project) == before


def test_the_command_on_the_page_reproduces_the_study(elsewhere):
    """It includes the study's path and overrides; without them, a different study would run."""
    _, _, folder = elsewhere
    page = (folder / "results/mine/findings.html").read_text()
    command = re.search(r"<pre><code>(snakemake .*?)</code></pre>", page)[1]
    command = shlex.split(command.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&"))
    assert command[:3] == ["snakemake", "--cores", "all"]
    assert "study=mine.yaml" in command
    assert command[-1] == 'statistics={"alpha": 0.1}'
    again = subprocess.run(
        [sys.executable, "-m", *command, "--dry-run"],
        cwd=folder, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.parametrize("study", ["smoke", "leaderboard"])
def test_shipped_studies_can_be_planned_from_another_folder(elsewhere, tmp_path, study):
    project, _, _ = elsewhere
    run = snakemake(tmp_path, "--snakefile", str(project / "Snakefile"), "--dry-run", "--quiet", study=study)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_shipped_study_reads_its_scores_from_a_read_only_project(elsewhere, tmp_path):
    project, before, _ = elsewhere
    run = snakemake(
        tmp_path,
        "--snakefile",
        str(project / "Snakefile"),
        "results/leaderboard/scores.csv",
        study="leaderboard",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (tmp_path / "results/leaderboard/scores.csv").exists()
    assert files(project) == before


def test_two_study_files_with_the_same_name_do_not_share_results(elsewhere):
    project, _, folder = elsewhere
    (folder / "others").mkdir()
    (folder / "others" / "mine.yaml").write_text((folder / "mine.yaml").read_text())
    other = snakemake(folder, "--snakefile", str(project / "Snakefile"), study="others/mine.yaml")
    assert other.returncode != 0
    line = "error: results/mine has the results of mine.yaml, and others/mine.yaml has the same name"
    assert line in other.stderr
    assert "Traceback" not in other.stderr


def test_a_moved_study_file_keeps_its_results(elsewhere):
    project, _, folder = elsewhere
    (folder / "moved").mkdir()
    (folder / "mine.yaml").rename(folder / "moved" / "mine.yaml")
    change = ['statistics={"alpha": 0.1}', "--snakefile", str(project / "Snakefile"), "--dry-run"]
    moved = snakemake(folder, *change, study="moved/mine.yaml")
    (folder / "moved" / "mine.yaml").rename(folder / "mine.yaml")
    assert moved.returncode == 0, moved.stderr
    assert "collect_published_scores" not in planned(moved)


@pytest.mark.parametrize("name", ["my study", "exp(1)", "it's-50%", "$(touch made)", "-n", "é"])
def test_a_study_name_that_cannot_be_used_in_paths_is_rejected(tmp_path, name):
    folder = copy_of_the_workflow(tmp_path)
    (folder / f"{name}.yaml").write_text(table_of_scores(folder))
    run = snakemake(folder, study=f"./{name}.yaml")
    assert run.returncode != 0
    assert f'study name "{name}" may contain only letters, digits' in run.stderr
    assert "Traceback" not in run.stderr
    assert not (folder / "results").exists()
    assert not (folder / "made").exists()


def test_a_project_path_with_braces_is_rejected(tmp_path):
    (tmp_path / "a{b}").mkdir()
    run = snakemake(copy_of_the_workflow(tmp_path / "a{b}"), "--dry-run")
    assert run.returncode != 0
    assert "mistakes braces in the project's path for wildcards" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_users_data_and_docstring_tasks_can_be_combined(tmp_path, bases):
    """Docstrings are harvested only for the tasks; the rows and the base are the user's files."""
    folder = copy_of_the_workflow(tmp_path)
    (folder / "mine.yaml").write_text(OWN_DATA)
    (folder / "rows.jsonl").write_text(json.dumps({"query": "a", "positive": "b"}) + "\n")
    shutil.copytree(bases["mistral"], folder / "own-base")
    run = snakemake(folder, "--dry-run", "--quiet", "host", study="mine.yaml")
    jobs = planned(run)
    assert {"harvest_docstrings", "prepare_data", "build_docstring_tasks", "train_design"} <= jobs.keys()
    assert not {"pretrain_base", "fetch_base", "fetch_data"} & jobs.keys()


def test_a_base_with_a_missing_file_is_rejected_before_any_job(tmp_path, bases):
    folder = copy_of_the_workflow(tmp_path)
    (folder / "mine.yaml").write_text(OWN_DATA)
    (folder / "rows.jsonl").write_text(json.dumps({"query": "a", "positive": "b"}) + "\n")
    shutil.copytree(bases["mistral"], folder / "own-base")
    (folder / "own-base" / "model.safetensors").unlink()
    run = snakemake(folder, study="mine.yaml")
    assert run.returncode != 0
    assert "error: mine.yaml: bases.own.model own-base: model.safetensors is missing" in run.stderr
    assert not (folder / "results").exists()


def test_training_on_docstrings_and_mteb_tasks_can_be_combined(tmp_path):
    folder = copy_of_the_workflow(tmp_path)
    study = (folder / "config/studies/smoke.yaml").read_text()
    tasks = re.sub(r"(?m)^  docstring_tasks: .*$", "  tasks: {STS: [STS12, STS13]}", study)
    (folder / "mine.yaml").write_text(tasks.replace("bm25, ", ""))
    jobs = planned(snakemake(folder, "--dry-run", "--quiet", "host", study="mine.yaml"))
    assert {"harvest_docstrings", "prepare_data", "fetch_tasks", "train_design"} <= jobs.keys()
    assert "build_docstring_tasks" not in jobs
