"""Measures, wraps, and shortens the text of figures, in points, before it is drawn."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby, takewhile

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FEW = 3  # letters kept from the beginning of a shortened name and from each part that differs
JOINED = ("Mn", "Mc", "Me", "Cf")  # Unicode categories: accents and invisible marks
SKIN_TONES, FLAGS = ("\U0001f3fb", "\U0001f3ff"), ("\U0001f1e6", "\U0001f1ff")  # first and last
JOINER = "\u200d"
LEFT_TO_RIGHT = "\u200e"  # an invisible mark


def text_width(text: str, size: float) -> float:
    """Return the width of a text at a font size, in points, in matplotlib's current fonts."""
    return size * _unit_width(text, tuple(rcParams["font.family"]))


@cache
def _unit_width(text: str, families: tuple[str, ...]) -> float:
    font = FontProperties(family=families, size=1)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def column_width(texts: Sequence[str], size: float) -> float:
    """Return the width of a column of texts, in points."""
    return max((text_width(text, size) for text in texts), default=0.0)


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text no wider than `width`; an equation such as "N = 5" stays on one line.

    A wider word, such as a long name, loses its middle.
    """
    lines: list[str] = []
    for word in text.replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        fits = text_width(longer, size) <= width
        lines[-1:] = [longer] if fits else [*lines[-1:], _without_middle(word, size, width)]
    return lines


def shortened(texts: Sequence[str], size: float, width: float) -> list[str]:
    """Return the texts, with an ellipsis for the middle of those wider than `width`.

    Model names begin with their family and end with their version, so both ends are kept. Texts that would
    look the same keep the parts where they differ instead of the end. Different texts stay different:
    if there is no room for what differs, they are returned in full, wider than `width`.
    """
    short = {text: _without_middle(text, size, width) for text in texts}
    starts: dict[str, list[int]] = {text: [] for text in texts}
    while groups := [group for group in alike(short) if not _parted(group, starts)]:
        for text in (text for group in groups for text in group):
            short[text] = _from(starts[text], text, size, width)
    while groups := alike(short):
        short |= {text: text for group in groups for text in group}
    return [short[text] for text in texts]


def alike(drawn: Mapping[str, str]) -> list[list[str]]:
    """Return the groups of names that are drawn the same. drawn: name -> how it is drawn."""
    groups: dict[str, list[str]] = {}
    for name, shown in drawn.items():
        groups.setdefault(shown, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _parted(group: Sequence[str], starts: Mapping[str, list[int]]) -> bool:
    """Add the place where a group's texts first differ to the starts of each; return whether all had it."""
    columns = zip(*map(letters, group), strict=False)
    start = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    lacking = [text for text in group if start not in starts[text]]
    for text in lacking:
        starts[text].append(start)
    return not lacking


def _without_middle(text: str, size: float, width: float) -> str:
    parts = letters(text)
    ends = (
        {*range((kept + 1) // 2), *range(len(parts) - kept // 2, len(parts))}
        for kept in range(len(parts) - 1, 0, -1)
    )
    return _first_that_fits(text, (_only(kept, parts) for kept in ends), size, width)


def _from(starts: Sequence[int], text: str, size: float, width: float) -> str:
    """Return a text's first letters, a few from each start, and as many as fit from the last start."""
    parts = letters(text)
    *others, last = [min(start, len(parts) - 1) for start in starts]
    kept = (
        {place for start in (0, *others) for place in range(start, start + few)} | {*range(last, stop)}
        for few in range(FEW, 0, -1)
        for stop in range(len(parts), min(last + few, len(parts)) - 1, -1)
    )
    return _first_that_fits(text, (_only(places, parts) for places in kept), size, width)


def _only(kept: Collection[int], parts: Sequence[str]) -> str:
    """Return the letters at the kept places, with an ellipsis for two or more others between them."""
    shown = ""
    for hidden, places in groupby(range(len(parts)), key=lambda place: place not in kept):
        run = [parts[place] for place in places]
        shown += "…" if hidden and len(run) > 1 else "".join(run)
    return shown


def _first_that_fits(text: str, shorter: Iterable[str], size: float, width: float) -> str:
    """Return the first of a text and its shorter forms that fits into `width`, else the narrowest.

    An ellipsis is wider than most letters, so the narrowest may be the text itself.
    """
    tried = []
    for shown in (text, *shorter):
        if text_width(shown, size) <= width:
            return shown
        tried.append(shown)
    return min(tried, key=lambda shown: text_width(shown, size))


def letters(text: str) -> list[str]:
    """Return the parts of a text that readers see as one letter, such as a letter with accents or a flag."""
    found: list[str] = []
    for character in text:
        if found and _joins(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _joins(before: str, character: str) -> bool:
    """Return whether a character belongs to the letter before it (a part of Unicode's annex 29)."""
    if unicodedata.category(character) in JOINED or SKIN_TONES[0] <= character <= SKIN_TONES[1]:
        return True
    half_flag = len(before) == 1 and FLAGS[0] <= before <= FLAGS[1]
    return before.endswith(JOINER) or (half_flag and FLAGS[0] <= character <= FLAGS[1])


def left_to_right(name: str) -> str:
    """Return a name whose Hebrew or Arabic letters do not displace a number next to it."""
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in name):
        return f"{LEFT_TO_RIGHT}{name}{LEFT_TO_RIGHT}"
    return name
