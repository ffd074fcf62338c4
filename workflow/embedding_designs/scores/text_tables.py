"""Reads a CSV file or a pandas table as a table of texts, and checks the names in it."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..common.csv_files import csv_rows
from ..common.errors import BadInput
from ..common.wording import shown

MODEL_COLUMNS = ("model", "model_name", "design")  # the first one present in a table names the models
TASK_COLUMNS = ("task", "task_name", "dataset")  # in the corner of a wide table: its rows are tasks
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # control characters, lone surrogates, line and paragraph separators
OTHER_AXIS = {  # name of the columns -> what the rows are
    **dict.fromkeys(MODEL_COLUMNS, "task"),
    **dict.fromkeys(TASK_COLUMNS, "model"),
}
LONGEST_SHOWN = 200  # characters of a name that appears in figures and tables
LONGEST_FILE_NAME = 100  # bytes of a name that becomes part of file names; a file system allows 255


def read_texts(path: Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a CSV file as texts, indexed by line number.

    Texts are stripped and normalized (NFC), so that names that look the same are the same. A table without
    rows has the columns `needed`. Raises BadInput that names the file and a missing column.
    """
    lines = list(csv_rows(Path(path)))
    texts = [{column: _plain(text) for column, text in row.items()} for _, row in lines]
    columns = list(texts[0]) if texts else list(needed)
    for column in needed:
        if column not in columns:
            raise BadInput(f"{path}: column {column} is missing; required: {', '.join(needed)}")
    return pd.DataFrame(texts, columns=columns, index=[line for line, _ in lines], dtype=str)


def as_texts(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the cells of a pandas table as `read_texts` would; a missing value is an empty text.

    The index is "row 0", "row 1", …; name: the table's name in the BadInput raised for a repeated column.
    """
    columns = [_plain(str(column)) for column in table.columns]
    for column in columns:
        if columns.count(column) > 1:
            raise BadInput(f"{name}: column {shown(column)} appears twice")
    cells = [
        [_plain(str(cell)) if known else "" for cell, known in zip(row, present, strict=True)]
        for row, present in zip(table.to_numpy(object), table.notna().to_numpy(), strict=True)
    ]
    return pd.DataFrame(cells, [f"row {row}" for row in range(len(cells))], columns, dtype=str)


def with_index(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a pandas table with its index as its first columns, unless the index only numbers the rows.

    An index without a name holds tasks if the columns are named after models, and models if they are named
    after tasks; its column is otherwise without a name. name: the table's name in the BadInput raised for
    columns with several levels.
    """
    if table.columns.nlevels > 1:
        raise BadInput(f"{name}: its columns have {table.columns.nlevels} levels; a table of scores has one")
    index = table.index
    if index.names == [None]:
        if pd.api.types.is_numeric_dtype(index):
            return table
        index = index.rename(OTHER_AXIS.get(str(table.columns.name).lower(), ""))
    beside = index.to_frame(index=False)
    return pd.concat([beside, table.rename_axis(columns=None).reset_index(drop=True)], axis="columns")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def why_not_shown(text: str) -> str | None:
    """Return why a text cannot be a name in figures and tables, or None if it can."""
    if any(unicodedata.category(character) in CONTROL for character in text):
        return "contains a line break or control character"
    if len(text) > LONGEST_SHOWN:
        return f"has {len(text)} characters; at most {LONGEST_SHOWN} are allowed"
    return None


def why_no_file_name(text: str) -> str | None:
    """Return why a text cannot be part of a file name, or None if it can."""
    if "/" in text:
        return "contains a slash, but is part of file names"
    if text in (".", ".."):
        return "cannot be part of a file name"
    if len(text.encode(errors="replace")) > LONGEST_FILE_NAME:
        return f"is longer than {LONGEST_FILE_NAME} bytes, but is part of file names"
    return None
