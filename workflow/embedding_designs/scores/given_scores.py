"""Reads anybody's tables of scores: tidy or wide, in either orientation, in percent or not, in several files.

Everything that is inferred is said, and what cannot be inferred is asked for.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from math import ceil, log10
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..common.errors import BadInput
from ..common.names import NO_BASE
from ..common.wording import counted, few, shown
from ..study.benchmarks import categories_of_tasks
from .missing_scores import missing_cells
from .not_used import NotUsed, in_words, not_used
from .published.sources import NAMELESS, READ, filled, nameless, tidy
from .score_table import WHERE, checked, is_missing
from .text_tables import MODEL_COLUMNS, TASK_COLUMNS, as_texts, read_texts, with_index

SUMMARY = re.compile(  # name of what is not a task, such as "Avg." or "Mean (TaskType)" of MTEB's leaderboard
    r"(average|avg|mean|overall|rank)\W*(\([^)]*\))?", re.IGNORECASE
)
COMPUTED = "computed from the others"
LAYOUTS = {
    "tidy": "one row per score",
    "columns": "one row per model, one column per task",
    "rows": "one row per task, one column per model",
}
KEPT = {  # columns of a wide table that describe its rows
    "columns": ("base", "seed", "pooling", "attention"),
    "rows": ("category", "metric"),
}
NAMING = (*MODEL_COLUMNS, *TASK_COLUMNS)  # names of the column of a wide table that names its rows
MISSING = ("refuse", "drop_tasks", "drop_models")  # what to do if a score is missing
OTHER = "other"  # category of a task that has none and is not MTEB's


class Given(NamedTuple):
    """Rows of texts, with the columns model, seed, task, category, and score at least.

    said: what was inferred; not_used: what is not among the rows; unit: "design" if a table calls its models
    so, else "model".
    """

    rows: pd.DataFrame
    said: list[str]
    not_used: list[NotUsed]
    unit: str


def read_given(
    sources: Sequence[Path | pd.DataFrame],
    higher_is_better: bool = True,
    tasks_in: str | None = None,
    missing: str = "refuse",
    tasks: Collection[str] | None = None,
) -> Given:
    """Return the scores of CSV files or pandas tables together, from -1 to 1 and higher if better.

    higher_is_better: False for losses and error rates, which are negated; tasks_in: "rows" or "columns" of
    wide tables; None: inferred. missing: with "refuse", a missing score is an error; tasks: those that are
    compared; None: all. Raises BadInput that names the file, line, and cell of whatever is unusable.
    """
    if not sources:
        raise BadInput("scores: no tables; give one or more")
    parts, said, left, columns = [], [], [], set()
    for source in sources:
        table, name = texts_of(source)
        layout = layout_of(table, name, tasks_in)
        rows, unread, *_ = tidy(table, name) if layout == "tidy" else wide(table, name, layout)
        parts.append(rows)
        left += unread
        columns |= {str(column).lower() for column in table.columns}
        said.append(f"{name}: {LAYOUTS[layout]}")
    rows, summaries = without_summaries(pd.concat(parts, ignore_index=True).fillna(""))
    left += summaries
    if rows.empty:
        raise BadInput(f"{name}: no scores{why_not_more(left)}")
    check_names(rows, left)
    check_tasks(rows, tasks or (), name)
    rows, about_categories = with_known_categories(rows)
    rows, about_scale = on_unit_scale(rows, higher_is_better)
    typed = checked(rows)  # while each row still has the place that it comes from
    if missing == "drop_models" and "base" in rows:
        raise BadInput(f"{name}: --missing drop_models is not for tables with a column base; use drop_tasks")
    if missing == "refuse":
        check_complete(typed if tasks is None else typed[typed["task"].isin(tasks)], name)
    unit = "design" if "design" in columns else "model"
    return Given(rows, [*said, *about_categories, *about_scale], left, unit)


def texts_of(source: Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return a CSV file or a pandas table as texts, and its name in messages."""
    if isinstance(source, pd.DataFrame):
        return as_texts(with_index(source, "scores"), "scores"), "scores"
    return read_texts(source), str(source)


def check_complete(rows: pd.DataFrame, source: str) -> None:
    """Raise BadInput that names missing scores and the ways to leave something out.

    source: what the error calls the table.
    """
    named = {"base": rows.get("base", NO_BASE), "design": rows["model"]}
    lacking: dict[str, list[str]] = {}
    for _, model, _, task in missing_cells(rows.assign(**named), {}):
        lacking.setdefault(model, []).append(task)
    if not lacking:
        return
    count = counted(sum(map(len, lacking.values())), "score")
    cells = few([f"{model} on {few(tasks, 2)}" for model, tasks in lacking.items()], separator="; ")
    raise BadInput(
        f"{source}: {count} missing: {cells}; add them, or leave out these tasks (--missing drop_tasks) or"
        " these models (--missing drop_models); in Python, missing=…"
    )


