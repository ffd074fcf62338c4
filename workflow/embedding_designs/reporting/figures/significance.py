"""Draws which of many designs differ as a table, with one cell per pair, split between two tests.

Rows and columns are ordered by average rank. The upper right half of a cell is filled if Wilcoxon's test with
Holm's correction separates the two designs, and the lower left half if Nemenyi's test does: dark if the
design of the row is better, light if it is worse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ...comparison.results import Comparison
from .captions import significance_caption
from .rank_axis import DARK, GREY, LABEL, LIGHT, SMALL, SMALLEST
from .text import column_width, shortened, text_width, wrapped

COLOURS = {"better": "#004B87", "worse": "#F0A35E"}  # dark and light, also in grayscale
HALVES = {"upper": [(0, 0), (1, 0), (1, 1)], "lower": [(0, 0), (0, 1), (1, 1)]}  # corners; y grows downwards
FULL = [(0, 0), (1, 0), (1, 1), (0, 1)]
ROW = 11.5  # largest height of a row
SMALLEST_ROWS = [(60, 6.2), (float("inf"), 5)]  # (up to this many designs, least height of a row)
RIGHT = 6  # from the last column to the edge: half of its number
MARGIN, SPACE, LINE = 3, 5, 9.5
CELLS = 0.52  # least share of the width for the cells
Polygon = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Layout:
    """Positions in points from the upper left corner; y grows downwards."""

    width: float
    order: list[str]
    labels: list[str]
    size: float  # of the labels' font
    row: float
    left: float  # x of the first column
    top: float  # y of the first row
    caption: list[str]

    @property
    def column(self) -> float:
        """Width of a column."""
        return min(self.row * 1.6, (self.width - RIGHT - self.left) / len(self.order))

    @property
    def bottom(self) -> float:
        """y of the end of the last row."""
        return self.top + self.row * len(self.order)

    @property
    def height(self) -> float:
        """Height of the figure."""
        return self.bottom + LINE * (3.4 + len(self.caption))

    def place(self, polygon: Polygon, row: float, column: float) -> list[tuple[float, float]]:
        """Return a polygon in points, given in units of cells from the corner of one cell."""
        return [(self.left + self.column * (column + x), self.top + self.row * (row + y)) for x, y in polygon]


def significance_height(comparison: Comparison, alpha: float, width: float) -> float:
    """Return the height in inches that the figure of a comparison needs for a width in inches."""
    return _layout(comparison, alpha, width * 72).height / 72


def draw_significance(comparison: Comparison, alpha: float, ax: Axes) -> Axes:
    """Draw the table of pairs. The ax should be as high as `significance_height` says."""
    layout = _layout(comparison, alpha, ax.get_window_extent().width / ax.figure.dpi * 72)
    ax.set_axis_off()
    ax.set_xlim(0, layout.width)
    ax.set_ylim(layout.height, 0)
    _draw_names(comparison.average_ranks, layout, ax)
    _draw_grid(layout, ax)
    upper, lower = verdicts(comparison, layout.order)
    for verdict, side in ((1, "better"), (-1, "worse")):
        _fill(_cells(upper == verdict, lower == verdict, layout), COLOURS[side], ax, gid=side)
    _draw_legend(layout, ax)
    for index, line in enumerate(layout.caption):
        y = layout.bottom + LINE * (3.4 + index)
        ax.text(MARGIN, y, line, size=SMALL, va="center", color=DARK, parse_math=False)
    return ax


def verdicts(comparison: Comparison, order: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the verdicts of Wilcoxon's test and of Nemenyi's: (rows, columns), in `order`.

    1 if the design of the row is better, -1 if it is worse, 0 if the test does not separate them.
    """
    at = {name: index for index, name in enumerate(order)}
    tests, ranks = comparison.these_checkpoints, comparison.average_ranks
    found = np.zeros((2, len(order), len(order)), dtype=int)
    for signed in tests.wilcoxon:
        if signed.significant_holm:
            _enter(found[0], at[signed.first], at[signed.second], signed.rank_biserial > 0)
    for ranked in tests.nemenyi.pairs:
        if ranked.significant:
            first_better = ranks[ranked.first] < ranks[ranked.second]
            _enter(found[1], at[ranked.first], at[ranked.second], first_better)
    return found[0], found[1]


def _enter(table: np.ndarray, first: int, second: int, first_better: bool) -> None:
    table[first, second] = 1 if first_better else -1
    table[second, first] = -table[first, second]


