"""What a reader must be able to see in a critical-difference diagram, measured on what is drawn."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from embedding_designs.comparison.results import Comparison
from embedding_designs.comparison.results_of_tests import Friedman, Gate
from embedding_designs.reporting.figures.clique_bars import levels, stretches
from embedding_designs.reporting.figures.study_figures import critical_difference_figure
from embedding_designs.reporting.figures.text import shortened, text_width
from helpers.figure_examples import (
    boxes,
    changed,
    collisions,
    compared,
    comparison_of,
    looks,
    rendered,
    said,
    spread_ranks,
)

CASES = {
    "2 designs": ([1.2, 1.8], None, 0.9),
    "5 designs": (spread_ranks(5), None, None),
    "8 designs": (spread_ranks(8), None, None),
    "20 designs": (spread_ranks(20), None, None),
    "40 designs": (spread_ranks(40), None, None),
    "120 designs": (spread_ranks(120), None, None),
    "interleaving bars": ([1.1, 1.9, 3.2, 3.9, 4.9], [[0, 1, 2], [1, 2, 3], [2, 3, 4]], 1.5),
    "a bar past a non-member": ([1.1, 1.9, 3.2, 3.9, 4.9], [[0, 2, 3], [1, 2], [3, 4]], 1.5),
    "ties": ([1.5, 1.5, 3, 4.5, 4.5], [[0, 1, 2], [2, 3, 4]], 1.6),
    "a tie of member and non-member": ([1.5, 1.5, 3, 4.5, 4.5], [[0, 2, 3], [1, 2], [2, 4]], 1.5),
    "a critical difference beyond the axis": ([2.0, 2.5, 3.0, 3.5, 4.0], [[0, 1, 2, 3, 4]], 4.31),
    "every rank at an edge": ([1.0, 2.0, 3.0, 4.0, 5.0], [], 0.9),
}
WIDTHS = [3.3, 7]
every_diagram = pytest.mark.parametrize(("case", "width"), [(c, w) for c in CASES for w in WIDTHS])


def drawn(comparison: Comparison, width: float = 7, test: str = "nemenyi"):
    look = looks(comparison.n_designs)
    return rendered(critical_difference_figure, comparison, look, 0.05, width, test)


@cache
def case_drawn(case: str, width: float):
    return drawn(comparison_of(*CASES[case]), width)


def lines(figure, gid: str) -> dict[str, list]:
    found = {}
    for line in figure.axes[0].lines:
        if str(line.get_gid()).startswith(gid):
            found.setdefault(line.get_gid().removeprefix(gid), []).append(line)
    return found


def places(figure) -> tuple[dict[str, float], str]:
    """Return where each design stands along the clique bars, and whether that is its x or its y."""
    if leaders := lines(figure, "leader-"):
        return {name: line.get_xdata()[0] for name, (line,) in leaders.items()}, "x"
    return {name: line.get_ydata()[0] for name, (line,) in lines(figure, "rank-").items()}, "y"


def bars(figure) -> list[tuple[float, list[tuple[float, float]]]]:
    """Return for each clique the place of its bar beside the others, and its thick stretches."""
    along, across = ("x", "y") if places(figure)[1] == "x" else ("y", "x")
    found = lines(figure, "clique-")
    return [
        (
            getattr(found[str(index)][0], f"get_{across}data")()[0],
            [tuple(sorted(getattr(line, f"get_{along}data")())) for line in found[str(index)]],
        )
        for index in range(len(found))
    ]


@every_diagram
def test_no_text_overlaps_another_or_leaves_the_figure(case, width):
    assert collisions(case_drawn(case, width)) == []


@every_diagram
def test_no_line_crosses_a_text(case, width):
    figure = case_drawn(case, width)
    placed = boxes(figure)
    for line in figure.axes[0].lines:
        path = line.get_transform().transform_path(line.get_path())
        for text, box in placed:
            assert len(path) < 2 or not path.intersects_bbox(box, filled=False), text


@every_diagram
def test_no_text_is_smaller_than_can_be_read(case, width):
    figure = case_drawn(case, width)
    assert min(text.get_size() for text in figure.axes[0].texts) >= 5.5


@every_diagram
def test_each_rank_is_printed_with_two_decimals_and_the_best_is_on_the_right(case, width):
    comparison, figure = comparison_of(*CASES[case]), case_drawn(case, width)
    ranks = comparison.average_ranks
    text = said(figure)
    assert all(f"{rank:.2f}" in text for rank in ranks.values())
    points = lines(figure, "leader-") or lines(figure, "rank-")
    at = [points[name][0].get_xdata()[0] for name in ranks]
    assert np.corrcoef(at, list(ranks.values()))[0, 1] == pytest.approx(-1)


@every_diagram
def test_a_bar_is_thick_along_its_members_and_over_no_other_design(case, width):
    comparison, figure = comparison_of(*CASES[case]), case_drawn(case, width)
    at, _ = places(figure)
    cliques = comparison.these_checkpoints.cliques
    if "too many to draw" in said(figure):
        cliques = []
    assert len(bars(figure)) == len(cliques)
    for (_, thick), clique in zip(bars(figure), cliques, strict=True):
        assert {name for name, x in at.items() if any(a <= x <= b for a, b in thick)} == set(clique)


@every_diagram
def test_neighboring_bars_keep_their_distance(case, width):
    for (place, thick), (other_place, other) in combinations(bars(case_drawn(case, width)), 2):
        assert place != other_place or apart(thick, other)


def apart(thick, other) -> bool:
    spans = [(min(a for a, _ in bar), max(b for _, b in bar)) for bar in (thick, other)]
    return spans[0][1] + 1 < spans[1][0] or spans[1][1] + 1 < spans[0][0]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_bar_that_passes_a_non_member_has_a_visible_gap_there(width):
    figure = drawn(comparison_of(*CASES["a bar past a non-member"]), width)
    at, _ = places(figure)
    (_, thick), *_ = bars(figure)
    assert len(thick) == 2
    passed = at["last-layer-causal"]
    assert min(abs(passed - end) for stretch in thick for end in stretch) >= 2  # points
    assert "Where a bar is thin, it passes a design outside its group" in said(figure)


def test_labels_are_on_both_sides_if_they_fit_and_otherwise_one_per_row():
    comparison = comparison_of(*CASES["5 designs"])
    assert places(drawn(comparison, 7))[1] == "x"
    assert places(drawn(comparison, 3.3))[1] == "y"
    assert places(drawn(comparison_of(*CASES["20 designs"]), 7))[1] == "y"


def test_designs_with_equal_ranks_that_a_bar_must_separate_are_in_rows():
    assert places(drawn(comparison_of(*CASES["ties"])))[1] == "x"
    assert places(drawn(comparison_of(*CASES["a tie of member and non-member"])))[1] == "y"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_line_around_a_rank_is_its_interval(width):
    comparison = comparison_of(*CASES["5 designs"])
    figure = drawn(comparison, width)
    axis = figure.axes[0].lines[0].get_xdata()
    unit = np.ptp(axis) / 4  # ranks 1 to 5
    drawn_intervals = {tuple(line.get_xdata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2}
    for low, high in comparison.rank_intervals.values():
        wanted = (axis[1] - (low - 1) * unit, axis[1] - (high - 1) * unit)
        assert any(ends == pytest.approx(wanted) for ends in drawn_intervals)
    assert "Lines around the ranks are 95% intervals from resampling the tasks" in said(figure)


def test_ranks_without_intervals_say_nothing_of_them():
    assert "interval" not in said(drawn(replace(comparison_of(*CASES["5 designs"]), rank_intervals=None)))


def test_too_many_groups_for_the_width_are_counted_instead_of_drawn():
    cliques = [[0, 39, *range(2 + i, 6 + i)] for i in range(34)]
    figure = drawn(comparison_of(spread_ranks(40), cliques), 3)
    assert bars(figure) == []
    assert "leaves 34 groups of designs unseparated, too many to draw here" in said(figure)


def test_the_bar_of_the_critical_difference_is_as_long_as_it_on_the_axis_and_clear_of_the_ticks():
    figure = drawn(comparison_of(*CASES["interleaving bars"]))
    axis, *_ = figure.axes[0].lines
    (bar,) = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.6]
    assert np.ptp(bar.get_xdata()) == pytest.approx(1.5 * np.ptp(axis.get_xdata()) / 4)
    ticks = [box for text, box in boxes(figure) if text in "12345"]
    assert len(ticks) == 5
    bottom = bar.get_window_extent().y0
    assert all(box.y1 < bottom for box in ticks)
    assert boxes(figure, "CD = 1.50")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_critical_difference_longer_than_the_axis_is_stated_and_not_drawn(width):
    figure = drawn(comparison_of(*CASES["a critical difference beyond the axis"]), width)
    assert boxes(figure, "CD = 4.31, wider than the axis")
    assert not [line for line in figure.axes[0].lines if line.get_linewidth() == 1.6]


def test_the_figure_states_its_test_and_what_the_claim_is_about():
    text = said(drawn(comparison_of(*CASES["5 designs"])))
    for part in (
        "All categories, mini", "N = 12 tasks", "k = 5 designs", "averaged over 2 seeds", "χ² = 12.35",
        "df = 4", "p = 0.015", "Kendall's W = 0.26", "Nemenyi's test at α = 0.05", "these checkpoints",
    ):  # fmt: skip
        assert part in text


def test_a_category_states_what_is_left_after_the_correction_over_categories():
    comparison = comparison_of(*CASES["5 designs"])
    closed = changed(comparison, "these_checkpoints.gate", Gate(0.21, open=False, categories=7))
    text = said(drawn(closed))
    assert "p = 0.015 (p = 0.210 after Holm's correction over the categories, not significant)" in text


def test_the_diagram_of_wilcoxons_test_names_it_and_has_no_critical_difference():
    text = said(drawn(comparison_of(*CASES["5 designs"]), test="wilcoxon"))
    assert "Wilcoxon's test with Holm's correction at α = 0.05" in text
    assert "CD" not in text
    assert "Nemenyi" not in text


def test_a_wilcoxon_test_with_too_few_tasks_says_so():
    comparison = comparison_of(*CASES["5 designs"])
    few = changed(comparison, "undecidable.decidable", {"nemenyi": True, "wilcoxon_holm": False})
    assert "With this few tasks" in said(drawn(few, test="wilcoxon"))


def test_ranks_without_a_test_are_drawn_with_the_reason():
    comparison = comparison_of(*CASES["every rank at an edge"])
    for field, value in {
        "these_checkpoints.friedman": Friedman(None, None, None, None, "corrected"),
        "these_checkpoints.nemenyi.critical_difference": None,
        "undecidable.untestable": "With a single task there is nothing to test.",
    }.items():
        comparison = changed(comparison, field, value)
    figure = drawn(comparison)
    assert "CD" not in said(figure)
    assert "Average ranks only, without a test. With a single task there is nothing to test." in said(figure)
    assert len(places(figure)[0]) == 5


def test_a_comparison_is_drawn_with_its_numbers():
    comparison = compared()
    text = said(drawn(comparison))
    tests = comparison.these_checkpoints
    assert f"χ² = {tests.friedman.chi_square:.2f}" in text
    assert f"CD = {tests.nemenyi.critical_difference:.2f}" in text


def test_a_name_of_letters_that_matplotlib_would_read_as_mathematics_stays_as_it_is():
    comparison = comparison_of(*CASES["2 designs"])
    renamed = {"eos-causal": "a$_1$ model"}
    for key in ("average_ranks", "rank_intervals"):
        by_name = {renamed.get(name, name): value for name, value in getattr(comparison, key).items()}
        comparison = changed(comparison, key, by_name)
    cliques = comparison.these_checkpoints.cliques
    cliques[:] = [[renamed.get(name, name) for name in clique] for clique in cliques]
    look = {renamed.get(name, name): style for name, style in looks(2).items()}
    figure = rendered(critical_difference_figure, comparison, look, 0.05, 7)
    assert boxes(figure, "a$_1$ model")


def test_bars_take_the_lowest_free_level():
    assert levels([(0, 10), (20, 30), (5, 25), (40, 50)], gap=1) == [0, 0, 1, 0]
    assert levels([(0, 10), (10.5, 20)], gap=1) == [0, 1]
    assert levels([], gap=1) == []


def test_a_bar_has_a_stretch_for_each_run_of_neighbours():
    assert stretches("abcdef", ["a", "b", "d", "f"]) == [(0, 1), (3, 3), (5, 5)]
    assert stretches("abc", ["c", "b", "a"]) == [(0, 2)]


def test_a_long_name_keeps_its_family_and_its_version():
    name = "LLM2Vec-Mistral-7B-Instruct-v2-mntp-supervised"
    (short,) = shortened([name], 7, 80)
    assert text_width(short, 7) <= 80 < text_width(name, 7)
    assert short.startswith("LLM2Vec")
    assert short.endswith("vised")
    assert shortened(["GritLM-7B"], 7, 80) == ["GritLM-7B"]


@pytest.mark.parametrize("width", [70, 80, 100, 120])
def test_names_that_differ_in_their_middle_stay_different(width):
    names = [f"LLM2Vec-Mistral-7B-Instruct-v2-mntp-{kind}supervised" for kind in ("", "un")]
    names += [f"a-model-of-the-{size}-billion-class-with-a-long-name" for size in ("seven", "seventy")]
    short = shortened(names, 7, width)
    assert len(set(short)) == 4
    assert max(text_width(text, 7) for text in short) <= width
