"""What the table of all pairs must show, measured on what is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from embedding_designs.comparison.results import Comparison
from embedding_designs.reporting.figures.significance import verdicts
from embedding_designs.reporting.figures.study_figures import significance_figure
from helpers.figure_examples import (
    boxes,
    changed,
    collisions,
    compared,
    comparison_of,
    rendered,
    said,
    spread_ranks,
)

WIDTHS = [3.3, 7]


def three() -> Comparison:
    """Return a comparison of three: both tests, only Wilcoxon's, only Nemenyi's separate a pair."""
    comparison = comparison_of([1.0, 2.0, 3.0])
    tests = comparison.these_checkpoints
    wilcoxon = [
        replace(pair, significant_holm=v, rank_biserial=r)
        for pair, v, r in zip(tests.wilcoxon, (True, True, False), (0.9, 0.8, 0.1), strict=True)
    ]
    nemenyi = [
        replace(pair, significant=v) for pair, v in zip(tests.nemenyi.pairs, (True, False, True), strict=True)
    ]
    comparison = changed(comparison, "these_checkpoints.wilcoxon", wilcoxon)
    return changed(comparison, "these_checkpoints.nemenyi.pairs", nemenyi)


def test_a_verdict_is_mirrored():
    comparison = three()
    wilcoxon, nemenyi = verdicts(comparison, comparison.designs)
    assert wilcoxon.tolist() == [[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]
    assert nemenyi.tolist() == [[0, 1, 0], [-1, 0, 1], [0, -1, 0]]


def test_wilcoxons_winner_is_the_design_with_the_larger_rank_sum_and_not_the_better_rank():
    comparison = three()
    first, *others = comparison.these_checkpoints.wilcoxon
    opposed = [replace(first, rank_biserial=-0.9), *others]
    comparison = changed(comparison, "these_checkpoints.wilcoxon", opposed)
    wilcoxon, nemenyi = verdicts(comparison, comparison.designs)
    assert (wilcoxon[0, 1], nemenyi[0, 1]) == (-1, 1)


def test_the_upper_right_half_of_a_cell_is_wilcoxons_and_the_lower_left_nemenyis():
    figure = rendered(significance_figure, three(), 0.05, 7)
    patches = {patch.get_gid(): patch.get_path() for patch in figure.axes[0].patches if patch.get_gid()}
    corner, far = (patches["better"].get_extents().get_points() for _ in range(2))
    left, top, right, bottom = corner[0][0], corner[0][1], far[1][0], far[1][1]
    width, height = (
        (right - left) / 2,
        (bottom - top) / 2,
    )  # the better cells are columns 2 and 3 of rows 1 and 2

    def filled(row: int, column: int, x: float, y: float) -> bool:
        return patches["better"].contains_point((left + width * (column + x), top + height * (row + y)))

    upper, lower = (0.7, 0.3), (0.3, 0.7)
    assert (filled(0, 0, *upper), filled(0, 0, *lower)) == (True, True)
    assert (filled(0, 1, *upper), filled(0, 1, *lower)) == (True, False)
    assert (filled(1, 1, *upper), filled(1, 1, *lower)) == (False, True)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_designs", [2, 12, 20, 40, 180])
def test_no_text_overlaps_another_or_leaves_the_figure(n_designs, width):
    figure = rendered(significance_figure, comparison_of(spread_ranks(n_designs)), 0.05, width)
    assert collisions(figure) == []
    assert min(text.get_size() for text in figure.axes[0].texts) >= (5 if n_designs <= 60 else 4)


def test_rows_are_ordered_by_rank():
    comparison = comparison_of([3.0, 1.0, 2.0])
    rows = [text for text, _ in boxes(rendered(significance_figure, comparison, 0.05, 7), "-causal")]
    assert rows == ["last-layer-causal", "multi-layer-causal", "eos-causal"]


def test_the_figure_counts_what_each_test_separates():
    text = said(rendered(significance_figure, three(), 0.05, 7))
    assert (
        "Wilcoxon's test with Holm's correction separates 2 of 3 pairs, and Nemenyi's test separates 2"
        in text
    )
    assert "these checkpoints" in text


def test_without_a_test_the_reason_is_given():
    reason = "All score the same on every task, so there is nothing to test."
    comparison = changed(three(), "these_checkpoints.friedman.p", None)
    comparison = changed(comparison, "undecidable.untestable", reason)
    assert "No test. All score the same" in said(rendered(significance_figure, comparison, 0.05, 7))


def test_the_figure_of_a_comparison_has_its_verdicts():
    comparison = compared()
    order = sorted(comparison.average_ranks, key=comparison.average_ranks.get)
    wilcoxon, nemenyi = verdicts(comparison, order)
    tests = comparison.these_checkpoints
    assert np.abs(wilcoxon).sum() == 2 * sum(pair.significant_holm for pair in tests.wilcoxon)
    assert np.abs(nemenyi).sum() == 2 * sum(pair.significant for pair in tests.nemenyi.pairs)
    assert (np.triu(nemenyi) >= 0).all()
