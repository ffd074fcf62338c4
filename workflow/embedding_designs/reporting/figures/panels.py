"""Lays out figures with several panels in points, with a legend and a caption below them."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .legend import LINE, Entry, draw_legend
from .rank_axis import DARK, SMALL
from .text import wrapped

TITLE = 24  # above a panel: two lines of title
TICKS = 18  # below it: one line of tick labels; each further line takes LINE
MARGIN = 3
RIGHT = 10  # from the last panel to the edge: half a tick label


def even_columns(count: int, most: float) -> int:
    """Return how many columns, at most `most`, leave the last row as full as possible."""
    rows = -(-count // max(1, min(count, int(most))))
    return -(-count // rows)


def panels(
    count: int,
    columns: int,
    width: float,
    height: float,
    left: float,
    between: float,
    legend: Sequence[Sequence[Entry]],
    caption: str,
    tick_lines: int = 1,
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels. Lengths in points.

    width: of the figure; height: of a panel; left: space left of the first panel of each row; between: from
    one panel to the next.
    """
    rows = -(-count // columns)
    panel_row = TITLE + height + TICKS + LINE * (tick_lines - 1)
    lines = wrapped(caption, SMALL, width - 2 * MARGIN)
    grid = rows * panel_row
    total = grid + LINE * (len(legend) + len(lines)) + 8
    figure = Figure(figsize=(width / 72, total / 72))
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(total, 0))
    page.set_axis_off()
    draw_legend(legend, MARGIN, grid + 6, page)
    for index, line in enumerate(lines):
        y = grid + 8 + LINE * (len(legend) + index)
        page.text(MARGIN, y, line, size=SMALL, va="center", color=DARK, parse_math=False)
    panel = (width - left - RIGHT - between * (columns - 1)) / columns
    axes = []
    for index in range(count):
        row, column = divmod(index, columns)
        x, y = left + column * (panel + between), row * panel_row + TITLE
        box = (x / width, 1 - (y + height) / total, panel / width, height / total)
        axes.append(figure.add_axes(box))
    return figure, axes
