"""Lays out and draws average ranks as Demsar (2006, figure 1) does, with labels on both sides of the axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from .clique_bars import levels, stretches
from .looks import Look
from .rank_axis import DARK, GREY, LABEL, SMALL, TITLE, RankAxis
from .rank_layout import RankLayout
from .text import column_width, left_to_right, text_width

MOST = 10  # designs; more are easier to read with one per row
SMALLEST_AXIS = 0.36  # of the width
ROW = (
    13  # from one label to the next on one side; the sides are offset by half a row, so no intervals overlap
)
LEVEL = 5.5  # from one clique bar to the next
BAR = 3  # thickness of a clique bar, and how far it reaches beyond its outer designs
CLEAR = 4  # least distance between a clique member and a neighbor outside it: the bar ends between them
EDGE = 8  # from the axis to a label


@dataclass(frozen=True, kw_only=True)
class TwoSidedRanks(RankLayout):
    """Average ranks above labels on both sides; the bars are given by their x."""

    sides: tuple[list[str], list[str]]  # designs labeled on the left and on the right, from the top

    @property
    def first_row(self) -> float:
        """y of the first label."""
        return self.axis.y + 6 + LEVEL * self.n_levels + ROW / 2

    @property
    def bottom(self) -> float:
        """y below which nothing is drawn."""
        return self.first_row + ROW * max(len(self.sides[0]) + 0.5, len(self.sides[1])) - 2

    def draw(self, look: Mapping[str, Look], ax: Axes) -> None:
        """Draw designs and clique bars."""
        ax.text(self.axis.best + EDGE, self.axis.y - 6, TITLE, size=SMALL, va="baseline", color=GREY)
        for names, sign in zip(self.sides, (-1, 1), strict=True):
            for row, name in enumerate(names):
                y = self.first_row + ROW * (row + (0.5 if sign < 0 else 0))
                self._draw_design(name, y, sign, look[name], ax)
        for index, (bar, level) in enumerate(zip(self.bars, self.bar_levels, strict=True)):
            y = self.axis.y + 6 + LEVEL * level
            ax.plot([bar[0][0], bar[-1][1]], [y, y], color=DARK, linewidth=0.6, zorder=3)
            for stretch in bar:
                (line,) = ax.plot(stretch, [y, y], color=DARK, linewidth=BAR, zorder=3)
                line.set(solid_capstyle="butt", gid=f"clique-{index}")

    def _draw_design(self, name: str, y: float, sign: int, style: Look, ax: Axes) -> None:
        x, edge = self.axis.x(self.ranks[name]), self.axis.best if sign > 0 else self.axis.worst
        colour, text = style.colour, edge + sign * EDGE
        (leader,) = ax.plot([x, x, text - sign * 2], [self.axis.y, y, y], color=colour, linewidth=0.6)
        leader.set(solid_joinstyle="miter", gid=f"leader-{name}")
        if name in self.intervals:
            low, high = (self.axis.x(rank) for rank in self.intervals[name])
            ax.plot([low, high], [y, y], "|-", color=colour, linewidth=1.5, markersize=4, mew=0.8)
        ax.plot(
            x,
            y,
            marker=style.marker,
            linestyle="",
            color=colour,
            markersize=5 * style.scale,
            mec="white",
            mew=0.5,
            zorder=4,
        )
        label = _label(name, self.ranks, left=sign < 0)
        side = "left" if sign > 0 else "right"
        ax.text(text, y, label, size=LABEL, va="center_baseline", ha=side, parse_math=False)


def two_sided_ranks(
    ranks: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    cliques: Sequence[Sequence[str]],
    width: float,
    head: float,
) -> TwoSidedRanks | None:
    """Return the layout for a width, with the axis at y = `head`; None if labels or bars would collide."""
    order = sorted(ranks, key=ranks.__getitem__)
    middle = (len(order) + 1) // 2
    right, left = order[:middle], order[middle:][::-1]
    title = text_width(TITLE, SMALL) + EDGE + 3
    axis = RankAxis(_room(left, ranks), width - max(_room(right, ranks), title), head, len(order))
    if len(order) > MOST or axis.best - axis.worst < SMALLEST_AXIS * width:
        return None
    at = [axis.x(ranks[name]) for name in order]
    ends = [(at, stretch) for clique in cliques for stretch in stretches(order, clique)]
    if any(_nearest_outside(*end) < CLEAR for end in ends):
        return None
    bars = [[_reach(at, stretch) for stretch in stretches(order, clique)][::-1] for clique in cliques]
    rows = levels([(bar[0][0], bar[-1][1]) for bar in bars], gap=BAR)
    return TwoSidedRanks(
        axis=axis, ranks=ranks, intervals=intervals, sides=(left, right), bars=bars, bar_levels=rows
    )


def _room(names: Sequence[str], ranks: Mapping[str, float]) -> float:
    return column_width([_label(name, ranks) for name in names], LABEL) + EDGE + 3


def _label(name: str, ranks: Mapping[str, float], left: bool = False) -> str:
    rank, name = f"{ranks[name]:.2f}", left_to_right(name)
    return f"{name}  {rank}" if left else f"{rank}  {name}"


def _nearest_outside(at: Sequence[float], stretch: tuple[int, int]) -> float:
    first, last = stretch
    above = at[first - 1] - at[first] if first else float("inf")
    return min(above, at[last] - at[last + 1] if last + 1 < len(at) else float("inf"))


def _reach(at: Sequence[float], stretch: tuple[int, int]) -> tuple[float, float]:
    """Return the x range in which a bar is thick: it never reaches a design outside its clique."""
    reach = min(BAR, _nearest_outside(at, stretch) / 2)
    return at[stretch[1]] - reach, at[stretch[0]] + reach
