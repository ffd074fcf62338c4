"""Letters missing from the default font are drawn in an installed font, or named in a note.

The fonts here are made for these tests: their letters are private code points that no installed font has.
"""

import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont
from matplotlib import rcParams
from matplotlib.font_manager import fontManager

from embedding_designs.comparison import compare
from embedding_designs.reporting import draw_figures as draw
from embedding_designs.reporting.figures.fonts import families_for, style_for, style_with
from embedding_designs.reporting.figures.looks import STYLE
from embedding_designs.reporting.figures.text import text_width
from helpers.figure_examples import study_and_scores

FIRST, SECOND, THIRD = "\U0010ff00", "\U0010ff01", "\U0010ff02"
WIDTH = 500  # of 1000: how wide such a letter is


def square(pen):
    for place in (pen.moveTo, pen.lineTo):
        place((100, 0))
    for corner in ((400, 0), (400, 300), (100, 300)):
        pen.lineTo(corner)
    pen.closePath()
    return pen


def font_file(folder: Path, family: str, letters: str, blank: str = "", postscript: bool = False) -> Path:
    """Write a font of square letters, and of letters without an outline, as in color fonts."""
    names = {ord(letter): f"letter{index}" for index, letter in enumerate(letters + blank)}
    drawn, order = {names[ord(letter)] for letter in letters}, [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=not postscript)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    if postscript:
        pens = {name: T2CharStringPen(WIDTH, None) for name in order}
        shapes = {n: (square(pen) if n in drawn else pen).getCharString() for n, pen in pens.items()}
        builder.setupCFF(family.replace(" ", ""), {}, shapes, {})
    else:
        pens = {name: TTGlyphPen(None) for name in order}
        builder.setupGlyf({n: (square(pen) if n in drawn else pen).glyph() for n, pen in pens.items()})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (WIDTH, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    builder.setupOS2()
    builder.setupPost()
    path = folder / f"{family}.{'otf' if postscript else 'ttf'}"
    builder.save(path)
    return path


@pytest.fixture
def install(tmp_path):
    """Return a function that makes a font and installs it for one test."""
    listed = [*fontManager.ttflist]
    yield lambda *what, **how: fontManager.addfont(font_file(tmp_path, *what, **how))
    fontManager.ttflist[:] = listed
    fontManager._findfont_cached.cache_clear()


def test_names_in_the_default_font_change_no_setting():
    names = ["A", "multi-layer", "naïve", "модель", "μ-β", "نموذج", "a\u200db", "50 % <&>", ""]
    assert families_for(names) == ([STYLE["font.family"]], set())
    assert style_with(families_for(names)[0]) == STYLE | {"font.family": ["DejaVu Sans"]}


def test_letters_that_no_font_has_are_returned():
    assert families_for([f"a{FIRST}", "b"]) == (["DejaVu Sans"], {FIRST})


def test_a_missing_letter_is_taken_from_an_installed_font(install):
    install("Squares", FIRST)
    assert families_for([f"a{FIRST}", f"{SECOND}"]) == (["DejaVu Sans", "Squares"], {SECOND})


def test_the_fewest_fonts_are_taken_and_of_equals_the_same_one_always(install):
    for family, letters in (
        ("Zwei", SECOND),
        ("Beta", FIRST),
        ("Alpha Sans", FIRST),
        ("Both", FIRST + SECOND),
    ):
        install(family, letters)
    assert families_for([FIRST + SECOND]) == (["DejaVu Sans", "Both"], set())
    assert families_for([FIRST]) == (["DejaVu Sans", "Alpha Sans"], set())


def test_a_font_whose_letter_has_no_outline_is_not_taken(install):
    install("Colours", SECOND, blank=FIRST)
    assert families_for([FIRST]) == (["DejaVu Sans"], {FIRST})


def test_text_is_measured_in_the_font_that_draws_it(install):
    install("Squares", FIRST)
    with style_for([FIRST]):
        assert text_width(FIRST * 4, 10) == pytest.approx(4 * 10 * WIDTH / 1000, rel=0.1)  # without margins
        assert rcParams["font.family"] == ["DejaVu Sans", "Squares"]


def drawn(folder: Path, old: str, new: str) -> dict[str, bytes]:
    """Draw a study in which a part of each name is another; return the files."""
    _, scores = study_and_scores(n_tasks=3, seeds=(0,))
    scores["design"] = scores["design"].str.replace(old, new)
    draw.draw_study(compare.compare_study(scores, {"name": "drawn"}), scores, folder, 3.3)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_figure_draws_the_letters_without_a_note(install, tmp_path, capfd):
    install("Squares", FIRST)
    folder = tmp_path / "figures"
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = drawn(folder, "causal", FIRST)
    assert "note:" not in capfd.readouterr().err
    named = {
        name: content
        for name, content in files.items()
        if not name.startswith("interaction") and not name.endswith(".png")
    }
    assert len(named) == 14
    for name, content in named.items():
        assert b"Squares" in content, name
        assert b"LastResort" not in content, name
        assert b"/Subtype /Type3" not in content, name


def test_names_with_letters_that_no_font_has_are_noted_once(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(tmp_path, "eos", FIRST)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("note:")]
    assert r"boxes for letters in \U0010ff00-causal that no installed font has" in line


def test_a_font_of_postscript_outlines_is_held_in_a_pdf_as_shapes(install):
    install("Curves", FIRST, postscript=True)
    install("Squares", SECOND)
    assert style_with(["DejaVu Sans", "Curves"])["pdf.fonttype"] == 3
    assert style_with(["DejaVu Sans", "Squares"])["pdf.fonttype"] == 42


def test_of_a_file_of_several_fonts_the_one_that_draws_is_meant(install, tmp_path):
    several = TTCollection()
    files = [font_file(tmp_path, "Squares", FIRST), font_file(tmp_path, "Curves", SECOND, postscript=True)]
    several.fonts = [TTFont(file) for file in files]
    several.save(tmp_path / "several.ttc")
    fontManager.addfont(tmp_path / "several.ttc")
    for letter, family, kind in ((FIRST, "Squares", 42), (SECOND, "Curves", 3)):
        families, missing = families_for([letter])
        assert (families, missing) == (["DejaVu Sans", family], set())
        assert style_with(families)["pdf.fonttype"] == kind


@pytest.mark.parametrize("odd", ["$x_1$ %", "\\alpha{}#_", '<b>&amp;"', "]]>-->"])
def test_every_figure_with_odd_names_is_well_formed(tmp_path, odd):
    files = drawn(tmp_path, "-", odd)
    assert {
        ElementTree.fromstring(content).tag for name, content in files.items() if name.endswith("svg")
    } == {"{http://www.w3.org/2000/svg}svg"}
