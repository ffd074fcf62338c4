"""What a reader must be able to see in the matrix of verdicts, measured on what is drawn."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import matplotlib.colors as colors
import pytest

from embedding_designs.comparison.results_of_best_sets import BestOverRuns
from embedding_designs.reporting.figures.study_figures import matrix_figure
from embedding_designs.reporting.figures.verdict_matrix import COLOURS
from helpers.figure_examples import changed, collisions, comparison_of, rendered, said, spread_ranks

CATEGORIES = ["STS", "Retrieval", "Reranking", "Classification", "PairClassification", "Clustering", "All"]
every_size = pytest.mark.parametrize(("k", "width"), [(k, w) for k in (2, 5, 20, 60) for w in (3.3, 7)])


def comparisons(k: int):
    """Return comparisons of k designs: the best sets have two of them over tasks, and one over runs."""
    found = []
    for category in CATEGORIES:
        one = replace(comparison_of(spread_ranks(k)), category=category)
        one = changed(one, "these_checkpoints.best_by_score.best_set", one.designs[:2])
        one = changed(one, "these_designs.best", BestOverRuns(one.designs[:1], {}))
        found.append(replace(one, sentences={"verdict": ["Use this one. It is the best."]}))
    return found


@cache
def drawn(k: int, width: float):
    return rendered(matrix_figure, comparisons(k), 0.05, width)


def gids(figure, start: str) -> list[str]:
    artists = [*figure.axes[0].lines, *figure.axes[0].patches, *figure.axes[0].texts]
    return [str(artist.get_gid()) for artist in artists if str(artist.get_gid()).startswith(start)]


@every_size
def test_no_text_overlaps_another_or_leaves_the_figure(k, width):
    assert collisions(drawn(k, width)) == []


def test_what_only_the_corrected_set_contains_has_an_empty_marker():
    found = comparisons(5)
    names = found[0].designs[:3]
    found = [
        changed(one, "these_checkpoints.best_by_score.best_set_together", names)
        if one.category == "STS"
        else one
        for one in found
    ]
    figure = rendered(matrix_figure, found, 0.05, 7)
    assert gids(figure, "hollow") == [f"hollow-over_tasks-STS-{names[2]}"]
    (marker,) = (line for line in figure.axes[0].lines if str(line.get_gid()).startswith("hollow"))
    assert marker.get_markerfacecolor() == "none"
    assert "only if corrected" in said(figure)
    assert collisions(figure) == []


@every_size
def test_marks_and_colors_are_the_best_sets(k, width):
    figure, (first, second, *others) = drawn(k, width), comparisons(k)[0].designs
    at = [f"-{category}-{name}" for category in CATEGORIES for name in (first, second)]
    assert sorted(gids(figure, "over_tasks")) == sorted(f"over_tasks{place}" for place in at)
    assert len(gids(figure, "over_runs")) == len(CATEGORIES)
    assert len(gids(figure, "best")) == len(gids(figure, "undecided")) == len(CATEGORIES)
    assert len(gids(figure, "worse")) == len(CATEGORIES) * len(others)
    assert len(gids(figure, "rank")) == k


def test_the_verdict_and_the_words_of_the_legend_are_in_the_figure():
    text = said(drawn(5, 7))
    for part in ("Use this one.", "on tasks like these", "over new trainings", "in the best set",
                 "not corrected for the number of categories", "Rank"):  # fmt: skip
        assert part in text


def test_verdicts_differ_in_grayscale():
    """By the luminance of ITU-R BT.709; a difference of 0.1 is easily seen side by side."""
    grays = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), colors.to_rgb(name), strict=True))
                   for name in COLOURS.values())  # fmt: skip
    assert all(lighter - darker > 0.1 for darker, lighter in pairwise(grays))
