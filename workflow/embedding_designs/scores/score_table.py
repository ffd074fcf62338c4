"""Reads and checks the table of scores, with one row per cell."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.errors import BadInput
from ..common.wording import shown
from .text_tables import read_texts, why_no_file_name, why_not_shown

COLUMNS = ["base", "design", "pooling", "attention", "seed", "task", "category", "metric", "score"]
BASELINE_COLUMNS = ["base", "baseline", "task", "category", "metric", "score"]
NAMES = ["base", "model", "design", "baseline", "task", "category"]  # columns that must not be empty
SHOWN = [*NAMES, "pooling", "attention", "metric"]  # columns that appear in figures and tables
FILE_NAMES = ["base", "category"]  # columns that become part of file names
IDENTITY = ["base", "model", "design", "baseline", "seed", "task"]  # those present in a table identify a cell
WHERE = "file:line"  # column with a row's location: its file and, in a table, its line
MISSING = {"", "nan", "na", "n/a", "#n/a", "<na>", "null", "none"}  # lowercase: a missing score
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
LARGEST_SEED = 2**32 - 1


def read_scores(path: str | Path) -> pd.DataFrame:
    """Return the table of scores: one row per base, design, seed, and task, with NaN for a missing score.

    Raises BadInput that names the file and line of whatever is unusable.
    """
    scores = read_table(Path(path), COLUMNS)
    if scores.empty:
        raise BadInput(f"{path}: no scores")
    return scores


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the checked rows of a table with these columns."""
    texts = read_texts(path, columns)
    rows = texts[list(columns)].assign(**{WHERE: [f"{path}:{line}" for line in texts.index]})
    return checked(rows.reset_index(drop=True))[list(columns)]


def checked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of texts with seeds as integers and scores as numbers, NaN if missing.

    rows: with each row's location in the column WHERE. Raises BadInput that names the location of an empty or
    unusable name, an invalid seed or score, or rows that contradict each other.
    """
    for problem in _unusable(rows):
        raise BadInput(problem)
    scores = [math.nan if is_missing(text) else float(text) for text in rows["score"]]
    typed = rows.assign(score=pd.Series(scores, rows.index, dtype=float))
    if "seed" in rows:
        typed["seed"] = [int(seed) for seed in rows["seed"]]
    check_consistent(typed)
    return typed


def is_missing(text: str) -> bool:
    """Return whether a cell means a missing score."""
    return text.strip().lower() in MISSING


def why_no_score(text: str) -> str | None:
    """Return why a text is not a score, or None if it is one."""
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if -1 <= value <= 1:
        return None
    percent = "; divide scores in percent by 100" if 1 < value <= 100 else ""
    return f"is not a number from -1 to 1{percent}"


def _unusable(rows: pd.DataFrame) -> Iterator[str]:
    """Yield a message for each cell that is unusable, regardless of the other rows."""
    for column in filter(rows.__contains__, SHOWN):
        for text in rows[column].unique():
            if reason := _why_no_name(column, text):
                yield f"{_first_place(rows, column, text)}: {column} {reason}"
    for place, seed in zip(rows[WHERE], rows.get("seed", ()), strict=False):
        if not re.fullmatch("[0-9]{1,10}", seed) or int(seed) > LARGEST_SEED:
            yield f"{place}: seed {shown(seed)} is not an integer from 0 to {LARGEST_SEED}"
    for row, text in rows["score"].items():
        if not is_missing(text) and (reason := why_no_score(text)):
            yield f"{rows.at[row, WHERE]}: {_cell(rows, row)}: score {shown(text)} {reason}"


def _why_no_name(column: str, text: str) -> str | None:
    if column in NAMES and not text:
        return "is empty"
    reason = why_not_shown(text) or (column in FILE_NAMES and why_no_file_name(text))
    if column == "category" and text == "All":
        reason = "is reserved for all tasks together; choose another name"
    return f"{shown(text)} {reason}" if reason else None


def check_consistent(rows: pd.DataFrame) -> None:
    """Raise BadInput if rows contradict each other; rows: with their locations, and seeds as integers."""
    for problem in _contradictions(rows):
        raise BadInput(problem)


def _contradictions(rows: pd.DataFrame) -> Iterator[str]:
    for row in rows.index[rows.duplicated([column for column in IDENTITY if column in rows])]:
        yield f"{rows.at[row, WHERE]}: a second score for {_cell(rows, row)}"
    for column in filter(rows.__contains__, FILE_NAMES):
        seen: dict[str, str] = {}
        for text in rows[column].unique():
            if (other := seen.setdefault(text.casefold(), text)) != text:
                alike = f"{column} {shown(text)} and {shown(other)} differ only in case"
                yield f"{_first_place(rows, column, text)}: {alike}, but are part of file names"
    yield from _changing(rows, ["task"], "category")
    for column in ("pooling", "attention"):
        if column in rows:
            yield from _changing(rows, [name for name in ("base", "model", "design") if name in rows], column)


def _changing(rows: pd.DataFrame, names: Sequence[str], column: str) -> Iterator[str]:
    """Yield a message for each task or design with more than one value in a column that describes it."""
    for _, own in rows.drop_duplicates([*names, column]).groupby(list(names), sort=False):
        if len(own) > 1:
            named = named_cell({name: own[name].iloc[1] for name in names})
            first, second = (shown(text) for text in own[column].iloc[:2])
            yield f"{own[WHERE].iloc[1]}: {named} has the {column} {second}, but {first} in an earlier row"


def _first_place(rows: pd.DataFrame, column: str, text: str) -> str:
    return rows.at[rows.index[rows[column] == text][0], WHERE]


def _cell(rows: pd.DataFrame, row: Any) -> str:
    return named_cell({column: rows.at[row, column] for column in IDENTITY if column in rows})


def named_cell(values: Mapping[str, Any]) -> str:
    """Return a cell in words: "base mini, design eos, seed 1, task STS12"."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
