"""Draws the critical-difference diagram of one comparison (Demsar 2006, figure 1), ready for a paper.

The diagram lays itself out in points for the width it gets: labels on both sides of the axis where they fit,
else one design a row beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .figures import STYLE, Look
from .sentences import p_text

LABEL, SMALL = STYLE["font.size"], 6.5  # font sizes; all lengths in this file are points, y grows downwards
MARGIN = 3
HEAD = 34  # from the top to the axis: its title, the critical difference, the tick labels
ROW = 12  # from one label to the next
LEVEL = 5  # from one clique bar to the next
BAR = 3  # thickness of a clique bar, and how far it reaches beyond its outer designs
LINE = 9.5  # from one line of small text to the next
TICK = 13  # from one numbered tick to the next, at least
MARKER = 11  # room for a label's marker
SMALLEST_AXIS = 0.36  # share of the width that the axis gets: below it the labels share one side, then shrink
DARK, GREY = "#222222", "#666666"


@dataclass(frozen=True)
class Layout:
    """Where things stand, in points from the upper left corner."""

    width: float
    axis: tuple[float, float]  # x of the worst possible rank (k) and of the best (1)
    label_size: float
    left: list[str]  # designs labelled on the left, from the top
    right: list[str]
    bars: list[tuple[float, float, int]]  # x from, x to, level of each clique bar
    legend: list[list[str]]
    caption: list[str]

    @property
    def first_row(self) -> float:
        """y of the first label."""
        return HEAD + 6 + LEVEL * (1 + max((level for *_, level in self.bars), default=-1)) + ROW / 2

    @property
    def legend_top(self) -> float:
        """y of the first line of the legend."""
        return self.first_row + ROW * max(len(self.left), len(self.right)) + 3

    @property
    def caption_top(self) -> float:
        """y of the first line of the caption."""
        return self.legend_top + LINE * len(self.legend) + 2

    @property
    def height(self) -> float:
        """Height of the diagram."""
        return self.caption_top + LINE * len(self.caption)


def diagram_height(
    comparison: Mapping[str, Any], look: Mapping[str, Look], alpha: float, width: float
) -> float:
    """Return the height in inches that the diagram of a comparison needs at a width in inches."""
    return _layout(comparison, look, alpha, width * 72).height / 72


def draw_critical_difference(
    comparison: Mapping[str, Any], look: Mapping[str, Look], alpha: float, ax: Axes
) -> Axes:
    """Draw the average ranks, the best on the right, with the critical difference and the cliques.

    comparison: one of statistics.json's. The ax should be as high as `diagram_height` says.
    """
    width = ax.get_window_extent().width / ax.figure.dpi * 72
    layout = _layout(comparison, look, alpha, width)
    ax.set_axis_off()
    ax.set_xlim(0, layout.width)
    ax.set_ylim(layout.height, 0)
    _draw_axis(comparison["n_designs"], layout, ax)
    _draw_critical_difference(comparison, layout, ax)
    _draw_designs(comparison["average_ranks"], look, layout, ax)
    _draw_cliques(layout, ax)
    _draw_legend(layout, look, ax)
    for index, line in enumerate(layout.caption):
        ax.text(MARGIN, layout.caption_top + LINE * index, line, size=SMALL, va="center", color=DARK)
    return ax


def bar_levels(spans: Sequence[tuple[float, float]], gap: float = BAR) -> list[int]:
    """Return a level for each (from, to), the lowest on which it keeps `gap` from the bars before it."""
    levels: list[int] = []
    for start, stop in spans:
        taken = {
            level
            for (other_start, other_stop), level in zip(spans, levels, strict=False)
            if start < other_stop + gap and other_start < stop + gap
        }
        levels.append(next(level for level in range(len(spans)) if level not in taken))
    return levels


def _layout(comparison: Mapping[str, Any], look: Mapping[str, Look], alpha: float, width: float) -> Layout:
    ranks = comparison["average_ranks"]
    order = sorted(ranks, key=ranks.__getitem__)
    middle = (len(order) + 1) // 2
    right, left = order[:middle], order[middle:][::-1]
    axis = (_room(left, ranks), width - _room(right, ranks))
    size = LABEL
    if axis[1] - axis[0] < SMALLEST_AXIS * width:
        room = min(_room(order, ranks), (1 - SMALLEST_AXIS) * width)
        size *= room / _room(order, ranks)
        right, left, axis = order, [], (2 * MARGIN, width - room)
    spans = [_span(clique, ranks, axis, comparison["n_designs"]) for clique in comparison["cliques"]]
    bars = [(*span, level) for span, level in zip(spans, bar_levels(spans), strict=True)]
    text = _caption(comparison, alpha).replace(" = ", "\u00a0=\u00a0")  # an equation stays on one line
    caption = _wrapped(text.split(" "), width - 2 * MARGIN)
    legend = _legend_lines(look, order, width - 2 * MARGIN)
    return Layout(width, axis, size, left, right, bars, legend, [" ".join(line) for line in caption])


def _room(names: Sequence[str], ranks: Mapping[str, float]) -> float:
    """Return the width that a column of labels takes, with their markers."""
    return max((_text_width(_label(name, ranks), LABEL) for name in names), default=0.0) + 2 * MARKER + MARGIN


def _span(clique: Sequence[str], ranks: Mapping[str, float], axis: tuple, k: int) -> tuple[float, float]:
    """Return the x between which a clique's bar runs; it never reaches over a design outside the clique."""
    inside = [_x(ranks[name], axis, k) for name in clique]
    outside = [_x(rank, axis, k) for name, rank in ranks.items() if name not in clique]
    start, stop = min(inside), max(inside)
    reach_left = min([BAR, *((start - x) / 2 for x in outside if x <= start)])
    reach_right = min([BAR, *((x - stop) / 2 for x in outside if x >= stop)])
    return start - reach_left, stop + reach_right


