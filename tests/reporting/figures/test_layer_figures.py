"""What the figures of layers must show."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from embedding_designs.comparison.compare import compare_study
from embedding_designs.comparison.layer_results import LayeredModel
from embedding_designs.comparison.layer_summary import summarize
from embedding_designs.comparison.results import Design
from embedding_designs.reporting.draw_figures import draw_study
from embedding_designs.reporting.figures import layer_figures as made
from embedding_designs.reporting.figures.layers import draw_layer_scores, draw_similarity, draw_weights
from embedding_designs.reporting.figures.looks import ATTENTION_COLOURS, Look, looks
from embedding_designs.reporting.trained_figures import Trained
from helpers.figure_examples import collisions, rendered, said, study_and_scores
from helpers.layer_examples import BEFORE, CATEGORIES, DESIGNS, analyses

WIDTHS = [3.3, 7]
LAYERS = [1, 2, 4, 12, 30]


def models(layers: int) -> list[LayeredModel]:
    return summarize(analyses(layers), 0.05).models


@pytest.fixture
def look() -> dict[str, Look]:
    return looks([Design(name, *keys) for name, keys in DESIGNS.items()])


def test_a_heat_map_has_the_similarity_of_row_and_column():
    matrix = [[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]]
    ax = draw_similarity(matrix, [1, 2, 5], 0, Figure().subplots())
    (image,) = ax.images
    assert np.array_equal(image.get_array(), matrix)
    assert image.get_clim() == (0, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "5"]
    assert ax.yaxis_inverted()  # layer 1 on top


def test_scores_are_dashed_before_training_and_end_in_a_marker_after_it(look):
    of_study = models(30)
    ax = draw_layer_scores(of_study, "STS", look, Figure().subplots())
    curves = [line for line in ax.lines if len(line.get_xdata()) == 30]
    assert [line.is_dashed() for line in curves] == [True] * len(BEFORE) + [False] * len(DESIGNS)
    assert [line.get_color() for line in curves] == [ATTENTION_COLOURS[m.attention] for m in of_study]
    expected = [model.curves[0].scores for model in of_study]
    assert [list(line.get_ydata()) for line in curves] == expected
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "."]
    assert dots == [model.curves[0].best for model in of_study]
    ends = [line for line in ax.lines if line.get_marker() in {style.marker for style in look.values()}]
    assert [line.get_xdata()[0] for line in ends] == [30] * len(DESIGNS)


def test_weights_have_a_thin_line_per_seed_and_the_even_weight(look):
    reading = [model for model in models(4) if model.reads]
    ax = draw_weights(reading, look, Figure().subplots())
    assert len(ax.lines) == len(reading) * (3 + 1 + 1)
    assert list(ax.lines[4].get_ydata()) == [0.25] * 4
    assert list(ax.lines[3].get_ydata()) == reading[0].reads.weights


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layers", LAYERS)
def test_no_text_overlaps_another_or_leaves_the_figure(layers, width, look):
    of_study = models(layers)
    for measure in made.MEASURES:
        assert collisions(rendered(made.similarity_figure, of_study, measure, width)) == []
    assert collisions(rendered(made.layer_scores_figure, of_study, look, width)) == []
    assert collisions(rendered(made.reads_figure, of_study, look, width)) == []


def test_a_study_gets_a_file_for_each_figure(tmp_path):
    study, scores = study_and_scores()
    statistics = compare_study(scores, study)
    draw_study(statistics, scores, tmp_path, 7, Trained(layers=summarize(analyses(4), 0.05)))
    drawn = {path.name for path in tmp_path.glob("layers-*")}
    names = [f"layers-{what}-mini" for what in ("cka", "pearson", "scores", "reads")]
    assert drawn == {f"{name}.{kind}" for name in names for kind in ("svg", "pdf")}


def test_heat_maps_are_square_and_models_with_one_attention_are_next_to_each_other():
    figure = rendered(made.similarity_figure, models(4), "cka", 7)
    maps = [ax for ax in figure.axes if ax.images]
    for ax in maps:
        box = ax.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=0.01)
    titles = [ax.get_title(loc="left") for ax in maps]
    assert titles == [
        "untrained-causal\nbefore training",
        "eos-causal\ncausal",
        "multi-layer-causal\ncausal",
        "untrained-bidirectional\nbefore training",
        "last-layer-bidirectional\nbidirectional",
        "multi-layer-bidirectional\nbidirectional",
    ]


def test_every_category_has_a_panel_and_the_legend_says_before_and_after(look):
    text = said(rendered(made.layer_scores_figure, models(4), look, 7))
    assert all(f"{category}\nN = 1" in text for category in CATEGORIES)
    assert "before training" in text and "Dots: best layer" in text
