"""How names are measured, shortened, and placed next to a number."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedding_designs.reporting.figures.text import left_to_right, letters, shortened, text_width, wrapped

SIZE = 7
PIECES = [
    "A",
    "i",
    "W",
    "m",
    "9",
    "-",
    "…",
    "é",
    "e\u0301",
    "Ж",
    "ש",
    "م",
    "x\u200dy",
    "\u200b",
    "\u202e",
    "$",
]
NAMES = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), unique=True, max_size=8)


@settings(max_examples=500, deadline=None)
@given(NAMES, st.floats(0, 90))
@example(["abc…f", "abcdef", "abcxef"], 20.0)
@example(["A" * 200, "A" * 201, "A" * 199], 30.0)
def test_different_names_stay_different_and_an_ellipsis_only_ever_saves_room(names, width):
    short = shortened(names, SIZE, width)
    assert len(set(short)) == len(names) == len(short)
    for name, shown in zip(names, short, strict=True):
        if shown != name:
            assert text_width(name, SIZE) > width
            assert text_width(shown, SIZE) < text_width(name, SIZE)
            assert len(letters(shown)) < len(letters(name))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("width", [0, 1, 5, 12, 100])
def test_a_name_of_one_or_two_letters_is_never_cut(width):
    names = ["", "A", "m9", "e5", "WW", "é\u0301", "👩\u200d🔬", "🇩🇪🇫🇷"]
    assert shortened(names, SIZE, width) == names


def test_a_name_without_room_for_an_ellipsis_stays_as_it_is():
    assert shortened(["iiii"], SIZE, 0.9 * text_width("iiii", SIZE)) == ["iiii"]  # an ellipsis is wider


def test_a_cut_leaves_room_unused_only_for_less_than_two_letters():
    name = "m" * 40
    (short,) = shortened([name], SIZE, 100)
    kept, letter = short.count("m"), text_width("mm", SIZE) - text_width("m", SIZE)
    assert short == "m" * (kept - kept // 2) + "…" + "m" * (kept // 2)
    assert text_width(short, SIZE) <= 100 < text_width(short, SIZE) + letter


def test_names_that_differ_twice_show_each_difference():
    names = [
        f"{20 * 'long'}-{kind}-{20 * 'name'}-{number}-{20 * 'tail'}"
        for kind in ("mean", "eos")
        for number in (1, 2)
    ]
    short = shortened(names, SIZE, 80)
    assert len(set(short)) == 4
    assert max(text_width(shown, SIZE) for shown in short) <= 80


# Unicode Standard Annex 29, table 1b and rules GB9 to GB13.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model", ["m", "o", "d", "e", "l"]),
        ("e\u0301e", ["e\u0301", "e"]),
        ("👨\u200d👩\u200d👧x", ["👨\u200d👩\u200d👧", "x"]),
        ("👍\U0001f3fd👍", ["👍\U0001f3fd", "👍"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("❤\ufe0fa", ["❤\ufe0f", "a"]),
        ("हि", ["हि"]),
        ("", []),
    ],
)
def test_a_letter_is_what_a_reader_sees_as_one(text, expected):
    assert letters(text) == expected


@pytest.mark.filterwarnings("ignore:Glyph")
def test_shortening_never_splits_a_letter():
    family = "👨\u200d👩\u200d👧"
    (short,) = shortened([family * 9], SIZE, 40)
    assert set(letters(short)) == {family, "…"}


@settings(max_examples=200, deadline=None)
@given(st.text("aW -é", max_size=60), st.floats(20, 90))
def test_no_line_is_wider_than_its_page(text, width):
    assert all(text_width(line, SIZE) <= width for line in wrapped(text, SIZE, width))


def test_a_right_to_left_name_keeps_its_rank_on_the_same_side():
    assert left_to_right("model-2") == "model-2"
    assert left_to_right("מודל 2") == "\u200eמודל 2\u200e"
    assert text_width(left_to_right("מודל 2"), SIZE) == pytest.approx(text_width("מודל 2", SIZE))
