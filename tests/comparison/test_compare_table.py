"""`compare` takes a table as used in notebooks, and reports what is wrong with it in one line."""

import subprocess
import sys

import pandas as pd
import pytest

from embedding_designs import compare
from embedding_designs.common.errors import BadInput
from embedding_designs.comparison.compare import compare_study
from embedding_designs.scores.score_table import COLUMNS
from helpers.paths import WORKFLOW

SCORES = {  # on tasks A to D
    "eos": [0.1, 0.2, 0.3, 0.4],
    "mean": [0.2, 0.3, 0.2, 0.5],
    "multi": [0.3, 0.1, 0.4, 0.6],
}


def table() -> pd.DataFrame:
    rows = [
        (design, task, "STS", score)
        for design, scores in SCORES.items()
        for task, score in zip("ABCD", scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=["design", "task", "category", "score"])


def test_designs_are_ranked_on_every_task():
    comparison = compare(table()).comparisons[0]
    # A: 3 2 1, B: 2 1 3, C: 2 3 1, D: 3 2 1
    assert comparison.average_ranks == {"eos": 10 / 4, "mean": 8 / 4, "multi": 6 / 4}


def test_omitted_columns_get_defaults():
    described = table().assign(
        base="all", pooling="unknown", attention="unknown", seed=0, metric="main_score"
    )
    assert compare(table()) == compare_study(described[COLUMNS], {})


def test_a_table_and_its_file_give_the_same_results(tmp_path):
    table().to_csv(tmp_path / "scores.csv", index=False)
    assert compare(tmp_path / "scores.csv") == compare(str(tmp_path / "scores.csv")) == compare(table())


def test_any_index_works_and_so_does_a_model_column():
    named = table().rename(columns={"design": "model"}).set_index(pd.Index([7] * 12))
    assert compare(named) == compare(table())


def test_mteb_tasks_need_no_category():
    names = {"A": "STS12", "B": "STS13", "C": "STS14", "D": "SciFact"}
    rows = table().drop(columns="category").replace({"task": names})
    categories = [comparison.category for comparison in compare(rows).comparisons]
    assert categories == ["STS", "Retrieval", "All"]


def test_columns_that_are_not_read_are_named(capsys):
    compare(table().assign(remark="x"))
    assert "1 column not used: remark" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (table().drop(columns="score"), "scores: column score is missing"),
        (table().drop(columns="design"), "scores: no column names the models"),
        (table().assign(score=50.0), "scores:row 0: .*divide scores in percent by 100"),
        (table().head(11), "scores: 1 score missing: .*design multi, seed 0, task D"),
        (table().replace(0.6, None), "scores: 1 score missing: .*design multi, seed 0, task D"),
        (pd.concat([table(), table()]), "scores:row 12: a second score for .*design eos, seed 0, task A"),
        (pd.concat([table(), table()], axis="columns"), 'scores: column "design" appears twice'),
        (table().head(0), "scores: no scores"),
        (table().head(4), "scores: base all: "),
        ("absent.csv", "absent.csv: no such file"),
        ([0.1, 0.2], "scores: list is not a pandas table or the path of a CSV file"),
    ],
)
def test_unusable_scores_are_rejected_in_one_line(scores, message):
    with pytest.raises(BadInput, match=f"^{message}"):
        compare(scores)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, embedding_designs; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(WORKFLOW)}, check=True)
