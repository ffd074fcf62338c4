"""Draws the layers of models: similarities, scores, and what poolings read.

Each function takes results and an `ax`, and returns the `ax`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from ...comparison.layer_results import LayeredModel
from .looks import ATTENTION_COLOURS, LineStyle, Look
from .rank_axis import GREY, LIGHT

COLOURS = "viridis"  # from dark to light, also in grayscale and for color-blind readers
UNTRAINED: LineStyle = (0, (3, 1.5))
FEW = 4  # layers that all get a number in a heat map


def draw_similarity(
    matrix: Sequence[Sequence[float]], layers: Sequence[int], lowest: float, ax: Axes
) -> Axes:
    """Draw the similarity of each two layers as a heat map; the color scale is from `lowest` to 1."""
    ax.imshow(np.array(matrix), cmap=COLOURS, vmin=lowest, vmax=1, interpolation="nearest")
    count = len(layers)
    places = list(range(count)) if count <= FEW else [0, count // 2, count - 1]
    ax.set_xticks(places, [str(layers[place]) for place in places])
    ax.set_yticks(places, [str(layers[place]) for place in places])
    ax.tick_params(length=2, width=0.5, pad=1.5)
    ax.spines[:].set_visible(False)
    return ax


def draw_colour_scale(lowest: float, ax: Axes) -> Axes:
    """Draw the color scale of similarities into an `ax`."""
    colours = ScalarMappable(Normalize(lowest, 1), COLOURS)
    bar = ax.figure.colorbar(colours, cax=ax)
    bar.outline.set_visible(False)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(length=2, width=0.5)
    return ax


def draw_layer_scores(
    models: Sequence[LayeredModel], category: str, look: Mapping[str, Look], ax: Axes
) -> Axes:
    """Draw the score of each layer in one category: a line per model, dashed before training.

    A dot is a model's best layer; a marker at the end of a line is the last layer.
    """
    for model in models:
        curve = next(curve for curve in model.curves if curve.category == category)
        style = look.get(model.name)
        colour = style.colour if style else ATTENTION_COLOURS[model.attention]
        ax.plot(model.layers, curve.scores, color=colour, linewidth=1, linestyle="-" if style else UNTRAINED)
        ax.plot(curve.best, max(curve.scores), ".", color=colour, markersize=5, mew=0)
        if style:
            end = {"markersize": 4.5 * style.scale, "mec": "white", "mew": 0.4}
            ax.plot(
                model.layers[-1], curve.scores[-1], marker=style.marker, linestyle="", color=colour, **end
            )
    _layer_axis(ax, models[0].layers)
    ax.axvline(models[0].layers[-1], color=LIGHT, linewidth=2, zorder=0)
    return ax


def draw_weights(models: Sequence[LayeredModel], look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw the weight of each layer in a trained pooling: a line per design, and a thin one per seed.

    The gray line is the weight of each layer if all are read evenly.
    """
    for model in models:
        if not model.reads:
            continue
        style, reads = look[model.name], model.reads
        if len(reads.by_seed) > 1:
            for weights in reads.by_seed:
                ax.plot(reads.layers, weights, color=style.colour, linewidth=0.5, alpha=0.4)
        _line(reads.layers, reads.weights, style, ax)
        even = [1 / len(reads.layers)] * len(reads.layers)
        ax.plot(reads.layers, even, color=GREY, linewidth=0.6, linestyle=(0, (1, 1)), zorder=0)
    _layer_axis(ax, models[0].layers)
    ax.set_ylim(0, 1.1 * ax.dataLim.y1)
    return ax


def draw_vector_norms(models: Sequence[LayeredModel], look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw the norm of the vector that a pooling adds to each layer: a line per design that has them."""
    for model in models:
        if model.reads and model.reads.vector_norms:
            _line(model.reads.layers, model.reads.vector_norms, look[model.name], ax)
    _layer_axis(ax, models[0].layers)
    ax.set_ylim(0, 1.1 * ax.dataLim.y1)
    return ax


def _line(layers: Sequence[int], values: Sequence[float], style: Look, ax: Axes) -> None:
    every = max(1, len(layers) // 8)
    ax.plot(layers, values, color=style.colour, linewidth=1.2, marker=style.marker, linestyle=style.line,
            markersize=4 * style.scale, markevery=every, mew=0)  # fmt: skip


def _layer_axis(ax: Axes, layers: Sequence[int]) -> None:
    margin = max(0.3, 0.03 * (layers[-1] - layers[0]))
    ax.set_xlim(layers[0] - margin, layers[-1] + 1.5 * margin)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.margins(y=0.1)
