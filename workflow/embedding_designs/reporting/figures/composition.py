"""Draws what the training data are made of: the share of each source, and the lengths of its texts."""

import math
from collections.abc import Mapping
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from ...common.wording import counted
from .legend import Entry, wrapped_entries
from .looks import STYLE
from .panels import even_columns, panels
from .rank_axis import DARK, GREY, LIGHT, SMALL
from .text import column_width, shortened

SHARES = ("share_of_rows", "share_of_words")
ROWS, WORDS = "#7F7F7F", "#009E73"  # colors of the counts of rows and of words
BAR = 0.36  # height of a bar, in rows of the figure
ROW, FEW_ROWS, MANY_ROWS = (30, 22, 20), 4, 10  # points per source, if there are few, some, or many
BETWEEN, PANEL = 16, 80  # points: between panels, and least width of a panel, including that space
NAMES = 0.3  # largest share of the width for the names of sources
LEGEND = [
    Entry("share of rows", colour=ROWS),
    Entry("share of words", colour=WORDS),
    Entry("median length", marker="o"),
    Entry("middle 50% of texts", colour=WORDS),
    Entry("middle 90%", colour=WORDS, line="-"),
]
Numbers = Mapping[str, Mapping[str, float]]  # source -> key of the data report -> number


def composition_figure(composition: Numbers, lengths: Mapping[str, Numbers], width: float) -> Figure:
    """Return a panel of the sources' shares, and one of the lengths of their texts for each column.

    composition, lengths: `composition` and `words_per_text` of the data report.
    """
    size = STYLE["ytick.labelsize"]
    names = shortened(list(composition), size, NAMES * 72 * width)
    left = column_width(names, size) + 8
    columns = even_columns(1 + len(lengths), (72 * width - left) / PANEL)
    row = ROW[(len(names) > FEW_ROWS) + (len(names) > MANY_ROWS)]
    legend, caption = wrapped_entries(LEGEND, 72 * width - 6), composition_caption(composition)
    ends = shown_range(lengths)
    drawings = {"Share of the data\nrows and words": partial(draw_shares, composition)}
    for column, found in lengths.items():
        drawings[f"{column.capitalize()}\nwords per text"] = partial(draw_lengths, found, ends)
    height = row * len(names)
    figure, axes = panels(len(drawings), columns, 72 * width, height, left, BETWEEN, legend, caption)
    for index, ((title, draw), ax) in enumerate(zip(drawings.items(), axes, strict=True)):
        draw(ax).set_title(title, loc="left", size=SMALL)
        ax.set_yticks(range(len(names)), names if index % columns == 0 else [], parse_math=False)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
    return figure


def draw_shares(composition: Numbers, ax: Axes) -> Axes:
    """Draw each source's share of the rows and of the words, with the percentages."""
    for key, colour, beside in zip(SHARES, (ROWS, WORDS), (-BAR / 2, BAR / 2), strict=True):
        shares = [numbers[key] for numbers in composition.values()]
        places = [row + beside for row in range(len(shares))]
        bars = ax.barh(places, shares, BAR, color=colour)
        ax.bar_label(bars, [percentage(share) for share in shares], padding=2, size=SMALL - 1, color=DARK)
    ax.set_xlim(0, 1.25 * max(numbers[key] for numbers in composition.values() for key in SHARES))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.locator_params(axis="x", nbins=3)
    return ax


def shown_range(lengths: Mapping[str, Numbers]) -> tuple[float, float]:
    """Return the ends of the axis of lengths, the same for all panels."""
    found = [numbers[key] for by_name in lengths.values() for numbers in by_name.values() for key in numbers]
    return 0.8 * min(found), 1.25 * max(found)


def draw_lengths(lengths: Numbers, ends: tuple[float, float], ax: Axes) -> Axes:
    """Draw the median length of each source's texts, and the middle 50% and 90% of the lengths.

    ends: of the axis, which is logarithmic.
    """
    for row, found in enumerate(lengths.values()):
        for low, high, thick in (("p5", "p95", 0.9), ("p25", "p75", 3.2)):
            ax.plot(
                [found[low], found[high]], [row, row], color=WORDS, linewidth=thick, solid_capstyle="butt"
            )
        ax.plot(found["median"], row, "o", color=GREY, mec="white", mew=0.7, markersize=4.5)
    ax.set_xscale("log")
    ax.set_xlim(*ends)
    decades = math.log10(ends[1] / ends[0])
    ticks = (1,) if decades > 2.6 else (1, 3) if decades > 1.4 else (1, 2, 5)
    ax.xaxis.set_major_locator(LogLocator(10, ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(axis="x", linewidth=0.5, color=LIGHT)
    ax.set_axisbelow(True)
    return ax


def composition_caption(composition: Numbers) -> str:
    """Return the caption: how many rows, sources, and words there are, and what the marks show."""
    rows, words = (int(sum(numbers[key] for numbers in composition.values())) for key in ("rows", "words"))
    return (
        f"Training data: {rows:,} rows and {words:,} words from {counted(len(composition), 'source')}. A row"
        " is a query, a positive, and, if the data have hard negatives, one negative. Words are separated by"
        " spaces; lengths are on a logarithmic axis, before texts are truncated to a number of tokens."
    )


def percentage(share: float) -> str:
    """Return a share such as 0.25 as "25%", with a decimal for small ones."""
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"