def _x(rank: float, axis: tuple[float, float], k: int) -> float:
    return axis[1] - (axis[1] - axis[0]) * (rank - 1) / (k - 1) if k > 1 else sum(axis) / 2


@cache
def _text_width(text: str, size: float) -> float:
    font = FontProperties(family=STYLE["font.family"], size=size)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _wrapped(words: Sequence[str], width: float, space: float = 0.0) -> list[list[str]]:
    """Return lines of words no wider than `width`, each word with `space` points beside it."""
    lines: list[list[str]] = [[]]
    for word in words:
        line = [*lines[-1], word]
        if lines[-1] and _text_width(" ".join(line), SMALL) + len(line) * space > width:
            lines.append([])
        lines[-1].append(word)
    return lines


def _label(name: str, ranks: Mapping[str, float], left: bool = False) -> str:
    return f"{name}  {ranks[name]:.2f}" if left else f"{ranks[name]:.2f}  {name}"


def _legend_lines(look: Mapping[str, Look], names: Sequence[str], width: float) -> list[list[str]]:
    attentions = ["attention:", *dict.fromkeys(look[name].attention for name in look if name in names)]
    poolings = ["pooling:", *dict.fromkeys(look[name].pooling for name in look if name in names)]
    one_line, *more = _wrapped([*attentions, *poolings], width, 1.5 * MARKER)
    if not more:
        return [one_line]
    return [line for words in (attentions, poolings) for line in _wrapped(words, width, 1.5 * MARKER)]


def _caption(comparison: Mapping[str, Any], alpha: float) -> str:
    seeds, test = len(comparison["seeds"]), comparison["friedman"]
    what = "All categories" if comparison["category"] == "All" else comparison["category"]
    averaged = f", mean of {seeds} seeds" if seeds > 1 else ""
    n, k = f"N = {comparison['n_tasks']}", f"k = {comparison['n_designs']}"
    sizes = (
        f"{what}, {comparison['base']}: {n} task{'s' * (comparison['n_tasks'] != 1)}, {k} designs{averaged}."
    )
    if test["p"] is None:
        return f"{sizes} Average ranks only, no test. {comparison['undecidable_reason']}"
    bars = "bars join designs it does not separate" if comparison["cliques"] else "it separates all designs"
    return (
        f"{sizes} Friedman's test: χ² = {test['chi_square']:.2f}, df = {test['df']}, {p_text(test['p'])}, "
        f"Kendall's W = {test['kendall_w']:.2f}. Nemenyi's test at α = {alpha:g}: {bars}."
    )


