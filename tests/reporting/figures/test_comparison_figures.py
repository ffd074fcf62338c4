"""What differences to the control and the interaction of pooling and attention must show."""

from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from embedding_designs.comparison.results import Comparison
from embedding_designs.comparison.results_of_tests import Cross, FactorTest
from embedding_designs.reporting.figures.comparison import draw_differences, draw_interaction
from embedding_designs.reporting.figures.study_figures import (
    differences_figure,
    interaction_figure,
    scores_figure,
    training_figure,
)
from helpers.figure_examples import (
    KEYS,
    boxes,
    changed,
    collisions,
    comparison_of,
    looks,
    rendered,
    said,
    spread_ranks,
    study_and_scores,
)

WIDTHS = [3.3, 7]
CATEGORIES = ["Classification", "Clustering", "PairClassification", "Reranking", "Retrieval", "STS", "All"]
CROSSED = Cross(
    poolings=["last_layer", "multi_layer"],
    attentions=["causal", "bidirectional"],
    designs=[name for name in KEYS if name != "eos-causal"],
)


def categories(n_designs: int) -> list[Comparison]:
    return [replace(comparison_of(spread_ranks(n_designs)), category=category) for category in CATEGORIES]


def crossed(p: float | None = 0.03, cross: Cross = CROSSED) -> Comparison:
    comparison = comparison_of(spread_ranks(5))
    anova = p and {"interaction": FactorTest(5.0, 1, 8, p, partial_eta_squared=0.4)}
    return replace(comparison, factors=replace(comparison.factors, crossed=cross, anova=anova))


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    return study_and_scores()[1]


def test_a_difference_is_drawn_with_its_interval_and_the_control_is_hollow_at_0():
    ax = draw_differences(comparison_of(spread_ranks(5)), looks(5), Figure().subplots())
    rows = {}
    for line in ax.lines[1:]:
        rows.setdefault(line.get_ydata()[0], []).append(line)
    (control,) = rows[0]
    assert (list(control.get_xdata()), control.get_color()) == ([0], "white")
    interval, point = rows[2]
    assert list(interval.get_xdata()) == pytest.approx([-0.04, 0.01])
    assert list(point.get_xdata()) == pytest.approx([-0.02])


def test_a_difference_without_an_interval_is_a_point():
    comparison = comparison_of(spread_ranks(2))
    differences = comparison.differences.designs
    points = {name: replace(found, low=None, high=None) for name, found in differences.items()}
    comparison = changed(comparison, "differences.designs", points)
    ax = draw_differences(comparison, looks(2), Figure().subplots())
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 1, 1]  # the line at 0, and two designs


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_designs", [2, 5, 20, 40])
def test_no_text_of_the_differences_overlaps_another_or_leaves_the_figure(n_designs, width):
    figure = rendered(differences_figure, categories(n_designs), looks(n_designs), 0.05, width)
    assert collisions(figure) == []
    assert len(figure.axes) == 1 + len(CATEGORIES)


def test_the_differences_are_ordered_by_mean_score():
    comparisons = categories(5)
    comparisons[-1].mean_scores["eos-causal"] = 0.1
    figure = rendered(differences_figure, comparisons, looks(5), 0.05, 7)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels == [*list(KEYS)[1:], "eos-causal"]


@pytest.mark.parametrize(
    ("resampled", "words", "about"),
    [
        (["tasks"], "from resampling complete tasks", "checkpoints"),
        (["runs and tasks"], "from resampling complete runs and tasks", "designs"),
        (["runs and tasks", "runs"], "complete runs and tasks or, in some categories, runs", "designs"),
        ([None, "tasks"], "from resampling complete tasks", "checkpoints"),
    ],
)
def test_the_caption_says_what_was_resampled_and_what_the_claim_is_about(resampled, words, about):
    comparisons = categories(5)[: len(resampled)]
    comparisons = [
        changed(comparison, "differences.resampled", units)
        for comparison, units in zip(comparisons, resampled, strict=True)
    ]
    text = said(rendered(differences_figure, comparisons, looks(5), 0.05, 7))
    assert words in text
    assert f"The claim is about these {about}." in text


def test_without_resampling_no_interval_is_claimed():
    (comparison,) = categories(5)[:1]
    comparison = changed(comparison, "differences.resampled", None)
    assert "interval" not in said(rendered(differences_figure, [comparison], looks(5), 0.05, 7))


