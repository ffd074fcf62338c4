"""Measures, wraps and shortens the text of figures, in points, before any of it is drawn."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import takewhile

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

HEAD = 3  # letters of its beginning that a name keeps before the part in which it differs
JOINED = ("Mn", "Mc", "Me", "Cf")  # categories of Unicode: accents, and signs that cannot be seen
SKIN_TONES, FLAGS = ("\U0001f3fb", "\U0001f3ff"), ("\U0001f1e6", "\U0001f1ff")  # first and last
JOINER = "\u200d"
LEFT_TO_RIGHT = "\u200e"  # a mark that cannot be seen


def text_width(text: str, size: float) -> float:
    """Return the width of a text at a font size, in points, in the fonts that matplotlib is set to."""
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

    A word that is wider, such as a long name, loses its middle.
    """
    lines: list[str] = []
    for word in text.replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        fits = text_width(longer, size) <= width
        lines[-1:] = [longer] if fits else [*lines[-1:], _without_middle(word, size, width)]
    return lines


def shortened(texts: Sequence[str], size: float, width: float) -> list[str]:
    """Return the texts, with an ellipsis for the middle of those wider than `width`.

    Names of models tell their family first and their version last, so both ends stay. Of texts that would
    look the same by it, the part that begins where they differ stays in place of the end. Different texts
    stay different: where there is no room for what differs, they stay as they are, wider than `width`.
    """
    short = {text: _without_middle(text, size, width) for text in texts}
    for _ in texts:
        for alike in _alike(short):
            columns = zip(*map(letters, alike), strict=False)
            start = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
            short |= {text: _from(start, text, size, width) for text in alike}
    while still := _alike(short):
        short |= {text: text for alike in still for text in alike}
    return [short[text] for text in texts]


def _alike(short: dict[str, str]) -> list[list[str]]:
    """Return the groups of texts that are shortened to the same."""
    groups: dict[str, list[str]] = {}
    for text, shown in short.items():
        groups.setdefault(shown, []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _without_middle(text: str, size: float, width: float) -> str:
    parts = letters(text)
    ends = (
        "".join([*parts[: (kept + 1) // 2], "…", *parts[len(parts) - kept // 2 :]])
        for kept in range(len(parts) - 2, 0, -1)
    )
    return _first_that_fits(text, ends, size, width)


def _from(start: int, text: str, size: float, width: float) -> str:
    """Return the text's first letters and what comes from `start` on, as much as there is room for."""
    parts = letters(text)
    head = [*parts[:HEAD], "…"] if start > HEAD + 1 else parts[:start]
    ends = [[*parts[start:]]] if start > HEAD + 1 else []
    ends += [[*parts[start : start + kept], "…"] for kept in range(len(parts) - start - 2, 0, -1)]
    return _first_that_fits(text, ("".join([*head, *end]) for end in ends), size, width)


def _first_that_fits(text: str, shorter: Iterable[str], size: float, width: float) -> str:
    """Return a text, or the first of what may stand for it that is no wider than `width`, else the narrowest.

    An ellipsis is wider than most letters, so the narrowest may be the text.
    """
    tried = []
    for shown in (text, *shorter):
        if text_width(shown, size) <= width:
            return shown
        tried.append(shown)
    return min(tried, key=lambda shown: text_width(shown, size))


def letters(text: str) -> list[str]:
    """Return what a reader sees as one letter each: with its accents, a flag, or an emoji of several."""
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
    """Return a name to put beside a number: Hebrew or Arabic in it leaves the number on its side."""
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in name):
        return f"{LEFT_TO_RIGHT}{name}{LEFT_TO_RIGHT}"
    return name
