"""What pages and figures say of models does not call them designs, and names no key of a study."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import yaml

from embedding_designs import compare
from embedding_designs.comparison import tables as comparison_tables
from embedding_designs.comparison.results import Statistics
from embedding_designs.reporting.figures import captions
from embedding_designs.reporting.page import tables as page_tables
from embedding_designs.reporting.results_folder import STEPS, compare_given, run_step
from embedding_designs.study.study import load_study
from helpers.page_outline import Outline

LABELS = {"a": ("mean", "causal"), "b": ("mean", "both"), "c": ("eos", "causal"), "d": ("eos", "both")}
TASKS = {"S1": "STS", "S2": "STS", "S3": "STS", "R1": "Retrieval", "R2": "Retrieval", "R3": "Retrieval",
         "T1": "Tied", "T2": "Tied", "O1": "Single"}  # fmt: skip
STUDY_KEY = re.compile(
    r"\b(statistics|scores|pools)\.(?!csv)[a-z]|complete: true|\bbase all\b|\(all\)|, all\b[:;,]"
)


def table(seeds: int = 1, gaps: bool = True) -> pd.DataFrame:
    """Return scores of four models with labels, with ties in all of a category, and a missing score."""
    random = np.random.default_rng(0)
    rows = []
    for place, (model, (pooling, attention)) in enumerate(LABELS.items()):
        for seed in range(seeds):
            for task, category in TASKS.items():
                score = 0.5 if category == "Tied" else round(0.5 + place / 50 + random.normal(0, 0.01), 3)
                rows.append([model, pooling, attention, seed, task, category, score])
    found = pd.DataFrame(rows, columns=["model", "pooling", "attention", "seed", "task", "category", "score"])
    found.loc[gaps & (found["model"] == "c") & (found["task"] == "R3"), "score"] = np.nan
    return found


def of_small_table(tmp_path) -> tuple[Statistics, str]:
    return written(compare(table(), missing="drop_tasks"), tmp_path)


def of_two_models(tmp_path) -> tuple[Statistics, str]:
    return written(compare(table().query("model in ('a', 'c')"), missing="drop_tasks"), tmp_path)


def of_seeds(tmp_path) -> tuple[Statistics, str]:
    return written(compare(table(seeds=3, gaps=False)), tmp_path)


def written(found, tmp_path) -> tuple[Statistics, str]:
    found.to_html(tmp_path / "page.html")
    return found.statistics, (tmp_path / "page.html").read_text()


def of_leaderboard(tmp_path) -> tuple[Statistics, str]:
    """Return the statistics and the page of two pools of published scores; one has only complete models."""
    table()[["model", "task", "category", "score"]].to_csv(tmp_path / "tidy.csv", index=False)
    labels = pd.DataFrame(LABELS, ["pooling", "attention"]).T.rename_axis("model")
    labels.assign(kind=["x", "x", "y", "x"], note="none").to_csv(tmp_path / "labels.csv")
    pools = {"some": {"where": {"kind": "x"}}, "complete": {"complete": True}}
    source = {"from": "table", "path": str(tmp_path / "tidy.csv"), "pools": pools}
    source |= {"labels": str(tmp_path / "labels.csv"), "tasks": [task for task in TASKS if task != "R1"]}
    (tmp_path / "board.yaml").write_text(yaml.safe_dump({"scores": source | {"unit": "model"}}))
    statistics = compare_given(load_study(tmp_path / "board.yaml"), None, tmp_path, "tidy.csv")
    for step in STEPS:
        run_step(step, tmp_path, quiet=True)
    return statistics, (tmp_path / "findings.html").read_text()


@pytest.fixture(scope="module", params=[of_small_table, of_two_models, of_seeds, of_leaderboard])
def compared(request, tmp_path_factory) -> tuple[Statistics, str]:
    return request.param(tmp_path_factory.mktemp("compared"))


def texts(page: str) -> str:
    """Return all texts of a page, those for readers who do not see it included, without the configuration."""
    outline = Outline(re.sub(r"<(style|pre)>.*?</\1>|src=\"data:[^\"]*\"", "", page, flags=re.DOTALL))
    unseen = [named.get(key, "") for _, named in outline.elements for key in ("alt", "aria-label")]
    return "\n".join([outline.text, *unseen]).replace("embedding-designs", "")


def in_figures(statistics: Statistics) -> Iterator[str]:
    """Yield the captions of figures."""
    by_base: dict[str, list] = {}
    for one in statistics.comparisons:
        by_base.setdefault(one.base, []).append(one)
        yield captions.ranks_caption(one, 0.05, "nemenyi", gaps=True, n_undrawn=2)
        yield captions.significance_caption(one, 0.05)
    for comparisons in by_base.values():
        yield captions.differences_caption(comparisons, 0.05)
        yield captions.interaction_caption(comparisons)


def test_the_page_and_the_figures_say_models(compared):
    statistics, page = compared
    said = "\n".join([texts(page), *in_figures(statistics)])
    assert statistics.unit == "model" and "models" in said
    assert re.findall(r".*\bdesigns?\b.*", said, re.IGNORECASE) == []
    assert [line for line in said.splitlines() if STUDY_KEY.search(line)] == []


def test_a_category_of_ties_cannot_be_decided(compared):
    _, page = compared
    said = texts(page)
    (sentence,) = set(re.findall(r"Nothing can be decided in Tied: [^.]*\.", said))
    assert sentence.endswith("all score the same on every task, so there is nothing to test.")
    assert not re.search(r"do not separate any models in [^.]*Tied", said)
    assert not re.search(r"Best average rank: [^.]*Tied", said)


def test_a_comparison_in_python_shows_no_progress(capfd):
    compare(table(gaps=False))
    assert "%|" not in capfd.readouterr().err


def test_many_pairs_are_shown_over_all_tasks_only_and_too_many_not_at_all(monkeypatch):
    comparisons = compare(table(gaps=False)).statistics.comparisons[
        ::-1
    ]  # All, and four categories: 6 pairs each
    for most, rows, said in [
        (30, 30, None), (29, 6, "within categories are only in tables/pairs.csv (30 rows)"),
        (5, None, "the pairwise tests are only in tables/pairs.csv (30 rows)"),
    ]:  # fmt: skip
        monkeypatch.setattr(page_tables, "MOST_PAIRS", most)
        shown, elsewhere = page_tables.shown_pairs(comparisons), page_tables.elsewhere(comparisons)
        assert (shown and len(shown.rows)) == rows
        assert elsewhere == [] if said is None else said in elsewhere[0]


def test_only_the_csv_file_has_a_very_long_table(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_tables, "LONGEST", 29)
    comparison_tables.write_tables(compare(table(gaps=False)).statistics, tmp_path / "tables")
    assert [path.name for path in tmp_path.glob("tables/pairs.*")] == ["pairs.csv"]
    assert len(pd.read_csv(tmp_path / "tables/pairs.csv")) == 30
    assert (tmp_path / "tables/designs.json").exists()


def test_the_pairs_of_the_paper_s_rule_have_the_verdict_of_holm_s_correction():
    found = comparison_tables.tables(compare(table(gaps=False)).statistics)
    holm = {
        (row.category, frozenset((row.first, row.second))): row.significant_holm
        for row in found["pairs"].itertuples()
    }
    rule = list(found["papers_rule"].itertuples())
    assert rule
    for row in rule:
        assert row.significant_holm == holm[row.category, frozenset((row.better, row.worse))]