def test_a_line_of_the_interaction_joins_the_means_of_one_attention():
    rows = [
        (
            name,
            seed,
            {"causal": 0.5, "bidirectional": 0.6}[attention] + 0.1 * (pooling == "multi_layer") + shift,
        )
        for name, (pooling, attention) in KEYS.items()
        for seed, shift in ((1, -0.01), (2, 0.01))
    ]
    runs = pd.DataFrame(rows, columns=["design", "seed", "score"])
    ax = draw_interaction(runs, crossed(), looks(5), Figure().subplots())
    joined = {
        line.get_color(): list(line.get_ydata()) for line in ax.lines if line.get_linestyle() in ("-", "--")
    }
    assert joined[looks(5)["last-layer-causal"].colour] == pytest.approx([0.5, 0.6])
    assert joined[looks(5)["last-layer-bidirectional"].colour] == pytest.approx([0.6, 0.7])
    dots = sorted(y for line in ax.lines if line.get_marker() == "." for y in line.get_ydata())
    assert dots == pytest.approx([0.49, 0.51, 0.59, 0.59, 0.61, 0.61, 0.69, 0.71])


def test_the_lines_of_the_interaction_differ_without_colour(scores):
    ax = draw_interaction(runs_of(scores), crossed(), looks(5), Figure().subplots())
    joining = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"]
    assert {line.get_linestyle() for line in joining} == {"-", "--"}


def runs_of(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.groupby(["design", "seed"], as_index=False)["score"].mean()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_the_interaction_overlaps_another_or_leaves_the_figure(width, scores):
    comparisons = [replace(crossed(), category=category) for category in CATEGORIES]
    figure = rendered(interaction_figure, comparisons, scores, looks(5), width)
    assert collisions(figure) == []
    assert len(boxes(figure, "interaction p = 0.030")) == len(CATEGORIES)
    assert "that claim is about these designs" in said(figure).replace("\n", " ")


def test_an_interaction_that_was_not_tested_has_no_p(scores):
    figure = rendered(interaction_figure, [crossed(None)], scores, looks(5), 7)
    assert "p =" not in said(figure)


def test_categories_whose_designs_cross_nothing_have_no_panel(scores):
    plain = comparison_of(spread_ranks(5))
    figure = rendered(interaction_figure, [plain, crossed()], scores, looks(5), 7)
    assert len(figure.axes) == 2  # the page and one panel


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_designs", [5, 40])
def test_no_text_of_the_scores_overlaps_another_or_leaves_the_figure(n_designs, width):
    look = looks(n_designs)
    rows = [
        (name, 0, f"{category}{task}", category, 0.5 + 0.003 * place)
        for place, name in enumerate(look) for category in CATEGORIES[:-1] for task in range(2)
    ]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["design", "seed", "task", "category", "score"])
    figure = rendered(scores_figure, scores, look, width)
    assert collisions(figure) == []
    assert len(figure.axes) == 1 + len(CATEGORIES)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_long_name_overlaps_another_or_leaves_the_figure(width, scores):
    long = [f"{name} of a very long name" for name in ("BitextMining", "Multilabel", "Multi-label")]
    look = {
        name: replace(style, pooling=12 * style.pooling, attention=9 * style.attention)
        for name, style in looks(5).items()
    }
    wide = Cross(
        [12 * name for name in CROSSED.poolings], [9 * name for name in CROSSED.attentions], CROSSED.designs
    )
    of_names = crossed(None, wide)
    comparisons = [replace(of_names, category=name, control="B" * 200) for name in (*long, "STS")]
    for figure in (
        rendered(differences_figure, comparisons, look, 0.05, width),
        rendered(interaction_figure, comparisons, scores, look, width),
    ):
        assert collisions(figure) == []
        titles = [ax.get_title(loc="left").split("\n")[0] for ax in figure.axes[1:]]
        assert len(set(titles)) == len(comparisons)


@pytest.mark.parametrize("width", WIDTHS)
def test_long_names_in_the_legend_of_training_curves_stay_in_the_figure(width):
    look = {f"a$_1${name * 9}": style for name, style in looks(5).items()}
    rows = [(name, 1, step, 1 / step) for name in look for step in (10, 20)]
    losses = {"training loss": pd.DataFrame(rows, columns=["design", "seed", "step", "loss"])}
    figure = rendered(training_figure, losses, look, width)
    assert collisions(figure) == []
    assert len(boxes(figure, "a$_1$")) == len(look)


def test_the_scores_of_very_many_designs_are_one_panel():
    look = looks(50)
    rows = [(name, 0, f"{c}1", c, 0.5) for name in look for c in CATEGORIES[:-1]]
    scores = pd.DataFrame(rows, columns=["design", "seed", "task", "category", "score"])
    figure = rendered(scores_figure, scores, look, 7)
    assert len(figure.axes) == 2
    assert boxes(figure, "All\nN = 6")