def _layout(comparison: Comparison, alpha: float, width: float) -> Layout:
    ranks = comparison.average_ranks
    order = sorted(ranks, key=ranks.__getitem__)
    smallest = next(row for most, row in SMALLEST_ROWS if len(order) <= most)
    row = max(smallest, min(ROW, 0.62 * width / len(order)))
    size = min(LABEL, row - 0.8)
    numbers = [f"{rank:.2f}" for rank in ranks.values()]
    places = text_width(f"{len(order)}", size) + SPACE
    beside = MARGIN + places + column_width(numbers, size) + 2 * SPACE
    room = (1 - CELLS) * width - beside
    while size > min(SMALLEST, row - 0.8) and column_width(order, size) > room:
        size -= 0.25
    labels = shortened(order, size, room)
    left = beside + column_width(labels, size)
    caption = wrapped(significance_caption(comparison, alpha), SMALL, width - 2 * MARGIN)
    return Layout(width, order, labels, size, row, left, 16, caption)


def _draw_names(ranks: Mapping[str, float], layout: Layout, ax: Axes) -> None:
    places = text_width(f"{len(layout.order)}", layout.size)
    text = {"size": layout.size, "va": "center_baseline", "parse_math": False}
    every = next(
        n
        for n in (1, 2, 5, 10, 20)
        if n * layout.column >= text_width(f"{len(layout.order)}", SMALL) + 2 or n == 20
    )
    for index, (name, label) in enumerate(zip(layout.order, layout.labels, strict=True)):
        y = layout.top + layout.row * (index + 0.5)
        ax.text(MARGIN + places, y, str(index + 1), ha="right", color=GREY, **text)
        ax.text(MARGIN + places + SPACE, y, label, color=DARK, **text)
        ax.text(layout.left - SPACE, y, f"{ranks[name]:.2f}", ha="right", color=DARK, **text)
        if (index + 1) % every == 0 or (index == 0 and every != 2):
            x = layout.left + layout.column * (index + 0.5)
            ax.text(x, layout.top - 4, str(index + 1), size=SMALL, ha="center", va="baseline", color=GREY)


def _draw_grid(layout: Layout, ax: Axes) -> None:
    k = len(layout.order)
    every = 1 if k <= 60 else 10
    places = sorted({*range(0, k, every), k})
    lines = [[(0, index), (k, index)] for index in places] + [[(index, 0), (index, k)] for index in places]
    placed = [layout.place(line, 0, 0) for line in lines]
    ax.add_collection(LineCollection(placed, color=LIGHT, linewidth=0.5, zorder=0))
    _fill([layout.place(FULL, index, index) for index in range(k)], LIGHT, ax)


def _cells(upper: np.ndarray, lower: np.ndarray, layout: Layout) -> Iterable[Polygon]:
    """Yield the polygons to fill: one for neighbors in a row that both tests separate, else half a cell."""
    inset = 0.06 if len(upper) <= 60 else 0.0
    for row in range(len(upper)):
        separated = list(zip(upper[row].tolist(), lower[row].tolist(), strict=True))
        runs = groupby(range(len(upper)), key=separated.__getitem__)
        for (wilcoxon, nemenyi), columns in runs:
            for first, length in _joined(list(columns), wilcoxon and nemenyi and not inset):
                shape = FULL if wilcoxon and nemenyi else HALVES["upper" if wilcoxon else "lower"]
                if wilcoxon or nemenyi:
                    yield layout.place(_scaled(shape, length, inset), row, first)


def _joined(columns: Sequence[int], join: bool) -> list[tuple[int, int]]:
    return [(columns[0], len(columns))] if join else [(column, 1) for column in columns]


def _scaled(shape: Polygon, length: int, inset: float) -> Polygon:
    return [(inset + (length - 2 * inset) * x, inset + (1 - 2 * inset) * y) for x, y in shape]


def _fill(polygons: Iterable[Polygon], colour: str, ax: Axes, gid: str | None = None) -> None:
    """Fill polygons as one path, which keeps the file small."""
    outlines = [Path(np.array([*polygon, polygon[0]]), closed=True) for polygon in polygons]
    if outlines:
        ax.add_patch(PathPatch(Path.make_compound_path(*outlines), facecolor=colour, linewidth=0, gid=gid))


def _draw_legend(layout: Layout, ax: Axes) -> None:
    x, y, side = float(MARGIN), layout.bottom + 6, 8
    entries = [
        ("row better", FULL, COLOURS["better"]),
        ("row worse", FULL, COLOURS["worse"]),
        ("not separated", FULL, "white"),
        ("Wilcoxon-Holm only", HALVES["upper"], GREY),
        ("Nemenyi only", HALVES["lower"], GREY),
        ("both tests", FULL, GREY),
    ]
    for text, shape, colour in entries:
        room = side + 4 + text_width(text, SMALL)
        if x + room > layout.width or text == "Wilcoxon-Holm only":
            x, y = MARGIN, y + LINE
        frame = [(x + side * a, y + side * b) for a, b in FULL]
        ax.plot(*zip(*frame, frame[0], strict=True), color=GREY, linewidth=0.4)
        _fill([[(x + side * a, y + side * b) for a, b in shape]], colour, ax)
        ax.text(x + side + 4, y + side / 2, text, size=SMALL, va="center_baseline", color=DARK)
        x += room + 10
