"""Reads anybody's tables of scores: tidy or wide, in either orientation, in percent or not, in several files.

Everything that is inferred is said, and what cannot be inferred is asked for.
"""

from collections.abc import Iterator, Sequence
from math import ceil, log10
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..common.errors import BadInput
from ..common.wording import counted, few, shown
from ..study.benchmarks import categories_of_tasks
from .not_used import NotUsed, in_words, not_used
from .published.sources import MODEL_COLUMNS, READ, filled, tidy
from .score_table import WHERE, checked, is_missing
from .text_tables import read_texts

TASK_COLUMNS = ("task", "task_name", "dataset")  # in the corner of a wide table: its rows are tasks
SUMMARIES = ("average", "avg", "mean", "overall", "rank")  # columns that are computed from the others
LAYOUTS = {
    "tidy": "one row per score",
    "columns": "one row per model, one column per task",
    "rows": "one row per task, one column per model",
}
OTHER = "other"  # category of a task that has none and is not MTEB's


class Given(NamedTuple):
    """Rows of texts, with the columns model, seed, task, category, and score at least; what was inferred."""

    rows: pd.DataFrame
    said: list[str]


def read_given(paths: Sequence[Path], higher_is_better: bool = True, tasks_in: str | None = None) -> Given:
    """Return the scores of CSV files together, from -1 to 1 and higher if better.

    higher_is_better: False for losses and error rates, which are negated; tasks_in: "rows" or "columns" of
    wide tables; None: inferred. Raises BadInput that names the file, line, and cell of whatever is unusable.
    """
    parts, said = [], []
    for path in paths:
        table = read_texts(path)
        layout = layout_of(table, path, tasks_in)
        rows, left = tidy(table, path)[:2] if layout == "tidy" else wide(table, path, layout)
        parts.append(rows)
        said += [f"{path}: {LAYOUTS[layout]}", *map(in_words, left)]
    rows = pd.concat(parts, ignore_index=True).fillna("")
    check_names(rows)
    rows, about_categories = with_known_categories(rows)
    rows, about_scale = on_unit_scale(rows, higher_is_better)
    checked(rows)  # while each row still has the place that it comes from
    return Given(rows, [*said, *about_categories, *about_scale])


def layout_of(table: pd.DataFrame, path: Path, tasks_in: str | None) -> str:
    """Return the layout of a table, one of LAYOUTS; BadInput if it cannot be inferred."""
    if {"task", "score"} <= set(table) and set(MODEL_COLUMNS) & set(table):
        return "tidy"
    if tasks_in:
        return tasks_in
    if table.empty:
        raise BadInput(f"{path}: no scores")
    corner, tasks = str(table.columns[0]).lower(), categories_of_tasks().keys()
    if corner in (*MODEL_COLUMNS, *TASK_COLUMNS):
        return "columns" if corner in MODEL_COLUMNS else "rows"
    in_header, in_rows = (tasks & set(names) for names in (table.columns, table.iloc[:, 0]))
    if bool(in_header) == bool(in_rows):
        raise BadInput(
            f"{path}: column {shown(str(table.columns[0]))} does not say whether its rows are models or"
            " tasks; call it model or task, or use --tasks-in rows or --tasks-in columns"
        )
    return "columns" if in_header else "rows"