def _draw_axis(k: int, layout: Layout, ax: Axes) -> None:
    ax.plot(layout.axis, [HEAD, HEAD], color=DARK, linewidth=0.8)
    step = next(
        step
        for step in (1, 2, 5, 10, 20, 50, k)
        if step * (layout.axis[1] - layout.axis[0]) >= TICK * (k - 1)
    )
    for rank in range(1, k + 1):
        x = _x(rank, layout.axis, k)
        ax.plot([x, x], [HEAD - (3.5 if (rank - 1) % step == 0 else 2), HEAD], color=DARK, linewidth=0.8)
        if (rank - 1) % step == 0:
            ax.text(x, HEAD - 6, str(rank), size=SMALL, ha="center", va="baseline", color=DARK)
    ax.text(layout.axis[1] + MARKER, HEAD - 6, "average rank", size=SMALL, va="baseline", color=GREY)


def _draw_critical_difference(comparison: Mapping[str, Any], layout: Layout, ax: Axes) -> None:
    distance = comparison["nemenyi"]["critical_difference"]
    if distance is None:
        return
    start, end = layout.axis
    text = f"CD = {distance:.2f}"
    if distance <= comparison["n_designs"] - 1:
        stop = start + distance * (end - start) / (comparison["n_designs"] - 1)
        ax.plot([start, stop], [14, 14], color=DARK, linewidth=1.6, solid_capstyle="butt")
        for end in (start, stop):
            ax.plot([end, end], [11.5, 16.5], color=DARK, linewidth=0.8)
    else:
        text += ", wider than the axis"
    ax.text(start, 8, text, size=SMALL, ha="left", va="baseline", color=DARK)


def _draw_cliques(layout: Layout, ax: Axes) -> None:
    for index, (start, stop, level) in enumerate(layout.bars):
        y = HEAD + 6 + LEVEL * level
        (bar,) = ax.plot([start, stop], [y, y], color=DARK, linewidth=BAR, zorder=3)
        bar.set(solid_capstyle="butt", gid=f"clique-{index}")


def _draw_designs(ranks: Mapping[str, float], look: Mapping[str, Look], layout: Layout, ax: Axes) -> None:
    for names, edge, sign in ((layout.left, layout.axis[0], -1), (layout.right, layout.axis[1], 1)):
        for row, name in enumerate(names):
            x, y = _x(ranks[name], layout.axis, len(ranks)), layout.first_row + ROW * row
            marker, text = edge + sign * MARKER, edge + sign * 1.6 * MARKER
            colour = look[name].colour
            ax.plot([x, x, marker], [HEAD, y, y], color=colour, linewidth=0.8, solid_joinstyle="miter")
            ax.plot(marker, y, look[name].marker, color=colour, markersize=5, mew=0)
            label = _label(name, ranks, left=sign < 0)
            ax.text(
                text,
                y,
                label,
                size=layout.label_size,
                va="center_baseline",
                ha="left" if sign > 0 else "right",
                parse_math=False,
            )


def _draw_legend(layout: Layout, look: Mapping[str, Look], ax: Axes) -> None:
    colours = {style.attention: style.colour for style in look.values()}
    markers = {style.pooling: style.marker for style in look.values()}
    for index, line in enumerate(layout.legend):
        x, y = MARGIN, layout.legend_top + LINE * index
        for word in line:
            if word in colours:
                ax.plot([x, x + 7], [y, y], color=colours[word], linewidth=2.4, solid_capstyle="butt")
                x += MARKER - 1
            elif word in markers:
                ax.plot(x + 3, y, markers[word], color=GREY, markersize=4.5, mew=0)
                x += MARKER - 2
            ax.text(x, y, word, size=SMALL, va="center_baseline", color=DARK)
            x += _text_width(word, SMALL) + (4 if word.endswith(":") else 8)
