"""Chooses installed fonts for letters missing from the figures' default font, such as Chinese or emoji."""

import contextlib
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager, get_font

from ...common.command import note
from ...comparison.results import Statistics
from .looks import STYLE

OWN = STYLE["font.family"]
# Ties between fonts are broken in this order, then in favor of one without serifs.
PREFERRED = ("Noto Sans CJK SC", "Noto Sans", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback")
BOXES = "Last Resort"  # draws a box for every letter, and comes with matplotlib
UNSEEN = ("Cc", "Cf", "Zs")  # Unicode categories that are not drawn: controls, joiners, spaces


def drawn_names(statistics: Statistics) -> list[str]:
    """Return the names in a study's figures: designs, their pooling and attention, categories, bases."""
    shown = [name for d in statistics.designs for name in (d.name, d.pooling, d.attention)]
    shown += [name for c in statistics.comparisons for name in (c.base, c.category)]
    return list(dict.fromkeys(shown))


@contextlib.contextmanager
def style_for(names: Sequence[str]) -> Iterator[None]:
    """Set matplotlib to the figures' style, with fonts for these names; a note lists names without a font."""
    families, missing = families_for(names)
    if boxed := [name for name in names if not missing.isdisjoint(name)]:
        note(
            f"figures show boxes for letters in {', '.join(boxed)} that no installed font has; "
            "install a font, such as Noto Sans CJK for Chinese, and run again with "
            "--forcerun draw_figures"
        )
    with rc_context(style_with(families)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")  # repeated at each draw
        yield


def families_for(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return the font families to draw texts with, and the letters that no installed font has.

    The first family is the figures' default. If it has every letter, it is the only one, so most figures are
    the same on every machine. The others are chosen greedily to keep their number small.
    """
    seen = {letter for text in texts for letter in text if unicodedata.category(letter) not in UNSEEN}
    families, missing = [OWN], seen - _drawn_by(OWN, seen)
    drawn = {family: _drawn_by(family, missing) for family in _installed()} if missing else {}
    while missing and drawn:
        best = min(drawn, key=lambda family: (-len(drawn[family] & missing), *_taste(family)))
        if not drawn[best] & missing:
            break
        families.append(best)
        missing -= drawn.pop(best)
    return families, missing


def style_with(families: Sequence[str]) -> dict[str, Any]:
    """Return matplotlib's settings for figures in these families.

    A PDF file embeds fonts as TrueType or, if one of them has PostScript outlines, all as shapes (Type 3),
    because such a font breaks as TrueType (https://github.com/matplotlib/matplotlib/issues/20870).
    """
    as_shapes = any(map(_has_postscript_outlines, families[1:]))
    return STYLE | {"font.family": list(families)} | ({"pdf.fonttype": 3} if as_shapes else {})


def _has_postscript_outlines(family: str) -> bool:
    """Return whether a font has PostScript outlines, by its first bytes (OpenType 1.9, "otff")."""
    path = _file(family)
    with open(path, "rb") as file:
        first = file.read(4)
        if first == b"ttcf":  # several fonts in one file
            file.seek(12 + 4 * getattr(path, "face_index", 0))
            file.seek(int.from_bytes(file.read(4), "big"))
            first = file.read(4)
    return first == b"OTTO"


def _file(family: str) -> str:
    return fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)


def _installed() -> Iterator[str]:
    """Yield the families that matplotlib can use, including fonts newer than its cached list."""
    listed = {font.fname for font in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - listed):
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError, NotImplementedError):  # damaged, or a bitmap font, as for emoji
            continue
    yield from sorted({font.name for font in fontManager.ttflist if not font.name.startswith(BOXES)})


def _drawn_by(family: str, letters: Iterable[str]) -> set[str]:
    """Return the letters for which a family has an outline; a color font may have none for some."""
    try:
        font = get_font([_file(family)])
        return {letter for letter in letters if _has_outline(font, letter)}
    except (ValueError, OSError, RuntimeError):
        return set()


def _has_outline(font, letter: str) -> bool:
    index = font.get_char_index(ord(letter))
    if not index:
        return False
    font.load_glyph(index)
    return len(font.get_path()[0]) > 0


def _taste(family: str) -> tuple[int, bool, str]:
    rank = next((i for i, start in enumerate(PREFERRED) if family.startswith(start)), len(PREFERRED))
    return rank, "Sans" not in family, family
