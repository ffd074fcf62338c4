"""Draws scores and training of the designs: each function takes results and an `ax`, and returns the `ax`.

In every figure, the color shows the attention and the marker shows the pooling. Designs with the same
attention and pooling are distinguished by dashes and hollow markers, if needed. The critical-difference
diagram is in critical_difference.py.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ...comparison.results import Design
from .text import alike

LineStyle = str | tuple[int, tuple[float, ...]]
Marker = str | tuple[int, int, int]
Sign = TypeVar("Sign")
# Okabe and Ito's palette, which color-blind readers can distinguish (https://jfly.uni-koeln.de/color/), with
# a blue that is dark enough to differ from the vermilion in grayscale too.
ATTENTION_COLOURS = {"causal": "#004B87", "bidirectional": "#D55E00", "unknown": "#A3A3A3"}
SPARE_COLOURS = ["#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
# (4, 1, 45) is a star with four points, rotated by 45 degrees.
POOLING_MARKERS: dict[str, Marker] = {
    "eos": "o", "mean": "s", "weighted_mean": "p", "max": ">", "last_k": "<", "learned_query": "d",
    "last_layer": "^", "latent_attention": "*", "mean_layers": "v", "layer_mix": "P", "multi_layer": "D",
    "concat": (5, 1, 36), "contextual": (4, 1, 45), "unknown": "X",
}  # fmt: skip
SPARE_MARKERS: list[Marker] = [(4, 1, 0), (6, 1, 0), (3, 1, 0), "h", "H", "8"]  # the last are nearly round
STARS = [marker for marker in (*POOLING_MARKERS.values(), *SPARE_MARKERS) if isinstance(marker, tuple)]
MARKER_SCALES: dict[Marker, float] = {
    "*": 1.5, "s": 0.9, "D": 0.85, "P": 1.15, "p": 1.1, "h": 1.1, "H": 1.1, **dict.fromkeys(STARS, 1.5),
}  # fmt: skip
LINES: list[LineStyle] = ["-", (0, (4, 1.2)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 1, 1, 1, 1, 1))]
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the figures are the same on every machine
    "font.size": 7.5,
    "text.hinting": "none",  # letters keep their width at every resolution
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "svg.fonttype": "path",  # letters are stored as shapes
    "svg.hashsalt": "embedding-designs",  # the same input gives the same bytes
    "pdf.fonttype": 42,  # fonts are embedded as TrueType, as publishers ask
}


@dataclass(frozen=True)
class Look:
    """How one design is drawn."""

    colour: str
    marker: Marker
    attention: str
    pooling: str
    line: LineStyle = "-"  # like `face`, distinguishes designs with the same attention and pooling
    face: str | None = None  # color inside the marker; None: the design's color

    @property
    def scale(self) -> float:
        """Factor by which this marker must be enlarged to look as large as the others."""
        return MARKER_SCALES.get(self.marker, 1)


def looks(designs: Sequence[Design]) -> dict[str, Look]:
    """Return the look of each design, from the `designs` of statistics.json."""
    colours = _assigned([design.attention for design in designs], ATTENTION_COLOURS, SPARE_COLOURS)
    markers = _assigned([design.pooling for design in designs], POOLING_MARKERS, SPARE_MARKERS)
    alike: Counter = Counter()
    found = {}
    for design in designs:
        attention, pooling = design.attention, design.pooling
        place = alike[attention, pooling]
        alike[attention, pooling] += 1
        line, face = LINES[place % len(LINES)], "white" if place // len(LINES) % 2 else None
        found[design.name] = Look(colours[attention], markers[pooling], attention, pooling, line, face)
    return found


def _assigned(names: Sequence[str], known: Mapping[str, Sign], spare: Sequence[Sign]) -> dict[str, Sign]:
    others = [name for name in dict.fromkeys(names) if name not in known]
    return {**known, **{name: spare[index % len(spare)] for index, name in enumerate(others)}}


def same_looks(look: Mapping[str, Look]) -> list[str]:
    """Return one note per group of attentions, or of poolings, that share a color or marker."""
    colours = {style.attention: style.colour for style in look.values()}
    markers = {style.pooling: str(style.marker) for style in look.values()}
    return [
        f"figures draw the {what} {', '.join(group)} alike: there are more {what} than {signs}"
        for what, signs, drawn in (("attentions", "colors", colours), ("poolings", "markers", markers))
        for group in alike(drawn)
    ]


def same_lines(look: Mapping[str, Look]) -> list[str]:
    """Return one note per group of designs that look the same in training curves."""
    drawn = {name: str(line_style(style)) for name, style in look.items()}
    return [f"training curves draw the designs {', '.join(group)} alike" for group in alike(drawn)]


def draw_scores(runs: pd.DataFrame, look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw each design's mean score, and the score of each seed as a small dot.

    runs: columns design, seed, and score, one row per run. The first design of `look` is on top.
    """
    for row, (design, style) in enumerate(look.items()):
        scores = runs.loc[runs["design"] == design, "score"]
        several = len(scores) > 1
        if several:
            ax.plot(scores, [row] * len(scores), ".", markersize=4, color=style.colour, alpha=0.6, mew=0)
        above, size = row - 0.28 * several, 4.5 * style.scale
        ax.plot(
            scores.mean(),
            above,
            marker=style.marker,
            linestyle="",
            markersize=size,
            color=style.colour,
            mew=0,
        )
    ax.set_ylim(len(look) - 0.5, -0.7)
    ax.set_yticks(range(len(look)), list(look))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", linewidth=0.4, color="#dddddd")
    ax.set_axisbelow(True)
    ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], min_n_ticks=2))
    ax.margins(x=0.08)
    return ax


def draw_losses(losses: pd.DataFrame, look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw the loss by step: a thin line per seed, and a thick one for a design's mean over seeds.

    losses: columns design, seed, step, and loss. The mean covers the steps that all seeds of a design have.
    """
    for position, (design, style) in enumerate(look.items()):
        by_seed = losses[losses["design"] == design].pivot(index="step", columns="seed", values="loss")
        for seed in by_seed:
            ax.plot(by_seed[seed].dropna(), linewidth=0.5, color=style.colour, alpha=0.3)
        mean = by_seed.dropna().mean(axis="columns")
        every = (position * len(mean) // (8 * len(look)), max(1, len(mean) // 8))  # markers side by side
        ax.plot(mean, **line_style(style), markevery=every)
    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    return ax


def design_handles(look: Mapping[str, Look]) -> list[Line2D]:
    """Return one legend handle per design."""
    return [Line2D([], [], **line_style(style), label=name) for name, style in look.items()]


def line_style(style: Look) -> dict[str, Any]:
    """Return matplotlib's arguments for a design's line and markers."""
    face, edge = style.face or style.colour, 0.8 if style.face else 0
    return {"color": style.colour, "linestyle": style.line, "linewidth": 1.2, "marker": style.marker,
            "markersize": 4 * style.scale, "markerfacecolor": face, "markeredgewidth": edge}  # fmt: skip
