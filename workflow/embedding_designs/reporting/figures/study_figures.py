"""Creates the figures of a study for a given width in inches, with legends and captions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...comparison.results import Comparison
from .captions import differences_caption, interaction_caption, scores_caption
from .comparison import attention_entries, draw_differences, draw_interaction
from .critical_difference import diagram_height, draw_critical_difference
from .legend import Entry, legend_lines, wrapped_entries
from .looks import STYLE, Look, design_handles, draw_losses, draw_scores
from .panels import RIGHT, even_columns, panels
from .rank_axis import SMALL
from .significance import draw_significance, significance_height
from .text import column_width, shortened, text_width
from .verdict_matrix import draw_matrix, matrix_height

BETWEEN = 14  # points from one panel to the next
PANEL = 68  # points: least width of a panel, including the space to the next
NAMES = 0.36  # largest share of the width for names of designs
HANDLE = 46  # points next to a name in the legend of training curves
ROWS = [(10, 13), (40, 9.5), (float("inf"), 8.5)]  # (up to this many designs, height of a row in points)
Looks = Mapping[str, Look]


def critical_difference_figure(
    comparison: Comparison, look: Looks, alpha: float, width: float, test: str = "nemenyi"
) -> Figure:
    """Return the critical-difference diagram of one comparison, with the cliques of one test."""
    figure = Figure(figsize=(width, diagram_height(comparison, look, alpha, width, test)))
    draw_critical_difference(comparison, look, alpha, figure.add_axes((0, 0, 1, 1)), test)
    return figure


def matrix_figure(
    comparisons: Sequence[Comparison], alpha: float, width: float, not_compared: Sequence[str] = ()
) -> Figure:
    """Return the verdicts on one base by category. not_compared: see `draw_matrix`."""
    figure = Figure(figsize=(width, matrix_height(comparisons, alpha, width, not_compared)))
    draw_matrix(comparisons, alpha, figure.add_axes((0, 0, 1, 1)), not_compared)
    return figure


def significance_figure(comparison: Comparison, alpha: float, width: float) -> Figure:
    """Return the table of all pairs of one comparison."""
    figure = Figure(figsize=(width, significance_height(comparison, alpha, width)))
    draw_significance(comparison, alpha, figure.add_axes((0, 0, 1, 1)))
    return figure


def differences_figure(comparisons: Sequence[Comparison], look: Looks, alpha: float, width: float) -> Figure:
    """Return one panel of differences from the control per category of a base, the best design on top."""
    legend = legend_lines(look, look, 72 * width - 6)
    overall = comparisons[-1].mean_scores
    look = {name: look[name] for name in sorted(overall, key=lambda name: -overall[name])}
    drawings = {c.category: (c.n_tasks, partial(draw_differences, c, look)) for c in comparisons}
    return _designs_in_rows(drawings, look, width, legend, differences_caption(comparisons, alpha))


def scores_figure(scores: pd.DataFrame, look: Looks, width: float) -> Figure:
    """Return one panel per category and one for all tasks. scores: the rows of one base.

    Many designs are sorted by mean score; very many get only the panel for all tasks.
    """
    if len(look) > ROWS[0][0]:
        overall = scores.groupby("design")["score"].mean()
        look = {name: look[name] for name in sorted(look, key=lambda name: -overall[name])}
    parts = dict(list(scores.groupby("category", sort=False)))
    if len(parts) > 1:
        parts = (parts if len(look) <= ROWS[1][0] else {}) | {"All": scores}
    drawings = {
        category: (part["task"].nunique(), partial(draw_scores, run_means(part), look))
        for category, part in parts.items()
    }
    legend = legend_lines(look, look, 72 * width - 6)
    return _designs_in_rows(drawings, look, width, legend, scores_caption(scores["seed"].nunique()))


def compared_scores(scores: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """Return the scores that a comparison is about, without dropped tasks and collapsed designs."""
    kept = scores["task"].isin(comparison.tasks) & scores["design"].isin(comparison.designs)
    return scores[kept & (scores["base"] == comparison.base)]


def run_means(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score of each run: columns design, seed, and score."""
    return scores.groupby(["design", "seed"], as_index=False)["score"].mean()


