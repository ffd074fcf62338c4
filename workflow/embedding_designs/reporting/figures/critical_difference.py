"""Draws the critical-difference diagram of one comparison (Demsar 2006, figure 1), ready for a paper.

The diagram is laid out in points for a given width: with labels on both sides of the axis if they fit, and
otherwise with one design per row. Bars join the designs that Nemenyi's test, or Wilcoxon's with Holm's
correction, does not separate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes

from ...comparison.results import Comparison
from .captions import ranks_caption
from .legend import LINE, Entry, draw_legend, legend_lines
from .looks import Look
from .rank_axis import DARK, HEADS, SMALL
from .rank_rows import RankRows, rank_rows
from .text import wrapped
from .two_sided_ranks import TwoSidedRanks, two_sided_ranks

CLIQUES = {"nemenyi": "cliques", "wilcoxon": "wilcoxon_cliques"}
MARGIN = 3


@dataclass(frozen=True)
class Layout:
    """Positions in points from the upper left corner; y grows downwards."""

    width: float
    ranks: TwoSidedRanks | RankRows
    legend: list[list[Entry]]
    caption: list[str]

    @property
    def legend_top(self) -> float:
        """y of the first line of the legend."""
        return self.ranks.bottom + 6

    @property
    def caption_top(self) -> float:
        """y of the first line of the caption."""
        return self.legend_top + LINE * len(self.legend) + 2

    @property
    def height(self) -> float:
        """Height of the diagram."""
        return self.caption_top + LINE * len(self.caption)


def diagram_height(
    comparison: Comparison, look: Mapping[str, Look], alpha: float, width: float, test: str = "nemenyi"
) -> float:
    """Return the height in inches that the diagram of a comparison needs for a width in inches."""
    return _layout(comparison, look, alpha, width * 72, test).height / 72


def draw_critical_difference(
    comparison: Comparison, look: Mapping[str, Look], alpha: float, ax: Axes, test: str = "nemenyi"
) -> Axes:
    """Draw the average ranks, the best on the right, with their intervals and the cliques of a test.

    comparison: one from statistics.json; test: "nemenyi", which has a critical difference, or "wilcoxon".
    The ax should be as high as `diagram_height` says.
    """
    width = ax.get_window_extent().width / ax.figure.dpi * 72
    layout = _layout(comparison, look, alpha, width, test)
    ax.set_axis_off()
    ax.set_xlim(0, layout.width)
    ax.set_ylim(layout.height, 0)
    axis = layout.ranks.axis
    axis.draw(ax)
    distance = _distance(comparison, test)
    if distance is not None:
        axis.draw_critical_difference(distance, ax)
    layout.ranks.draw(look, ax)
    draw_legend(layout.legend, MARGIN, layout.legend_top, ax)
    for index, line in enumerate(layout.caption):
        y = layout.caption_top + LINE * index
        ax.text(MARGIN, y, line, size=SMALL, va="center", color=DARK, parse_math=False)
    return ax


def _layout(
    comparison: Comparison, look: Mapping[str, Look], alpha: float, width: float, test: str
) -> Layout:
    ranks, intervals = comparison.average_ranks, comparison.rank_intervals or {}
    cliques = getattr(comparison.these_checkpoints, CLIQUES[test]) or []
    drawn = (ranks, intervals, cliques, width, HEADS[_distance(comparison, test) is not None])
    laid_out = two_sided_ranks(*drawn) or rank_rows(*drawn)
    caption = ranks_caption(comparison, alpha, test, laid_out.gaps, laid_out.n_undrawn)
    legend = legend_lines(look, ranks, width - 2 * MARGIN)
    return Layout(width, laid_out, legend, wrapped(caption, SMALL, width - 2 * MARGIN))


def _distance(comparison: Comparison, test: str) -> float | None:
    nemenyi = comparison.these_checkpoints.nemenyi
    return nemenyi.critical_difference if test == "nemenyi" else None
