"""What was not used is counted and named with a reason, briefly enough for a console and a page."""

import pytest

from embedding_designs.scores.not_used import KEPT, SHOWN, in_words, not_used, note_all


def test_there_is_no_entry_if_everything_is_used():
    assert not_used("model", [], "in no pool") == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a"], "1 model not used: a (in no pool)"),
        (["a", "b"], "2 models not used: a, b (in no pool)"),
        ([*"abcdefg"], "7 models not used: a, b, c, d, e, and 2 more (in no pool)"),
    ],
)
def test_an_entry_names_the_first_and_counts_all(names, words):
    (entry,) = not_used("model", names, "in no pool")
    assert in_words(entry) == words
    assert entry.names == names


def test_only_the_first_of_many_names_are_recorded_but_all_are_counted():
    (entry,) = not_used("result file", [f"{number}.json" for number in range(10 * KEPT)], "x")
    assert (entry.count, len(entry.names)) == (10 * KEPT, KEPT)


def test_the_console_shows_a_limited_number_of_lines(capsys):
    note_all([entry for number in range(SHOWN + 3) for entry in not_used("model", [str(number)], "x")])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == SHOWN + 1
    assert lines[0] == "note: 1 model not used: 0 (x)"
    assert lines[-1] == "note: 3 more lines on what was not used are on the findings page"
