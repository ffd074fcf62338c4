"""The findings in resources/findings follow from the scores beside them, and docs/ shows the same scores."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from embedding_designs.common.json_files import read_json
from embedding_designs.common.typed_json import to_json
from embedding_designs.comparison.compare import compare_study
from embedding_designs.scores.report_file import read_report
from embedding_designs.scores.score_table import read_scores
from embedding_designs.study.config_files import read_study
from helpers.paths import ROOT

STUDIES = sorted(folder.name for folder in (ROOT / "resources" / "findings").glob("*/"))


def kept(study: str) -> Path:
    return ROOT / "resources" / "findings" / study


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of nested JSON."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in pairs:
            yield from leaves(inner, f"{key}.{name}")
    else:
        yield key, value


@pytest.mark.parametrize("study", STUDIES)
def test_the_statistics_are_recomputed_from_the_scores(study):
    folder = kept(study)
    report = read_report(folder / "collected.json")
    computed = compare_study(
        read_scores(folder / "scores.csv"), read_study(folder / "study.json"), "scores.csv", report
    )
    published = dict(leaves(read_json(folder / "statistics.json")))
    found = dict(leaves(to_json(computed)))
    assert found.keys() == published.keys()
    for key, value in published.items():
        expected = pytest.approx(value, rel=1e-6, abs=1e-9) if isinstance(value, float) else value
        assert found[key] == expected, key


@pytest.mark.parametrize("study", STUDIES)
def test_the_documentation_shows_the_mean_scores(study):
    """The table in docs/findings-*.md has the means over tasks of the means over seeds."""
    scores = pd.read_csv(kept(study) / "scores.csv")
    tasks = scores.groupby(["design", "category", "task"])["score"].mean()
    means = tasks.groupby(["design", "category"]).mean().unstack()
    means["All"] = tasks.groupby("design").mean()
    header, _, *rows = table_of_designs((ROOT / "docs" / f"findings-{study}.md").read_text())
    assert sorted(row[0] for row in rows) == sorted(means.index)
    for design, *cells in rows:
        for category, cell in zip(header[1:], cells, strict=True):
            assert float(re.sub(r"[^\d.]", "", cell)) == pytest.approx(
                means.loc[design, category], abs=5.1e-4
            )


def table_of_designs(text: str) -> list[list[str]]:
    """Return the cells of the Markdown table whose first column is `design` and whose second is `All`."""
    lines = text[text.index("| design | All |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
