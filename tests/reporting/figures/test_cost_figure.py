"""Scores against cost: what is drawn where, and that no name covers another."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from embedding_designs.comparison.results import Design
from embedding_designs.comparison.score_against_cost import ScoreAgainstCost, efficient
from embedding_designs.reporting.figures.cost import cost_caption, cost_figure
from embedding_designs.reporting.figures.cost_axis import CostAxis, cost_axis, spread
from embedding_designs.reporting.figures.looks import looks
from helpers.figure_examples import comparison_of, designs

COSTS = [1e12, 1e12, 1e12, 1.02e12, 2.4e12]
SCORES = [0.50, 0.501, 0.502, 0.503, 0.46]
NAMES = list(designs(5))
MEANS = dict(zip(NAMES, SCORES, strict=True))
OVERALL = comparison_of([1, 2, 3, 4, 5])


def found(what: str = "training", costs=COSTS) -> ScoreAgainstCost:
    by_name = dict(zip(NAMES, costs, strict=True))
    return ScoreAgainstCost(what, by_name, efficient(by_name, MEANS), 40)


@pytest.fixture(params=[7.0, 3.3], ids=["two columns", "one column"])
def figure(request):
    look = looks([Design(name, *how) for name, how in designs(5).items()])
    rows = [(name, seed, score + 0.001 * (seed - 2)) for name, score in MEANS.items() for seed in (1, 2, 3)]
    runs = pd.DataFrame(rows, columns=["design", "seed", "score"])
    made = cost_figure([found(), found("encoding")], OVERALL, runs, look, request.param)
    FigureCanvasAgg(made).draw()
    return made


def test_no_name_covers_another_or_leaves_the_figure(figure):
    _, *panels = figure.axes
    for ax in panels:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert sorted(text.get_text() for text in ax.texts) == sorted(NAMES)
        assert not any(box.overlaps(other) for box in boxes for other in boxes if box is not other)
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_each_marker_is_at_its_score_and_its_cost_or_a_few_points_beside_it(figure):
    for ax in figure.axes[1:]:
        drawn = {round(line.get_ydata()[0], 4): line for line in ax.lines
                 if line.get_marker() not in (".", "None") and len(line.get_xdata()) == 1}  # fmt: skip
        assert sorted(drawn) == sorted(SCORES)
        x = {score: ax.transData.transform(line.get_xydata()[0])[0] for score, line in drawn.items()}
        true = {
            score: ax.transData.transform((cost / 1e12, 0))[0]
            for cost, score in zip(COSTS, SCORES, strict=True)
        }
        points = {score: (x[score] - true[score]) * 72 / figure.dpi for score in SCORES}
        assert points[0.46] == pytest.approx(0, abs=0.01)
        assert max(map(abs, points.values())) < 10
        assert x[0.502] < x[0.501] < x[0.50] < x[0.503]  # the best of equal cost is first


def test_the_line_joins_the_efficient_designs(figure):
    line = figure.axes[1].lines[0]
    assert list(line.get_ydata()) == [0.502, 0.503]
    caption = cost_caption([found()], OVERALL)
    assert "The line joins the efficient designs: every other that is at least as good costs more." in caption
    assert caption.endswith("Efficient: multi-layer-causal and last-layer-bidirectional in training.")


def test_names_are_spread_by_the_least_shift():
    """0, 1 and 2 are 4 apart around their mean; 30 stays."""
    assert spread({"b": 1, "a": 0, "c": 2, "d": 30}, 4, -9, 99) == {"a": -3, "b": 1, "c": 5, "d": 30}
    assert spread({"a": 0, "b": 0}, 4, 0, 99) == {"a": 0, "b": 4}
    assert spread({"a": 9, "b": 9.5}, 4, 0, 10) == {"a": 6, "b": 10}


def test_the_axis_of_costs_is_logarithmic_and_has_round_ticks():
    axis = CostAxis(low=10, high=1000, start=20, stop=120)
    assert (axis.x(100), axis.cost(70)) == (pytest.approx(70), pytest.approx(100))
    assert axis.ticks(0) == [10, 30, 100, 300, 1000]
    assert CostAxis(23, 63, 0, 100).ticks(0) == [30, 40, 50, 60]
    only = cost_axis([5, 5], 0, 100)
    assert only.x(5) == pytest.approx(50) and only.high / only.low == pytest.approx(1.3)
