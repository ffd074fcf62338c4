"""Lays out and draws the legend of colors, lines, and markers, in points."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from .looks import MARKER_SCALES, LineStyle, Look, Marker
from .rank_axis import DARK, GREY, SMALL
from .text import shortened, text_width

LINE = 9.5  # from one line to the next
HOLLOW: dict[str, Any] = {"mfc": "none", "mew": 0.7}  # a marker without a face
STROKE, AFTER = 7, 8  # length of a stroke, and space after an entry


class Entry(NamedTuple):
    """One word of the legend, after a colored stroke, a grey marker, or, with both, a colored marker."""

    text: str
    colour: str | None = None
    marker: Marker | None = None
    line: LineStyle | None = None  # style of a thin, longer stroke
    hollow: bool = False

    @property
    def mark(self) -> float:
        """Width of its mark, in points."""
        return 2.5 * STROKE + 3 if self.line else STROKE + 3 if self.colour or self.marker else 0

    @property
    def width(self) -> float:
        """Width of the entry, in points."""
        return self.mark + text_width(self.text, SMALL) + AFTER


def legend_lines(look: Mapping[str, Look], names: Iterable[str], width: float) -> list[list[Entry]]:
    """Return the legend of some designs: on one line if that fits, else at least one line per kind.

    A kind that is unknown for all of them has no legend.
    """
    styles = [look[name] for name in names]
    colours = dict.fromkeys(Entry(style.attention, colour=style.colour) for style in styles)
    markers = dict.fromkeys(Entry(style.pooling, marker=style.marker) for style in styles)
    kinds = [[Entry("attention:"), *colours], [Entry("pooling:"), *markers]]
    kinds = [kind for kind in kinds if {entry.text for entry in kind[1:]} != {"unknown"}]
    if not kinds:
        return []
    together = wrapped_entries([entry for kind in kinds for entry in kind], width)
    if len(together) == 1:
        return together
    return [line for kind in kinds for line in wrapped_entries(kind, width)]


def wrapped_entries(entries: Iterable[Entry], width: float) -> list[list[Entry]]:
    """Return lines of entries no wider than `width` points."""
    entries = list(entries)
    texts = shortened([entry.text for entry in entries], SMALL, width - max(entry.mark for entry in entries))
    lines: list[list[Entry]] = [[]]
    for entry in (entry._replace(text=text) for entry, text in zip(entries, texts, strict=True)):
        if lines[-1] and sum(other.width for other in [*lines[-1], entry]) - AFTER > width:
            lines.append([])
        lines[-1].append(entry)
    return lines


def draw_legend(lines: Sequence[Sequence[Entry]], left: float, top: float, ax: Axes) -> None:
    """Draw the lines, starting at x `left` and y `top`."""
    for index, line in enumerate(lines):
        x, y = left, top + LINE * index
        for entry in line:
            _draw_mark(entry, x, y, ax)
            text = {"size": SMALL, "va": "center_baseline", "color": DARK, "parse_math": False}
            ax.text(x + entry.mark, y, entry.text, **text)
            x += entry.width


def _draw_mark(entry: Entry, x: float, y: float, ax: Axes) -> None:
    if entry.line:
        stroke = {"linestyle": entry.line, "linewidth": 1.2}
        ax.plot([x, x + 2.5 * STROKE], [y, y], color=entry.colour, **stroke)
    elif entry.colour and not entry.marker:
        ax.plot([x, x + STROKE], [y, y], color=entry.colour, linewidth=2.4, solid_capstyle="butt")
    elif entry.marker:
        size = 4.5 * MARKER_SCALES.get(entry.marker, 1)
        edge: dict[str, Any] = {"mec": GREY, "mew": 0.4} if entry.colour else {"mew": 0}
        if entry.hollow:
            edge = HOLLOW | {"mec": GREY}
        colour = entry.colour or GREY
        ax.plot(x + 4, y, marker=entry.marker, linestyle="", color=colour, markersize=size, **edge)
