"""Draws mean scores against what the designs cost, with each design named and the efficient ones joined."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ...comparison.results import Comparison
from ...comparison.score_against_cost import ScoreAgainstCost
from ...comparison.sentences.cost import efficient_designs
from ...study.compute import flops_unit
from .captions import LARGE_AND_SMALL
from .cost_axis import CostAxis, cost_axis, spread
from .legend import legend_lines
from .looks import Look
from .panels import even_columns, panels
from .rank_axis import SMALL
from .text import column_width, shortened

LEFT, BETWEEN = 30, 34  # points: space for tick labels left of the first and of each other panel
PANEL = 200  # points: least width of a panel with its names
ROW, LOW = 9, 130  # points: from one name to the next, and least height of a panel
NAMES = 0.45  # largest share of a panel for names
PAD, LEADER = 12, 16  # points: from the axis to the cheapest design, and from the costliest to the names
BESIDE = 5  # points between the markers of designs of nearly equal cost
JOINED = "#A0A0A0"  # color of the line through efficient designs
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
    line = any(len(one.efficient) > 1 for one in found)
    meant = "The line joins the efficient designs:" if line else "A design is efficient if"
    return (
        f"Mean score over N = {comparison.n_tasks} tasks against cost, {comparison.base}{dots}. Costs are "
        "computed from the sizes of base and design; a run includes any adaptation. Markers of nearly equal "
        f"cost are moved apart. {meant} every other that is at least as good costs more. "
        f"{efficient_designs(found)}"
    )


def draw_score_against_cost(found: ScoreAgainstCost, runs: pd.DataFrame, look: Looks, ax: Axes) -> Axes:
    """Draw each design's mean score against its cost, a small dot per seed, and its name.

    runs: columns design, seed, and score. Markers of nearly equal cost are moved apart, the best first.
    """
    box = ax.get_window_extent()
    width, height = (72 * side / ax.figure.dpi for side in (box.width, box.height))
    names = dict(zip(look, shortened(list(look), SMALL, NAMES * width), strict=True))
    stop = width - column_width(list(names.values()), SMALL)
    size, unit = flops_unit(min(found.costs.values()))
    axis = cost_axis([cost / size for cost in found.costs.values()], PAD, stop - LEADER)
    low, high = score_range(runs["score"])
    _frame(axis, width, (low, high), ax)
    ax.set_title(title(found, unit), loc="left", size=SMALL)

    means = runs.groupby("design")["score"].mean().sort_values(ascending=False)
    x = spread(
        {name: axis.x(found.costs[name] / size) for name in means.index}, BESIDE, BESIDE, stop - BESIDE
    )
    y = {name: height * (mean - low) / (high - low) for name, mean in means.items()}
    rows = spread(y, ROW, ROW / 2, height - ROW / 2)
    at = {name: axis.cost(place) for name, place in x.items()}
    ax.plot(
        [at[name] for name in found.efficient], means[found.efficient], color=JOINED, linewidth=1.1, zorder=1
    )
    for name, style in look.items():
        _draw_design(at[name], runs.loc[runs["design"] == name, "score"], style, ax)
        leader, row = [axis.cost(x[name] + 4), axis.cost(stop - 2)], low + (high - low) / height * rows[name]
        ax.plot(leader, [means[name], row], color=style.colour, linewidth=0.4, alpha=0.6, zorder=1)
        text = {"color": style.colour, "size": SMALL, "va": "center_baseline", "parse_math": False}
        ax.text(axis.cost(stop), row, names[name], **text)
    return ax


def _draw_design(x: float, scores: pd.Series, style: Look, ax: Axes) -> None:
    """Draw the mean of a design's runs and, if there are several, each of them."""
    thin = {"color": style.colour, "alpha": 0.6}
    if len(scores) > 1:
        ax.plot([x, x], [scores.min(), scores.max()], linewidth=0.7, **thin)
        ax.plot([x] * len(scores), scores, ".", markersize=3, mew=0, **thin)
    point = {"mfc": style.face or style.colour, "mec": style.colour if style.face else "white", "mew": 0.4}
    ax.plot(
        x, scores.mean(), marker=style.marker, linestyle="", markersize=4.5 * style.scale, zorder=3, **point
    )


def _frame(axis: CostAxis, width: float, scores: tuple[float, float], ax: Axes) -> None:
    """Set the limits and ticks of a panel; its axis of costs ends before the names."""
    ax.set_xscale("log")
    ax.set_xlim(axis.cost(0), axis.cost(width))
    ax.set_ylim(*scores)
    ax.spines["bottom"].set_bounds(axis.cost(0), axis.cost(axis.stop + BESIDE))
    ax.xaxis.set_major_locator(FixedLocator(axis.ticks(BESIDE)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:,g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], min_n_ticks=3))


def title(found: ScoreAgainstCost, unit: str) -> str:
    """Return the title of a panel: what is drawn against what."""
    of = "per run" if found.what == "training" else f"per text of {found.tokens} tokens"
    return f"{found.what.capitalize()}\nmean score by {unit} {of}"


def score_range(scores: pd.Series) -> tuple[float, float]:
    """Return the ends of the axis of scores: a little beyond those of all runs."""
    low, high = scores.min(), scores.max()
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin
