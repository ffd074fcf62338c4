"""Draws mean scores against what the designs cost, with each design named and the efficient ones joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from scipy.optimize import isotonic_regression

from ...comparison.results import Comparison
from ...comparison.score_against_cost import ScoreAgainstCost
from ...comparison.sentences.cost import efficient_designs
from ...study.compute import flops_unit
from .captions import LARGE_AND_SMALL
from .legend import legend_lines
from .looks import Look
from .panels import even_columns, panels
from .rank_axis import GREY, SMALL
from .text import column_width, shortened

LEFT, BETWEEN = 30, 34  # points: space for tick labels left of the first and of each other panel
PANEL = 200  # points: least width of a panel with its names
ROW, LOW = 9, 130  # points: from one name to the next, and least height of a panel
NAMES = 0.45  # largest share of a panel for names
PAD, LEADER = 12, 16  # points: from the axis to the cheapest design, and from the costliest to the names
BESIDE = 5  # points between designs of equal cost
NARROW = 1.3  # least ratio of the ends of the axis
Looks = Mapping[str, Look]


def cost_figure(
    found: Sequence[ScoreAgainstCost],
    comparison: Comparison,
    runs: pd.DataFrame,
    look: Looks,
    width: float,
) -> Figure:
    """Return one panel per kind of cost. runs: columns design, seed, and score."""
    points = 72 * width
    columns = even_columns(len(found), points / PANEL)
    height, caption = max(LOW, ROW * (len(look) + 1)), cost_caption(found, comparison)
    legend = legend_lines(look, look, points - 6)
    figure, axes = panels(len(found), columns, points, height, LEFT, BETWEEN, legend, caption)
    for one, ax in zip(found, axes, strict=True):
        draw_score_against_cost(one, runs, look, ax)
    return figure


def cost_caption(found: Sequence[ScoreAgainstCost], comparison: Comparison) -> str:
    """Return the caption: what is drawn, how costs are computed, and which designs are efficient."""
    dots = LARGE_AND_SMALL if len(comparison.seeds) > 1 else ""
    return (
        f"Mean score over N = {comparison.n_tasks} tasks against cost, {comparison.base}{dots}. Costs are "
        "computed from the sizes of base and design; a run includes its adaptation. The line joins the "
        f"efficient designs: no other is at least as good and cheaper. {efficient_designs(found)}"
    )


@dataclass(frozen=True)
class CostAxis:
    """A logarithmic axis of costs, from `low` at x `start` to `high` at x `stop`, in points."""

    low: float
    high: float
    start: float
    stop: float

    @property
    def _per_point(self) -> float:
        return log(self.high / self.low) / (self.stop - self.start)

    def cost(self, x: float) -> float:
        """Return the cost at an x."""
        return self.low * exp((x - self.start) * self._per_point)

    def beside(self, cost: float, points: float) -> float:
        """Return the cost that is drawn this many points to the right of another one."""
        return cost * exp(points * self._per_point)

    @property
    def ticks(self) -> list[float]:
        """The costs with a tick: round numbers between the ends."""
        steps = LogLocator(10, (1, 2, 5)) if self.high / self.low > 5 else MaxNLocator(3, steps=[1, 2, 5, 10])
        return [tick for tick in steps.tick_values(self.low, self.high) if self.low <= tick <= self.high]


def draw_score_against_cost(found: ScoreAgainstCost, runs: pd.DataFrame, look: Looks, ax: Axes) -> Axes:
    """Draw each design's mean score against its cost, a small dot per seed, and its name.

    runs: columns design, seed, and score. Designs of equal cost are side by side, the best in its place.
    """
    box = ax.get_window_extent()
    width, height = (72 * side / ax.figure.dpi for side in (box.width, box.height))
    means = runs.groupby("design")["score"].mean()[list(found.costs)]
    size, unit = flops_unit(min(found.costs.values()))
    costs = {design: cost / size for design, cost in found.costs.items()}
    names = dict(zip(look, shortened(list(look), SMALL, NAMES * width), strict=True))
    stop = width - column_width(list(names.values()), SMALL)
    axis = cost_axis(list(costs.values()), PAD, stop - LEADER)
    low, high = score_range(runs["score"])
    places = {name: axis.beside(costs[name], points) for name, points in side_by_side(costs, means).items()}
    heights = height * (means - low) / (high - low)
    rows = low + (high - low) / height * spread(heights, ROW, ROW / 2, height - ROW / 2)
    joined = ([costs[name] for name in found.efficient], means[found.efficient])
    ax.plot(*joined, drawstyle="steps-post", color=GREY, linewidth=0.7)
    for name in costs:
        scores = runs.loc[runs["design"] == name, "score"]
        _draw_design(look[name], places[name], scores, means[name], ax)
        leader = [axis.beside(places[name], 4), axis.cost(stop - 2)]
        ax.plot(leader, [means[name], rows[name]], color=look[name].colour, linewidth=0.4, alpha=0.6)
        ax.text(axis.cost(stop), rows[name], names[name], color=look[name].colour, size=SMALL,
                va="center_baseline", parse_math=False)  # fmt: skip
    _frame(axis, width, (low, high), ax)
    ax.set_title(title(found, unit), loc="left", size=SMALL)
    return ax


def _draw_design(style: Look, x: float, scores: pd.Series, mean: float, ax: Axes) -> None:
    if len(scores) > 1:
        ax.plot([x, x], [scores.min(), scores.max()], color=style.colour, linewidth=0.7, alpha=0.6)
        ax.plot([x] * len(scores), scores, ".", color=style.colour, alpha=0.6, markersize=3, mew=0)
    point = {"mfc": style.face or style.colour, "mec": style.colour if style.face else "white", "mew": 0.4}
    size = 4.5 * style.scale
    ax.plot(
        x, mean, marker=style.marker, linestyle="", color=style.colour, markersize=size, zorder=3, **point
    )


def _frame(axis: CostAxis, width: float, scores: tuple[float, float], ax: Axes) -> None:
    """Set the limits and ticks of a panel; its axis of costs ends before the names."""
    ax.set_xscale("log")
    ax.set_xlim(axis.cost(0), axis.cost(width))
    ax.set_ylim(*scores)
    ax.spines["bottom"].set_bounds(axis.cost(0), axis.cost(axis.stop + LEADER / 2))
    ax.xaxis.set_major_locator(FixedLocator(axis.ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:,g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def title(found: ScoreAgainstCost, unit: str) -> str:
    """Return the title of a panel: what is drawn against what."""
    of = "per run" if found.what == "training" else f"per text of {found.tokens} tokens"
    return f"{found.what.capitalize()}\nmean score by {unit} {of}"


def cost_axis(costs: Sequence[float], start: float, stop: float) -> CostAxis:
    """Return an axis whose ends are the lowest and the highest cost, or a little apart if they are close."""
    low, high = min(costs), max(costs)
    apart = max(1.0, NARROW / (high / low)) ** 0.5
    return CostAxis(low / apart, high * apart, start, stop)


def score_range(scores: pd.Series) -> tuple[float, float]:
    """Return the ends of the axis of scores: a little beyond those of all runs."""
    low, high = scores.min(), scores.max()
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin


def side_by_side(costs: Mapping[str, float], means: Mapping[str, float]) -> dict[str, float]:
    """Return how many points each design is moved, so that designs of equal cost do not overlap.

    The best of them keeps its place, and the others are alternately right and left of it.
    """
    moved: dict[str, float] = {}
    count = dict.fromkeys(costs.values(), 0)
    for name in sorted(costs, key=lambda name: -means[name]):
        place = count[costs[name]]
        moved[name] = BESIDE * ((place + 1) // 2) * (1 if place % 2 else -1)
        count[costs[name]] += 1
    return moved


def spread(places: pd.Series, gap: float, low: float, high: float) -> pd.Series:
    """Return places from `low` to `high`, at least `gap` apart and otherwise as close to the given ones.

    Their order is kept, and the sum of the squared shifts is the least (an isotonic regression).
    """
    ordered = places.sort_values()
    steps = gap * np.arange(len(ordered))
    fitted = isotonic_regression(ordered.to_numpy() - steps).x
    return pd.Series(np.clip(fitted, low, high - steps[-1]) + steps, ordered.index)
