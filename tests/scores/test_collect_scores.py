"""Score files of runs become one table; damaged, missing, and leftover files are named by their path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.scores import collect_scores as collect
from embedding_designs.scores.score_table import BASELINE_COLUMNS, COLUMNS

STUDY = {
    "name": "tiny",
    "description": "",
    "bases": {"mini": {}},
    "designs": {
        "eos-causal": {"attention": "causal", "pooling": {"kind": "eos"}},
        "mean-both": {"attention": "bidirectional", "pooling": {"kind": "mean"}},
    },
    "seeds": [2, 10],
    "baselines": ["bm25"],
    "evaluation": {"tasks": {"STS": ["A", "B"]}, "batch_by": "task"},
}
HEADER = "task,category,metric,score\n"


@pytest.fixture
def results(tmp_path):
    """Return a results folder with all score files of the study."""
    folder = tmp_path / "results" / "tiny"
    for place, path in enumerate(collect.run_files(folder, STUDY)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEADER}{path.stem},STS,spearman,0.{place + 10}\n")
    for path in collect.baseline_files(folder, STUDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER)  # BM25 has no scores without retrieval tasks
    (folder / "configs").mkdir()
    (folder / "configs" / "study.json").write_text(json.dumps(STUDY))
    return folder


def run(results: Path, module: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"embedding_designs.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(collect.__file__).parents[2])}
    return subprocess.run(command, cwd=results, capture_output=True, text=True, env=environment)


def collected(results: Path) -> subprocess.CompletedProcess:
    options = "--results . --output scores.csv --baselines-output baselines.csv --collected collected.json"
    return run(results, "scores.collect_scores", "configs/study.json", *options.split())


def compared(results: Path) -> subprocess.CompletedProcess:
    options = "--study configs/study.json --collected collected.json --output statistics.json --tables tables"
    return run(results, "comparison.compare_designs", "scores.csv", *options.split())


def test_rows_have_columns_from_their_path_and_are_sorted_numerically(results):
    rows = collect.table(collect.run_files(results, STUDY), COLUMNS)
    assert rows[["design", "pooling", "attention", "seed", "task"]].values.tolist()[:3] == [
        ["eos-causal", "eos", "causal", 2, "A"],
        ["eos-causal", "eos", "causal", 2, "B"],
        ["eos-causal", "eos", "causal", 10, "A"],
    ]
    assert rows["score"].tolist() == [0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17]


def test_baselines_without_a_score_make_an_empty_table(results):
    assert collect.table(collect.baseline_files(results, STUDY), BASELINE_COLUMNS).empty


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("", "empty; expected a CSV file"),
        ("task,score\nA,0.5\n", "column category is missing; required: task, category, metric, score"),
        (
            HEADER + "A,STS,spearman,high\n",
            ':2: base mini, design eos-causal, seed 2, task A: score "high" is',
        ),
        (HEADER + "A,STS,spearman,1e999\n", 'score "1e999" is not a number from -1 to 1'),
        (
            HEADER + "A,STS,spearman,0.1\nA,STS,spearman,0.1\n",
            ":3: a second score for base mini, design eos-",
        ),
        (HEADER + "A,Retrieval,spearman,0.1\n", 'task A has the category "STS", but "Retrieval" in an'),
    ],
)
def test_a_damaged_score_file_is_named(results, content, message):
    file = results / "scores/mini/eos-causal/seed2/A.csv"
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(BadInput) as error:
        collect.table(collect.run_files(results, STUDY), COLUMNS)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{results}/scores/mini/")


def test_leftover_score_files_are_named_and_not_collected(results):
    stray = results / "scores/mini/eos-causal/seed2 copy/A.csv"
    stray.parent.mkdir()
    stray.write_text("anything")
    assert collected(results).returncode == 0
    assert len((results / "scores.csv").read_text().splitlines()) == 1 + 8
    done = compared(results)
    assert done.returncode == 0
    assert (
        "note: 1 score file not used: scores/mini/eos-causal/seed2 copy/A.csv (the study has" in done.stderr
    )
    statistics = json.loads((results / "statistics.json").read_text())
    assert statistics["not_used"][0]["names"] == ["scores/mini/eos-causal/seed2 copy/A.csv"]


def test_the_command_stays_short_for_thousands_of_score_files(results):
    many = {**STUDY, "seeds": list(range(1000))}
    assert len(collect.run_files(results, many)) == 4000
    assert len(" ".join(collected(results).args)) < 1000


@pytest.mark.parametrize("table", ["scores.csv", "statistics.json"])
def test_a_manually_edited_table_is_noticed(results, table):
    """The comparison notices it, as do the page and the figures if the statistics are older than the edit."""
    assert collected(results).returncode == 0
    if table == "statistics.json":
        assert compared(results).returncode == 0
    edited = (results / "scores.csv").read_text().replace("0.100000", "0.900000")
    (results / "scores.csv").write_text(edited)
    if table == "scores.csv":
        done = [compared(results)]
    else:
        draw = [
            "reporting.draw_figures",
            "--statistics",
            "statistics.json",
            "--scores",
            "scores.csv",
            "--output",
            "figures",
        ]
        done = [
            run(results, *draw),
            run(results, "reporting.write_findings", ".", "--output", "findings.html"),
        ]
    for refusal in done:
        assert refusal.returncode == 2
        assert "scores.csv: changed since it was collected (SHA-256 " in refusal.stderr
        assert len(refusal.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("configs/study.json", "[]", "configs/study.json: not a JSON object"),
        ("configs/study.json", '{"designs": []}', "configs/study.json: designs is not an object"),
        ("configs/study.json", '{"designs": {"a": 1}}', "configs/study.json: designs: a is not an object"),
        (
            "configs/study.json",
            '{"statistics": {"alpha": "x"}}',
            'statistics.alpha "x" must be a number',
        ),
        ("collected.json", "{}", "collected.json: sha256 is missing"),
        ("collected.json", '{"sha256": [], "not_used": [], "revisions": {}}', "sha256 is not an object"),
        ("collected.json", '{"sha256": {}, "not_used": [1], "revisions": {}}', "not_used.0 is not an object"),
    ],
)
def test_a_json_file_with_the_wrong_structure_is_named(results, file, content, message):
    assert collected(results).returncode == 0
    (results / file).write_text(content)
    done = compared(results)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
