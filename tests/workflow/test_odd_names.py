"""Names with characters that are special in shells, LaTeX, HTML, or Python are handled as plain text."""

import html
import json
import re

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.score_files import write_scores
from embedding_designs.comparison import compare
from embedding_designs.comparison.statistics_file import write_statistics
from embedding_designs.reporting import draw_figures as draw
from embedding_designs.reporting import write_findings as findings
from embedding_designs.scores.published.pools import published_scores
from embedding_designs.scores.score_table import read_scores

NAMES = ["a$x^{$b", "c_%#&\\d", "<b>e&f", "*(g)", "{h}"]
CATEGORY = "C$^{ {0} "


def drawn(tmp_path, rows: list[str]):
    """Return the results folder of a table with these rows, up to the figures."""
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(["base,model,task,category,score", *rows]))
    source = {"from": "table", "path": str(table), "benchmark": None, "tasks": [], "pools": {}}
    folder = tmp_path / "results"
    (folder / "configs").mkdir(parents=True)
    (folder / "figures").mkdir()
    study = {"name": "odd", "description": "", "scores": source}
    (folder / "configs/study.json").write_text(json.dumps(study))
    write_scores(published_scores(source).rows, folder / "scores.csv")
    scores = read_scores(folder / "scores.csv")
    statistics = compare.compare_study(scores, study)
    write_statistics(folder / "statistics.json", statistics)
    draw.draw_study(statistics, scores, folder / "figures", 7.0)
    return folder


def test_odd_names_reach_the_page_unchanged(tmp_path):
    folder = drawn(tmp_path, [
        f'base,"{name}",task{{{task}}},{CATEGORY},0.{(task * 7 + place * 13) % 90 + 10}'
        for task in range(8)
        for place, name in enumerate(NAMES)
    ])  # fmt: skip
    page = findings.render(findings.gather(folder))
    assert (folder / "figures" / f"cd-base-{CATEGORY.strip()}.svg").exists()
    shown = {html.unescape(label) for label in re.findall(r'<th scope="row">([^<]+)</th>', page)}
    assert {*NAMES, CATEGORY.strip(), "task{0}"} <= shown


def test_two_figures_with_the_same_name_are_rejected(tmp_path):
    rows = [
        f"{base},{model},{category}{task},{category},0.{task}{place}"
        for base in ("x", "x-y")
        for category in ("z", "y-z")
        for task in (1, 2, 3)
        for place, model in enumerate("ab")
    ]
    with pytest.raises(BadInput, match="two figures would have the name cd-x-y-z"):
        drawn(tmp_path, rows)
