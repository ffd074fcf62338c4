"""Creates the figures of a base's layers for a given width in inches, with legends and captions."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...common.wording import counted
from ...comparison.layer_results import LayeredModel
from .layers import (
    UNTRAINED,
    draw_colour_scale,
    draw_layer_scores,
    draw_similarity,
    draw_vector_norms,
    draw_weights,
)
from .legend import Entry, legend_lines, wrapped_entries
from .looks import Look
from .panels import RIGHT, even_columns, panels
from .rank_axis import GREY, SMALL
from .text import shortened

LEFT, BETWEEN = 18, 22  # points: space for tick labels left of the first and of each other heat map
MAP = 84  # points: least width of a heat map, including the space next to it
CURVES, CURVES_LEFT = 110, 32  # points: least width of a panel of curves, and space for its tick labels
SCALE = 7  # points: width of the color scale
MEASURES = {"cka": "Linear CKA", "pearson": "Pearson's correlation"}
Looks = Mapping[str, Look]


def similarity_figure(models: Sequence[LayeredModel], measure: str, width: float) -> Figure:
    """Return heat maps of the similarity of each two layers, one per model, untrained ones first.

    measure: "cka" or "pearson".
    """
    models = by_attention(models)
    points = 72 * width
    columns = even_columns(len(models) + 1, (points - LEFT) / MAP)
    side = (points - LEFT - RIGHT - BETWEEN * (columns - 1)) / columns
    caption = similarity_caption(models, measure)
    figure, axes = panels(len(models) + 1, columns, points, side, LEFT, BETWEEN, [], caption)
    matrices = [getattr(model, measure) for model in models]
    lowest = min(0, *(value for matrix in matrices for row in matrix for value in row))
    titles = shortened([model.label for model in models], SMALL, side + BETWEEN - 4)
    for model, matrix, title, ax in zip(models, matrices, titles, axes, strict=False):
        draw_similarity(matrix, model.layers, lowest, ax)
        second = model.attention if model.trained else "before training"
        ax.set_title(f"{title}\n{second}", loc="left", size=SMALL, parse_math=False)
    _narrow(draw_colour_scale(lowest, axes[-1]), SCALE)
    return figure


def _narrow(ax: Axes, points: float) -> None:
    """Make a panel `points` wide; its left and its height stay."""
    box = ax.get_position()
    ax.set_position((box.x0, box.y0, points / (72 * ax.figure.get_figwidth()), box.height))


def layer_scores_figure(models: Sequence[LayeredModel], look: Looks, width: float) -> Figure:
    """Return the score of each layer, one panel per category, with a line per model."""
    curves = models[0].curves
    columns = even_columns(len(curves), 72 * width / CURVES)
    legend = [*_training_legend(width), *_legend(models, look, width)]
    caption = scores_caption(models)
    figure, axes = panels(len(curves), columns, 72 * width, 90, CURVES_LEFT, CURVES_LEFT, legend, caption)
    for curve, ax in zip(curves, axes, strict=True):
        draw_layer_scores(models, curve.category, look, ax)
        title = f"{curve.category}\nN = {len(curve.tasks)}"
        ax.set_title(title, loc="left", size=SMALL, parse_math=False)
    return figure


def reads_figure(models: Sequence[LayeredModel], look: Looks, width: float) -> Figure:
    """Return the weight that each trained pooling gives each layer, and the norms of its layer vectors."""
    reading = [model for model in models if model.reads]
    drawn = {"weight of a layer": draw_weights}
    if any(model.reads.vector_norms for model in reading if model.reads):
        drawn["norm of a layer's vector"] = draw_vector_norms
    columns = even_columns(len(drawn), 72 * width / CURVES)
    legend, caption = _legend(reading, look, width), reads_caption(reading)
    figure, axes = panels(len(drawn), columns, 72 * width, 100, CURVES_LEFT, CURVES_LEFT, legend, caption)
    for (title, draw), ax in zip(drawn.items(), axes, strict=True):
        draw(reading, look, ax).set_title(title, loc="left", size=SMALL)
    return figure


def by_attention(models: Sequence[LayeredModel]) -> list[LayeredModel]:
    """Return models with one attention next to each other."""
    attentions = dict.fromkeys(model.attention for model in models)
    return [model for attention in attentions for model in models if model.attention == attention]


def _legend(models: Sequence[LayeredModel], look: Looks, width: float) -> list[list[Entry]]:
    return legend_lines(look, [model.name for model in models if model.name in look], 72 * width - 6)


def _training_legend(width: float) -> list[list[Entry]]:
    entries = [Entry("before training", colour=GREY, line=UNTRAINED), Entry("after", colour=GREY, line="-")]
    return wrapped_entries(entries, 72 * width - 6)


def similarity_caption(models: Sequence[LayeredModel], measure: str) -> str:
    """Return the caption of heat maps."""
    return (
        f"{MEASURES[measure]} of the embeddings of each two layers, {models[0].base}, over "
        f"{counted(models[0].texts, 'text')}{_averaged(models)}. Layer 1 is at the top and on the left."
    )


def scores_caption(models: Sequence[LayeredModel]) -> str:
    """Return the caption of the scores by layer."""
    return (
        f"Mean score of the embedding by layer, {models[0].base}{_averaged(models)}. Dots: best layer; "
        "vertical line and markers: last layer. N: number of tasks."
    )


def reads_caption(models: Sequence[LayeredModel]) -> str:
    """Return the caption of what poolings read."""
    thin = "; thin lines: single seeds" if len(models[0].seeds) > 1 else ""
    return (
        f"What the trained poolings read, by layer, {models[0].base}: weights averaged over texts, heads, "
        f"and latents{thin}. Dotted: all layers evenly."
    )


def _averaged(models: Sequence[LayeredModel]) -> str:
    seeds = max(len(model.seeds) for model in models)
    return f"; designs averaged over {seeds} seeds" if seeds > 1 else ""
