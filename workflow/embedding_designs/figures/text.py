"""Measures, wraps and shortens the text of figures, in points, before any of it is drawn."""

from collections.abc import Sequence
from functools import cache

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


def shortened(text: str, size: float, width: float) -> str:
    """Return the text, with an ellipsis for its middle where it is wider than `width`.

    Names of models tell their family first and their version last, so both ends stay.
    """
    for kept in range(len(text), 2, -1):
        short = text if kept == len(text) else f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if text_width(short, size) <= width:
            return short
    return text[:1] + "…"