def wide(table: pd.DataFrame, path: Path, layout: str) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return the rows of a wide table, and the report on columns that are not scores."""
    first, *others = table.columns
    in_rows, in_columns = ("model", "task") if layout == "columns" else ("task", "model")
    kept = [column for column in others if column == "category" and layout == "rows"]
    texts = [column for column in others if column not in kept and not table[column].map(is_number).any()]
    summaries = [column for column in others if column.lower() in SUMMARIES and column not in texts]
    scores = [column for column in others if column not in (*kept, *texts, *summaries)]
    named = table.rename(columns={first: in_rows}).assign(
        **{WHERE: [f"{path}:{line}" for line in table.index]}
    )
    rows = named.melt([in_rows, *kept, WHERE], scores, var_name=in_columns, value_name="score")
    left = not_used("column", texts, "no numbers in it")
    return rows.assign(seed="0"), left + not_used("column", summaries, "computed from the others")


def is_number(text: str) -> bool:
    """Return whether a cell is a number."""
    return not is_missing(text) and pd.notna(pd.to_numeric(text, errors="coerce"))


def check_names(rows: pd.DataFrame) -> None:
    """Raise BadInput if a name has two spellings, or if there is only one model or one task."""
    for column in ("model", "task"):
        if problem := next(two_spellings(rows, column), None):
            raise BadInput(problem)
        if (number := rows[column].nunique()) < 2:
            place = rows[WHERE].iloc[0].rpartition(":")[0]
            raise BadInput(f"{place}: {counted(number, column)}; a comparison needs two or more {column}s")


def two_spellings(rows: pd.DataFrame, column: str) -> Iterator[str]:
    """Yield a message for each pair of names that differ only in case, spaces, hyphens, and underscores."""
    seen: dict[str, str] = {}
    for name in rows[column].unique():
        plain = name.casefold().translate(str.maketrans("", "", " -_"))
        if (other := seen.setdefault(plain, name)) != name:
            place = rows.loc[rows[column] == name, WHERE].iloc[0]
            yield f"{place}: {column} {shown(name)} is spelled {shown(other)} elsewhere; use one spelling"


def with_known_categories(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with a category each: their own, MTEB's, or OTHER; and which tasks are in OTHER."""
    own = filled(rows.assign(category=rows.get("category", "")), ["task"], "category")["category"]
    known = rows["task"].map(categories_of_tasks()).fillna(OTHER)
    unknown = list(rows.loc[(own == "") & (known == OTHER), "task"].unique())
    said = [f"no category is known for {few(unknown)}: category {OTHER}"] if unknown else []
    return rows.assign(category=own.where(own != "", known)), said


def on_unit_scale(rows: pd.DataFrame, higher_is_better: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with scores from -1 to 1, higher if better, and how they were converted.

    Scores in percent are divided by 100; losses, which have no scale of their own, by a power of ten. Texts
    that are not numbers remain, and are refused with their line when the table is checked.
    """
    numbers = pd.to_numeric(rows["score"], errors="coerce")
    largest = numbers.abs().max()
    divisor, said = 1, []
    if largest > 1 and not higher_is_better:
        divisor = 10 ** ceil(log10(largest))
        said = [f"losses up to {largest:g}: divided by {divisor:,}"]
    elif 1 < largest <= 100:
        check_all_in_percent(rows, numbers)
        divisor, said = 100, [f"scores up to {largest:g}: taken as percent, and divided by 100"]
        small = rows[(numbers != 0) & (numbers.abs() <= 1)]
        cells = [f"{row.model} on {row.task} ({row.score})" for row in small.itertuples()]
        said += [f"taken as percent, although at most 1: {few(cells)}"] if cells else []
    if not higher_is_better:
        said.append("lower is better: scores are shown with the opposite sign")
    converted = numbers / (divisor if higher_is_better else -divisor)
    texts = converted.round(12).map(repr).where(numbers.notna(), rows["score"])
    return rows.assign(score=texts), said


def check_all_in_percent(rows: pd.DataFrame, numbers: pd.Series) -> None:
    """Raise BadInput if all scores of a model or task are at most 1, and those of others are in percent."""
    for column in ("model", "task"):
        largest = numbers.abs().groupby(rows[column], sort=False).max()
        if len(small := largest[largest <= 1]):
            place = rows.loc[rows[column] == small.index[0], WHERE].iloc[0]
            raise BadInput(
                f"{place}: {column} {small.index[0]} has scores up to {small.iloc[0]:g}, and"
                f" {largest.idxmax()} up to {largest.max():g}: percent and scores up to 1; use one scale"
            )


def given_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns of the rows that a tidy table can have, in order."""
    return [column for column in READ if column in rows]
