"""Any bytes are either rows, each complete, or one line that names the file."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_designs.common.csv_files import csv_rows
from embedding_designs.common.errors import BadInput


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; expected a CSV file whose first line names the columns"),
        (b"a,b,a\n1,2,3\n", ':1: column "a" appears twice'),
        (b"a,b\n1,2\n\n3\n", ":4: 1 fields, but the header has 2 columns"),
        (b"a,b\n1,\xff\n", ":2: not UTF-8: invalid start byte at byte 2"),
        (b'a,b\n1,"2\n', ":2: not CSV: unexpected end of data"),
        (b"a;b\n1;2\n", ':1: only one column, "a;b"; separate columns with commas'),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(tmp_path, content, message):
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    with pytest.raises(BadInput) as error:
        list(csv_rows(file))
    assert str(error.value).startswith(f"{file}")
    assert message in str(error.value)


def test_rows_come_with_the_line_that_they_begin_at(tmp_path):
    file = tmp_path / "mine.csv.gz"
    text = 'a , b\n\n"two\nlines",2\n,\n' + "x" * 200_000 + ",3\n"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    assert list(csv_rows(file)) == [
        (3, {"a": "two\nlines", "b": "2"}),
        (6, {"a": "x" * 200_000, "b": "3"}),
    ]


def test_empty_fields_at_the_end_of_lines_are_no_columns(tmp_path):
    """As spreadsheets write them where more columns were once in use."""
    file = tmp_path / "mine.csv"
    file.write_text("a,b,,\n1,,,\n2,3, ,\n")
    assert list(csv_rows(file)) == [(2, {"a": "1", "b": ""}), (3, {"a": "2", "b": "3"})]
    file.write_text("a,b,,\n1,2,,3\n")
    with pytest.raises(BadInput, match=r"mine\.csv:2: 4 fields, but the header has 2 columns"):
        list(csv_rows(file))


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='ab,"\n\r\0;é', max_size=60).map(str.encode)))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_complete_rows_or_one_line(content):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mine.csv"
        file.write_bytes(content)
        try:
            rows = [row for _, row in csv_rows(file)]
        except BadInput as error:
            assert str(error).startswith(str(file))
            assert "\n" not in str(error)
        else:
            assert len({tuple(row) for row in rows}) <= 1
            assert all(any(text.strip() for text in row.values()) for row in rows)
