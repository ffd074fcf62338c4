"""The axis of average ranks of a critical-difference diagram, with the critical difference above it.

The diagram is laid out in points from its upper left corner; y grows downwards.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

LABEL, SMALL, SMALLEST = 7.5, 6.5, 5.5  # font sizes; labels are shortened rather than drawn below the last
DARK, GREY, LIGHT = "#222222", "#666666", "#e2e2e2"
HEADS = {True: 34, False: 18}  # y of the axis, with and without a critical difference above it
TITLE = "average rank"
TICK = 13  # least distance between numbered ticks


@dataclass(frozen=True)
class RankAxis:
    """The axis at y from the worst possible rank, k, at x `worst` to rank 1 at x `best`."""

    worst: float
    best: float
    y: float
    k: int

    def x(self, rank: float) -> float:
        """Return the x of a rank."""
        if self.k == 1:
            return (self.worst + self.best) / 2
        return self.best - (self.best - self.worst) * (rank - 1) / (self.k - 1)

    @property
    def numbered(self) -> list[int]:
        """The ranks whose ticks have room for a number."""
        room = (self.best - self.worst) / max(1, self.k - 1)
        step = next(step for step in (1, 2, 5, 10, 20, 50, self.k) if step * room >= TICK or step >= self.k)
        return sorted({1, *range(step, self.k + 1, step)}) if step > 2 else list(range(1, self.k + 1, step))

    def draw(self, ax: Axes) -> None:
        """Draw the line, its ticks and their numbers."""
        ax.plot([self.worst, self.best], [self.y, self.y], color=DARK, linewidth=0.8)
        ticks = []
        for rank in range(1, self.k + 1) if self.k <= 60 else self.numbered:
            x, long = self.x(rank), rank in self.numbered
            ticks.append([(x, self.y - (3.5 if long else 2)), (x, self.y)])
            if long:
                ax.text(x, self.y - 6, str(rank), size=SMALL, ha="center", va="baseline", color=DARK)

        ax.add_collection(LineCollection(ticks, color=DARK, linewidth=0.7))

    def draw_critical_difference(self, distance: float, ax: Axes) -> None:
        """Draw a bar as long as the critical difference, clear of the ticks, or a text if it does not fit."""
        text, stop = f"CD = {distance:.2f}", self.x(self.k - distance)
        if distance <= self.k - 1:
            ax.plot([self.worst, stop], [14, 14], color=DARK, linewidth=1.6, solid_capstyle="butt")
            for end in (self.worst, stop):
                ax.plot([end, end], [11.5, 16.5], color=DARK, linewidth=0.8)
        else:
            text += ", wider than the axis"
        x, side = (self.worst, "left") if distance <= self.k - 1 else (self.best, "right")
        ax.text(x, 8, text, size=SMALL, ha=side, va="baseline", color=DARK)
