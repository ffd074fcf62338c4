"""Lays out and draws average ranks with one design per row, for many designs or a narrow column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from .clique_bars import levels, stretches
from .looks import Look
from .rank_axis import DARK, GREY, LABEL, LIGHT, SMALL, SMALLEST, TITLE, RankAxis
from .rank_layout import RankLayout
from .text import column_width, shortened

ROWS = [(20, 11.5), (40, 10), (float("inf"), 7.5)]  # (up to this many designs, height of a row)
SMALLEST_AXIS = 0.28  # of the width
PITCHES = (5.0, 2.6)  # from one clique bar to the next: preferred, and least
BARS = 0.24  # largest share of the width for clique bars
MARGIN, SPACE = 3, 7


@dataclass(frozen=True, kw_only=True)
class RankRows(RankLayout):
    """Average ranks in rows, with the best on top; the bars, next to them, are given by their rows."""

    bars: Sequence[Sequence[tuple[int, int]]]
    order: list[str]
    labels: list[str]
    size: float  # of the labels' font
    row: float  # from one row to the next
    pitch: float  # from one clique bar to the next

    @property
    def bottom(self) -> float:
        """y below which nothing is drawn."""
        return self._y(len(self.order) - 0.5) + 3

    def _y(self, row: float) -> float:
        return self.axis.y + 4 + self.row * (row + 0.5)

    def draw(self, look: Mapping[str, Look], ax: Axes) -> None:
        """Draw designs and clique bars."""
        title = {"ha": "right", "va": "baseline", "color": GREY}
        ax.text(self.axis.worst - SPACE, self.axis.y - 6, TITLE, size=SMALL, **title)
        self._draw_grid(ax)
        for row, name in enumerate(self.order):
            self._draw_design(row, name, look[name], ax)
        for index, (bar, level) in enumerate(zip(self.bars, self.bar_levels, strict=True)):
            self._draw_bar(index, bar, self.axis.best + SPACE + self.pitch * (level + 0.5), ax)

    def _draw_grid(self, ax: Axes) -> None:
        stop = self.axis.best + SPACE + self.pitch * self.n_levels
        rows = [[(self.axis.worst, y), (stop, y)] for y in map(self._y, range(len(self.order)))]
        ranks = [[(x, self.axis.y), (x, self.bottom - 3)] for x in map(self.axis.x, self.axis.numbered)]
        ax.add_collection(LineCollection(rows + ranks, color=LIGHT, linewidth=0.5, zorder=0))

    def _draw_design(self, row: int, name: str, style: Look, ax: Axes) -> None:
        y, x, start, stop = self._y(row), self.axis.x(self.ranks[name]), self.axis.worst, self.axis.best
        text = {"size": self.size, "va": "center_baseline", "parse_math": False}
        ax.text(MARGIN, y, self.labels[row], **text)
        ax.text(start - SPACE, y, f"{self.ranks[name]:.2f}", ha="right", **text)
        if name in self.intervals:
            low, high = (self.axis.x(rank) for rank in self.intervals[name])
            ax.plot([low, high], [y, y], color=style.colour, linewidth=1, solid_capstyle="butt")
        size = style.scale * max(4, min(5.2, 0.48 * self.row, 0.04 * (stop - start)))
        (point,) = ax.plot(
            x, y, marker=style.marker, linestyle="", color=style.colour, markersize=size, mec="white", mew=0.3
        )
        point.set_gid(f"rank-{name}")

    def _draw_bar(self, index: int, bar: Sequence[tuple[int, int]], x: float, ax: Axes) -> None:
        inset = 0.5 - min(2, 0.2 * self.row) / self.row
        ends = [self._y(bar[0][0] - inset), self._y(bar[-1][1] + inset)]
        ax.plot([x, x], ends, color=DARK, linewidth=0.5)
        for first, last in bar:
            (line,) = ax.plot([x, x], [self._y(first - inset), self._y(last + inset)], color=DARK)
            line.set(linewidth=0.55 * self.pitch, solid_capstyle="butt", gid=f"clique-{index}")


def rank_rows(
    ranks: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    cliques: Sequence[Sequence[str]],
    width: float,
    head: float,
) -> RankRows:
    """Return the layout for a width, with the axis at y = `head`: labels shrink or lose their middle."""
    order = sorted(ranks, key=ranks.__getitem__)
    row = next(row for most, row in ROWS if len(order) <= most)
    bars = [stretches(order, clique) for clique in cliques]
    bar_levels = levels([(bar[0][0], bar[-1][1]) for bar in bars], gap=1)
    columns = 1 + max(bar_levels, default=-1)
    pitch = min(PITCHES[0], BARS * width / max(1, columns))
    if pitch < PITCHES[1]:
        bars, bar_levels, columns = [], [], 0
    right = width - MARGIN - (SPACE + pitch * columns if columns else 4)
    numbers = [f"{rank:.2f}" for rank in ranks.values()]
    most = right - SMALLEST_AXIS * width - MARGIN - 2 * SPACE  # width of names and numbers
    size = min(LABEL, row - 1.5)
    while size > SMALLEST and column_width(order, size) + column_width(numbers, size) > most:
        size = max(SMALLEST, size - 0.25)
    names = most - column_width(numbers, size)
    labels = shortened(order, size, names)
    start = MARGIN + column_width(labels, size) + column_width(numbers, size) + 2 * SPACE
    axis = RankAxis(start, right, head, len(order))
    n_undrawn = len(cliques) - len(bars)
    return RankRows(
        axis=axis, ranks=ranks, intervals=intervals, bars=bars, bar_levels=bar_levels, n_undrawn=n_undrawn,
        order=order, labels=labels, size=size, row=row, pitch=pitch,
    )  # fmt: skip