def layout_of(table: pd.DataFrame, name: str, tasks_in: str | None) -> str:
    """Return the layout of a table, one of LAYOUTS; BadInput if it cannot be inferred."""
    if {"task", "score"} <= set(table) and set(MODEL_COLUMNS) & set(table):
        return "tidy"
    if tasks_in:
        return tasks_in
    if table.empty:
        raise BadInput(f"{name}: no scores")
    corner, tasks = corner_of(table), categories_of_tasks().keys()
    if corner.lower() in NAMING:
        return "columns" if corner.lower() in MODEL_COLUMNS else "rows"
    in_header, in_rows = (tasks & set(names) for names in (table.columns, table[corner]))
    if bool(in_header) == bool(in_rows):
        first = f"column {shown(corner)}" if corner else "the first column, without a name,"
        raise BadInput(
            f"{name}: {first} does not say whether its rows are models or tasks; call it model or task, or"
            " use --tasks-in rows or --tasks-in columns (in Python, tasks_in=…)"
        )
    return "columns" if in_header else "rows"


def corner_of(table: pd.DataFrame) -> str:
    """Return the column of a wide table that names its rows: the one that is called so, else the first."""
    first, *others = table.columns
    called = (column for column in others if column.lower() in NAMING and not has_numbers(table[column]))
    return first if first.lower() in NAMING else next(called, first)


def wide(table: pd.DataFrame, name: str, layout: str) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return the rows of a wide table, and the report on what is not a score."""
    first = corner_of(table)
    if first.lower() not in NAMING and table[first].map(is_number).all():
        raise BadInput(
            f"{name}: the first column, {shown(first)}, has only numbers; add a column called model or task "
            "that names the rows"
        )
    unnamed = nameless(table) if first else []
    others = [column for column in table if column not in ("", first)]
    in_rows, in_columns = ("model", "task") if layout == "columns" else ("task", "model")
    kept = [column for column in others if column in KEPT[layout]]
    texts = [column for column in others if column not in kept and not has_numbers(table[column])]
    scores = [column for column in others if column not in (*kept, *texts)]
    named = (
        table[[first, *kept, *scores]]
        .rename(columns={first: in_rows})
        .assign(**{WHERE: [f"{name}:{line}" for line in table.index]})
    )
    rows = named.melt([in_rows, *kept, WHERE], scores, var_name=in_columns, value_name="score")
    left = not_used("column", unnamed, NAMELESS) + not_used("column", texts, "no numbers in it")
    return rows.assign(seed=rows.get("seed", "0")), left


def without_summaries(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return the rows without tasks that are means of the others; a model can be called mean."""
    is_summary = rows["task"].map(lambda task: bool(SUMMARY.fullmatch(task))).astype(bool)
    names = list(rows.loc[is_summary, "task"].unique())
    return rows[~is_summary].reset_index(drop=True), not_used("task", names, COMPUTED)


def has_numbers(column: pd.Series) -> bool:
    """Return whether any cell of a column is a number."""
    return bool(column.map(is_number).any())


def is_number(text: str) -> bool:
    """Return whether a cell is a number."""
    return not is_missing(text) and pd.notna(pd.to_numeric(text, errors="coerce"))


def why_not_more(left: Sequence[NotUsed]) -> str:
    """Return what was not used, as the end of an error message about too few names."""
    return "".join(f"; {in_words(entry)}" for entry in left)


def check_names(rows: pd.DataFrame, left: Sequence[NotUsed]) -> None:
    """Raise BadInput if a name has two spellings, or if there is only one model or one task."""
    for column in ("model", "task"):
        if problem := next(two_spellings(rows, column), None):
            raise BadInput(problem)
        if (number := rows[column].nunique()) < 2:
            place = rows[WHERE].iloc[0].rpartition(":")[0]
            needed = f"a comparison needs two or more {column}s"
            raise BadInput(f"{place}: {counted(number, column)}; {needed}{why_not_more(left)}")


def check_tasks(rows: pd.DataFrame, tasks: Collection[str], name: str) -> None:
    """Raise BadInput if a task that is to be compared has no scores."""
    known = set(rows["task"])
    if absent := [task for task in tasks if task not in known]:
        raise BadInput(f"{name}: no scores on {few(absent)}; all tasks of the benchmark are needed")


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
