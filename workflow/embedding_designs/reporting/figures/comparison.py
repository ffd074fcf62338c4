"""Draws differences from the control and the interaction of pooling and attention, one panel per category.

Each function takes results and an `ax`, and returns the `ax`.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...comparison.p_values import p_text
from ...comparison.results import Comparison
from .legend import Entry
from .looks import STYLE, LineStyle, Look
from .rank_axis import GREY, LIGHT, SMALL
from .text import shortened

ATTENTION_LINES: dict[str, LineStyle] = {
    "causal": "-",
    "bidirectional": (0, (4, 1.5)),
}  # distinguishable without color
OTHER_LINE: LineStyle = (0, (1, 1))


def draw_differences(comparison: Comparison, look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw each design's difference in mean score from the control, with its interval.

    The first design of `look` is on top; the control itself is the line at 0.
    """
    differences = comparison.differences.designs
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for row, (design, style) in enumerate(look.items()):
        if design == comparison.control:
            ax.plot(
                0,
                row,
                marker=style.marker,
                linestyle="",
                color="white",
                mec=style.colour,
                markersize=4.5 * style.scale,
                mew=0.9,
            )
        elif design in differences:
            found = differences[design]
            if found.low is not None:
                ends = [found.low, found.high]
                ax.plot(ends, [row, row], color=style.colour, linewidth=1.1, solid_capstyle="butt")
            point = {"markersize": 4.5 * style.scale, "mec": "white", "mew": 0.4}
            ax.plot(found.difference, row, marker=style.marker, linestyle="", color=style.colour, **point)
    ax.set_ylim(len(look) - 0.4, -0.6)
    ax.set_yticks(range(len(look)), list(look))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", linewidth=0.5, color=LIGHT)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], min_n_ticks=2))
    return ax


def draw_interaction(runs: pd.DataFrame, comparison: Comparison, look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw the mean score of each pooling, with one line per attention, and each run as a small dot.

    runs: columns design, seed and score, one row per run. Only designs that cross the two factors are drawn.
    """
    crossed = comparison.factors.crossed
    for place, attention in enumerate(crossed.attentions):
        means: list[float] = []
        for x, pooling in enumerate(crossed.poolings):
            design = _cell(crossed.designs, look, pooling, attention)
            scores = runs.loc[runs["design"] == design, "score"]
            beside = x + 0.07 * (2 * place - len(crossed.attentions) + 1)
            colour, means = look[design].colour, [*means, scores.mean()]
            if len(scores) > 1:
                ax.plot([beside] * len(scores), scores, ".", color=colour, alpha=0.55, markersize=4, mew=0)
            point = {"markersize": 5.5 * look[design].scale, "mec": "white", "mew": 0.5, "zorder": 3}
            ax.plot(x, means[-1], marker=look[design].marker, linestyle="", color=colour, **point)
        ax.plot(means, color=colour, linestyle=ATTENTION_LINES.get(attention, OTHER_LINE), linewidth=1.2)
    names = _stacked(crossed.poolings, ax.get_window_extent().width * 72 / ax.figure.dpi)
    ax.set_xticks(range(len(names)), names, parse_math=False)
    ax.set_xlim(-0.4, len(names) - 0.6)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.margins(y=0.12)
    found = (comparison.factors.anova or {}).get("interaction")
    tested = f"\ninteraction {p_text(found.p)}" if found and found.p is not None else ""
    title = f"{comparison.category} (N = {comparison.n_tasks}){tested}"
    ax.set_title(title, loc="left", size=SMALL, parse_math=False)
    return ax


def _stacked(poolings: Sequence[str], width: float) -> list[str]:
    """Return tick labels of poolings, one word per line; words too wide for the axis lose their middle."""
    words = list(dict.fromkeys(word for pooling in poolings for word in pooling.split("_")))
    room = width / (len(poolings) - 0.2)
    short = dict(zip(words, shortened(words, STYLE["xtick.labelsize"], room), strict=True))
    return ["\n".join(short[word] for word in pooling.split("_")) for pooling in poolings]


def _cell(designs: Iterable[str], look: Mapping[str, Look], pooling: str, attention: str) -> str:
    return next(
        name for name in designs if (look[name].pooling, look[name].attention) == (pooling, attention)
    )


def attention_entries(attentions: Sequence[str], look: Mapping[str, Look]) -> list[Entry]:
    """Return the legend of an interaction plot: one entry for each attention."""
    colours = {style.attention: style.colour for style in look.values()}
    return [
        Entry(name, colour=colours[name], line=ATTENTION_LINES.get(name, OTHER_LINE)) for name in attentions
    ]