def _designs_in_rows(
    drawings: Mapping[str, tuple[int, Callable[[Axes], Axes]]],
    look: Looks,
    width: float,
    legend: Sequence[Sequence[Entry]],
    caption: str,
) -> Figure:
    """Return panels with one row per design, named next to the first panel of each line.

    drawings: category -> its number of tasks, and the function that draws its panel.
    """
    size = STYLE["ytick.labelsize"]
    names = shortened(list(look), size, NAMES * 72 * width)
    left = column_width(names, size) + 8
    columns = even_columns(len(drawings), (72 * width - left) / PANEL)
    height = next(row for most, row in ROWS if len(look) <= most) * (len(look) + 0.2)
    figure, axes = panels(len(drawings), columns, 72 * width, height, left, BETWEEN, legend, caption)
    titles = shortened(list(drawings), SMALL, _title_room(axes[0], BETWEEN))
    for index, ((n_tasks, draw), title, ax) in enumerate(zip(drawings.values(), titles, axes, strict=True)):
        draw(ax).set_title(f"{title}\nN = {n_tasks}", loc="left", size=SMALL, parse_math=False)
        ax.set_yticks(range(len(names)), names if index % columns == 0 else [], parse_math=False)
    return figure


def _title_room(ax: Axes, between: float) -> float:
    """Return the space in points for a title above a panel; between: points to the next panel."""
    return ax.get_window_extent().width * 72 / ax.figure.dpi + min(between, RIGHT) - 3


def interaction_figure(
    comparisons: Sequence[Comparison], scores: pd.DataFrame, look: Looks, width: float
) -> Figure:
    """Return one panel per category whose designs cross pooling and attention. scores: of one base."""
    comparisons = [c for c in comparisons if c.factors.crossed]
    crossed = comparisons[0].factors.crossed
    left, panel = 30, 22 + 30 * len(crossed.poolings)  # points: space next to a panel, and its least width
    columns = even_columns(len(comparisons), 72 * width / (panel + left))
    tick_lines = 1 + max(pooling.count("_") for pooling in crossed.poolings)
    legend = wrapped_entries(attention_entries(crossed.attentions, look), 72 * width - 6)
    caption = interaction_caption(comparisons)
    figure, axes = panels(len(comparisons), columns, 72 * width, 100, left, left, legend, caption, tick_lines)
    room = _title_room(axes[0], left) - text_width(" (N = 999)", SMALL)
    titles = shortened([comparison.category for comparison in comparisons], SMALL, room)
    for comparison, title, ax in zip(comparisons, titles, axes, strict=True):
        runs = run_means(scores[scores["task"].isin(comparison.tasks)])
        draw_interaction(runs, replace(comparison, category=title), look, ax)
    return figure


def training_figure(losses: Mapping[str, pd.DataFrame], look: Looks, width: float) -> Figure:
    """Return one panel per kind of loss. losses: title -> columns design, seed, step, loss."""
    columns, ncols = 2 if width >= 5 else 1, max(1, int(width / 2))
    rows, legend = -(-len(losses) // columns), 0.14 * -(-len(look) // ncols)  # inches
    figure = Figure(figsize=(width, (1.8 + legend) * rows + 0.3), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(losses) :]:
        ax.remove()
    for ax, (title, part) in zip(axes, losses.items(), strict=False):
        draw_losses(part, look, ax).set_title(title, loc="left")
    legend_below(figure, look, ncols, width)
    return figure


def legend_below(figure: Figure, look: Looks, ncols: int, width: float) -> None:
    """Name the designs of a figure of curves below it; width: of the figure, in inches."""
    names = shortened(list(look), STYLE["legend.fontsize"], 72 * width / ncols - HANDLE)
    legend = figure.legend(
        design_handles(look), names, loc="outside lower center", ncols=ncols, handlelength=3.5
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
