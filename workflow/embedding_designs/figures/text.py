"""Measures, wraps and shortens the text of figures, in points, before any of it is drawn."""

from collections.abc import Sequence
from functools import cache
from itertools import takewhile

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .looks import STYLE


def text_width(text: str, size: float) -> float:
    """Return the width of a text at a font size, in points."""
    return size * _unit_width(text)


@cache
def _unit_width(text: str) -> float:
    font = FontProperties(family=STYLE["font.family"], size=1)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def column_width(texts: Sequence[str], size: float) -> float:
    """Return the width of a column of texts, in points."""
    return max((text_width(text, size) for text in texts), default=0.0)


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text no wider than `width`; an equation such as "N = 5" stays on one line."""
    lines: list[str] = []
    for word in text.replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        lines[-1:] = [longer] if text_width(longer, size) <= width else [*lines[-1:], word]
    return lines


def shortened(texts: Sequence[str], size: float, width: float) -> list[str]:
    """Return the texts, with an ellipsis for the middle of those wider than `width`.

    Names of models tell their family first and their version last, so both ends stay. Of texts that would
    look the same by it, the part that begins where they differ stays in place of the end.
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(_shortened(text, size, width), []).append(text)
    short = {}
    for same, alike in groups.items():
        letters = zip(*alike, strict=False)
        start = sum(1 for _ in takewhile(lambda letter: len(set(letter)) == 1, letters))
        short |= {text: same if len(alike) == 1 else _from(start, text, size, width) for text in alike}
    return [short[text] for text in texts]


def _shortened(text: str, size: float, width: float) -> str:
    for kept in range(len(text), 2, -1):
        short = text if kept == len(text) else f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if text_width(short, size) <= width:
            return short
    return text[:1] + "…"


def _from(start: int, text: str, size: float, width: float) -> str:
    """Return the text's first letters and what comes from `start` on, as much as there is room for."""
    for kept in range(len(text) - start, 0, -1):
        rest = text[start:] if kept == len(text) - start else f"{text[start : start + kept]}…"
        if text_width(f"{text[:3]}…{rest}", size) <= width:
            return f"{text[:3]}…{rest}"
    return f"{text[:3]}…"
