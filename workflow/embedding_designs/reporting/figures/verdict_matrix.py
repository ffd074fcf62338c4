"""Draws the verdicts of one base at a glance: a row per design, and a column per category.

A cell has the mean score. Its color is the verdict, and its marks say by which kinds of claim the design
could be the best. What does not fit side by side goes into further blocks below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...comparison.results import Comparison
from ...comparison.sentences.matrix import DOUBTFUL, claims_in_words, matrix_note, verdicts_in_words
from ...comparison.verdict_matrix import Column, VerdictMatrix, verdict_matrix
from .captions import data_in_words
from .legend import HOLLOW, LINE, Entry, draw_legend, wrapped_entries
from .looks import MARKER_SCALES
from .rank_axis import DARK, GREY, LABEL, SMALL
from .text import column_width, shortened, text_width, wrapped

COLOURS = {"best": "#1f5fa8", "undecided": "#cfe0f3", "worse": "white"}  # dark, light, and white in grayscale
TEXTS = {"best": "white", "undecided": DARK, "worse": GREY}
MARKERS = {"over_tasks": "o", "over_runs": "D"}
MARGIN, SPACE, MARK = 3, 8, 6.5  # MARK: width of one mark
HEADER, TITLE = 20, 10.5  # two lines above a block; a line of the verdict
WIDEST = 54  # of a column
NAMES = 0.34  # largest share of the width for names
ROWS = [(20, 13), (40, 11), (float("inf"), 9)]  # (up to this many designs, height of a row)


@dataclass(frozen=True)
class Layout:
    """Positions in points from the upper left corner; y grows downwards."""

    matrix: VerdictMatrix
    width: float
    title: list[str]
    labels: list[str]
    left: float  # x of the first column
    row: float
    column: float  # its width
    blocks: list[list[Column | None]]  # None: the column of ranks
    legend: list[list[Entry]]
    caption: list[str]

    @property
    def top(self) -> float:
        """y of the first block."""
        return TITLE * len(self.title) + 2

    @property
    def block(self) -> float:
        """Height of a block, with the space below it."""
        return HEADER + self.row * len(self.labels) + 8

    @property
    def bottom(self) -> float:
        """y of the first line of the legend."""
        return self.top + self.block * len(self.blocks) + 4

    @property
    def height(self) -> float:
        """Height of the figure."""
        return self.bottom + LINE * (len(self.legend) + len(self.caption)) + 2


def matrix_height(
    comparisons: Sequence[Comparison], alpha: float, width: float, not_compared: Sequence[str] = ()
) -> float:
    """Return the height in inches that the matrix of a base needs for a width in inches."""
    return _layout(comparisons, alpha, width * 72, not_compared).height / 72


def draw_matrix(
    comparisons: Sequence[Comparison], alpha: float, ax: Axes, not_compared: Sequence[str] = ()
) -> Axes:
    """Draw the verdicts on one base. The ax should be as high as `matrix_height` says.

    not_compared: the designs that a collapsed run excludes; the caption names them.
    """
    layout = _layout(comparisons, alpha, ax.get_window_extent().width / ax.figure.dpi * 72, not_compared)
    ax.set_axis_off()
    ax.set_xlim(0, layout.width)
    ax.set_ylim(layout.height, 0)
    _draw_lines(layout.title, TITLE / 2, TITLE, LABEL, ax)
    for index, columns in enumerate(layout.blocks):
        _draw_block(layout, layout.top + layout.block * index, columns, ax)
    draw_legend(layout.legend, MARGIN, layout.bottom, ax)
    _draw_lines(layout.caption, layout.bottom + LINE * len(layout.legend), LINE, SMALL, ax)
    return ax


def _layout(
    comparisons: Sequence[Comparison], alpha: float, width: float, not_compared: Sequence[str]
) -> Layout:
    matrix = verdict_matrix(comparisons)
    overall = next(comparison for comparison in comparisons if comparison.category == "All")
    row = next(height for most, height in ROWS if len(matrix.designs) <= most)
    labels = shortened(matrix.designs, LABEL, NAMES * width)
    left = MARGIN + column_width(labels, LABEL) + SPACE
    least = text_width("−0.000", LABEL) + MARK * len(matrix.claims) + 6
    columns = [matrix.columns[0], *([None] if matrix.ranks else []), *matrix.columns[1:]]
    many = max(1, int((width - left - MARGIN) / least))
    many = -(-len(columns) // -(-len(columns) // many))  # blocks of nearly equal width
    blocks = [columns[start : start + many] for start in range(0, len(columns), many)]
    room = width - 2 * MARGIN
    caption = f"{data_in_words(overall)} {matrix_note(matrix, alpha, not_compared)}"
    return Layout(
        matrix,
        width,
        wrapped(overall.sentences["verdict"][0], LABEL, room),
        labels,
        left,
        row,
        min(WIDEST, (width - left - MARGIN) / many),
        blocks,
        wrapped_entries(_legend(matrix), room),
        wrapped(caption, SMALL, room),
    )


def _legend(matrix: VerdictMatrix) -> list[Entry]:
    marks = [Entry(text, marker=MARKERS[claim]) for claim, text in claims_in_words(matrix).items()]
    marks += [Entry(DOUBTFUL, marker=MARKERS[claim], hollow=True) for claim in matrix.doubtful[:1]]
    verdicts = verdicts_in_words(matrix).items()
    lead = [Entry("Could be the best:")] if marks else []
    return lead + marks + [Entry(text, COLOURS[verdict], "s") for verdict, text in verdicts]


def _draw_lines(lines: Sequence[str], top: float, pitch: float, size: float, ax: Axes) -> None:
    for index, line in enumerate(lines):
        y = top + pitch * index
        ax.text(MARGIN, y, line, size=size, va="center", color=DARK, parse_math=False)


def _draw_block(layout: Layout, top: float, columns: Sequence[Column | None], ax: Axes) -> None:
    text = {"size": LABEL, "va": "center_baseline", "parse_math": False}
    rows = [top + HEADER + layout.row * (index + 0.5) for index in range(len(layout.labels))]
    for y, label in zip(rows, layout.labels, strict=True):
        ax.text(MARGIN, y, label, color=DARK, **text)
    titles = shortened(
        [column.category if column else "Rank" for column in columns], SMALL, layout.column - 3
    )
    for index, (column, title) in enumerate(zip(columns, titles, strict=True)):
        x = layout.left + layout.column * index
        middle = x + layout.column / 2
        _draw_header(title, column, middle, top, ax)
        for y, design in zip(rows, layout.matrix.designs, strict=True):
            if column:
                _draw_cell(layout, column, design, x, y, ax)
            elif layout.matrix.ranks:
                ranks = "–".join(map(str, dict.fromkeys(layout.matrix.ranks[design])))
                ax.text(middle, y, ranks, ha="center", color=DARK, gid=f"rank-{design}", **text)


def _draw_header(title: str, column: Column | None, middle: float, top: float, ax: Axes) -> None:
    text = {"ha": "center", "va": "center", "size": SMALL, "parse_math": False}
    ax.text(middle, top + 5, title, color=DARK, **text)
    if column:
        ax.text(middle, top + 13.5, f"N = {column.n_tasks}", color=GREY, **text)


def _draw_cell(layout: Layout, column: Column, design: str, x: float, y: float, ax: Axes) -> None:
    cell, marks = column.cells[design], layout.matrix.claims
    size = {"width": layout.column - 1.5, "height": layout.row - 1.5}
    place = (x + 0.75, y - size["height"] / 2)
    fill = Rectangle(place, **size, facecolor=COLOURS[cell.verdict], linewidth=0)
    fill.set_gid(f"{cell.verdict}-{column.category}-{design}")
    ax.add_patch(fill)
    number, colour = f"{cell.score:.3f}".replace("-", "−"), TEXTS[cell.verdict]
    together = text_width(number, LABEL) + 3 + MARK * len(marks)
    start = x + (layout.column - together) / 2
    ax.text(start, y, number, size=LABEL, va="center_baseline", color=colour, parse_math=False)
    for index, claim in enumerate(marks):
        if cell.mark(claim):
            at = start + together - MARK * (len(marks) - index - 0.5)
            marker, scale = MARKERS[claim], MARKER_SCALES.get(MARKERS[claim], 1)
            face, kind = ({"mew": 0}, claim) if getattr(cell, claim) else (HOLLOW, f"hollow-{claim}")
            (point,) = ax.plot(at, y, marker, color=colour, markersize=3.8 * scale, **face)
            point.set_gid(f"{kind}-{column.category}-{design}")
