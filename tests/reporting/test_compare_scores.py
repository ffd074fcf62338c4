"""The console command: from a table to the verdict and the page, or one line about what is wrong."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from embedding_designs.study.benchmarks import benchmarks
from helpers.paths import ROOT

TASKS = ["STS12", "STS13", "STS14", "STSBenchmark", "SciFact", "NFCorpus", "ArguAna", "FiQA2018"]


def compare(*arguments: str, folder) -> subprocess.CompletedProcess:
    """Run the command in a folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    command = [sys.executable, "-m", "embedding_designs.reporting.compare_scores", "compare", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Return the folder and the output of a comparison of three models; one is best on every task."""
    folder = tmp_path_factory.mktemp("compared")
    scores = {
        model: [level + 0.01 * place for place in range(len(TASKS))]
        for model, level in {"good": 0.8, "fair": 0.6, "weak": 0.4}.items()
    }
    pd.DataFrame(scores, TASKS).to_csv(folder / "mine.csv", index_label="task")
    return folder, compare("mine.csv", folder=folder)


def test_the_verdict_and_the_page_are_printed_last(compared):
    folder, run = compared
    assert run.returncode == 0, run.stderr
    *_, verdict, page = run.stdout.splitlines()
    assert verdict.startswith("Use good. On tasks like these, no other model could be the best")
    assert page == "Findings: results/mine/findings.html"
    assert "only good could be the best" in (folder / "results/mine/findings.html").read_text()


def test_the_folder_holds_what_a_study_s_results_hold(compared):
    folder, _ = compared
    there = {path.name for path in (folder / "results/mine").iterdir()}
    assert {"findings.html", "scores.csv", "statistics.json", "tables", "figures", "mine.yaml"} <= there
    study = json.loads((folder / "results/mine/configs/study.json").read_text())
    assert study["scores"]["from"] == "table"


def test_the_same_command_again_replaces_the_results(compared):
    folder, run = compared
    assert compare("mine.csv", folder=folder).stdout == run.stdout


def test_a_folder_with_other_files_is_left_alone(compared):
    folder, _ = compared
    (folder / "photos").mkdir()
    (folder / "photos/one.jpg").touch()
    run = compare("mine.csv", "--output", "photos", folder=folder)
    assert run.returncode == 2 and "--output photos: holds other files" in run.stderr
    assert [path.name for path in (folder / "photos").iterdir()] == ["one.jpg"]


@pytest.mark.parametrize("text", ["thing,x,y\np,0.1,0.2\nq,0.3,0.4\n", "model,STS12\na,0.1\nb,0.2\n"])
def test_bad_input_is_one_line_and_writes_nothing(text, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    run = compare("bad.csv", folder=tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith("error: bad.csv: ") and run.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_what_was_inferred_is_on_the_page(tmp_path):
    (tmp_path / "mine.csv").write_text("model,STS12,STS13,STS14,Average\na,71,60,50,60.3\nb,61,50,40,50.3\n")
    assert compare("mine.csv", folder=tmp_path).returncode == 0
    page = (tmp_path / "results/mine/findings.html").read_text()
    assert "taken as percent" in page and "Average" in page


def test_options_for_tables_are_refused_for_a_folder(tmp_path):
    (tmp_path / "results-clone").mkdir()
    run = compare("results-clone", "--tasks-in", "rows", folder=tmp_path)
    assert run.returncode == 2 and "for tables, not for MTEB results" in run.stderr


INCOMPLETE = (
    "model,STS12,STS13,SciFact,NFCorpus,Average\na,71,60,50,40,55\nb,61,50,40,,50\nc,51,40,30,20,35\n"
)


def test_a_missing_score_is_named_with_the_options_that_leave_it_out(tmp_path):
    (tmp_path / "mine.csv").write_text(INCOMPLETE)
    run = compare("mine.csv", folder=tmp_path)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("error: mine.csv: 1 score missing: b on NFCorpus; ")
    assert "--missing drop_tasks" in run.stderr and not (tmp_path / "results").exists()


def test_with_a_benchmark_only_scores_on_its_tasks_can_be_missing(tmp_path):
    names = [task.name for task in benchmarks()["MTEB(eng, v2)"]]
    table = pd.DataFrame(0.5, ["a", "b", "c"], names).rename_axis("model").assign(mine=[0.1, None, 0.2])
    table.loc["b", names[0]] = None
    table.to_csv(tmp_path / "mine.csv")
    run = compare("mine.csv", "--benchmark", "MTEB(eng, v2)", folder=tmp_path)
    assert run.returncode == 2
    error = (
        f"error: mine.csv: 1 score missing: b on {names[0]}; add them, or leave out these tasks (--missing"
    )
    assert run.stderr.splitlines()[-1].startswith(error)


def test_everything_left_out_is_on_the_terminal_on_the_page_and_in_statistics_json(tmp_path):
    (tmp_path / "mine.csv").write_text(INCOMPLETE)
    run = compare("mine.csv", "--missing", "drop_tasks", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    results = tmp_path / "results/mine"
    page = (results / "findings.html").read_text()
    statistics = json.loads((results / "statistics.json").read_text())
    recorded = [name for entry in statistics["not_used"] for name in entry["names"]]
    left_out = [
        "1 task not used: Average (computed from the others)",
        "1 task not used: NFCorpus (a score of b is missing)",
        "1 category not used: Retrieval (with a single task there is nothing to test",
    ]
    for line in left_out:
        assert line in run.stdout and line in page
    assert recorded == ["Average", "NFCorpus", "Retrieval"]
    assert statistics["unit"] == "model" and "model" in page
    assert any("taken as percent" in line for line in statistics["inferred"])


def test_models_with_a_missing_score_can_be_left_out(tmp_path):
    (tmp_path / "mine.csv").write_text(INCOMPLETE)
    run = compare("mine.csv", "--missing", "drop_models", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "1 model not used: b (a score is missing" in run.stdout
