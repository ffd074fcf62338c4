"""Reads existing scores from a wide table, a folder of MTEB results, or a tidy table with seeds.

Each reader returns rows of texts with the columns model, seed, task, score, and WHERE (the row's location); a
table can add base, category, metric, pooling, and attention. A missing score is an empty text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ...common.errors import BadInput
from ...common.near_names import nearest
from ...common.places import found as found_file
from ...common.wording import few
from ..not_used import NotUsed, not_used
from ..score_table import WHERE, checked
from ..text_tables import MODEL_COLUMNS, read_texts
from .mteb_results import read_mteb_results
from .tasks import selected_tasks, task_category

READ = ["base", "model", "pooling", "attention", "seed", "task", "category", "metric", "score"]
NAMELESS = "no name in the header"
CURES = {  # for a task that is not MTEB's
    "table": 'add a column "category"',
    "published": "list the columns that are tasks in scores.tasks, or use from: table with categories",
}


class Found(NamedTuple):
    """Rows of scores, the report on what was not used, and the revision of each model."""

    rows: pd.DataFrame
    not_used: list[NotUsed]
    revisions: dict[str, str]


def read_source(source: Mapping[str, Any], models: Sequence[str] = ()) -> tuple[Found, list[str]]:
    """Return the checked scores of a study's source, and the tasks to compare.

    source: the study's `scores`. models: the names that its pools list. Raises BadInput that names the file,
    and in a table the line, of whatever is unusable.
    """
    path = found_file(source["path"])
    match source["from"]:
        case "published":
            found = read_wide(path)
        case "table":
            found = read_table(path)
        case _:
            found = Found(*read_mteb_results(path, source["benchmark"], source["tasks"], models))
    if source["benchmark"]:
        tasks: dict[str, str | None] = {**selected_tasks(source["benchmark"], source["tasks"])}
    else:
        tasks = dict.fromkeys(source["tasks"] or found.rows["task"])
    check_tasks(path, found.rows["task"].unique(), tasks, source)
    rows, others = found.rows, [task for task in found.rows["task"].unique() if task not in tasks]
    models = rows["model"].unique()
    rows = rows[rows["task"].isin(tasks)].reset_index(drop=True)
    unscored = [model for model in models if model not in set(rows["model"])]
    for column in ("pooling", "attention"):
        if column in rows:
            rows = filled(rows, [name for name in ("base", "model") if name in rows], column)
    rows = checked(with_categories(rows, tasks, CURES.get(source["from"], "")))
    left = not_used("task", others, _why_not(source))
    left += not_used("model", unscored, "no score on the selected tasks")
    return Found(rows, found.not_used + left, found.revisions), list(tasks)


def _why_not(source: Mapping[str, Any]) -> str:
    return "not among the selected tasks" if source["tasks"] else f"not in {source['benchmark']}"


def read_wide(path: Path) -> Found:
    """Return the scores of a CSV with one row per model and one column per task."""
    table, left = _with_models(read_texts(path), path)
    if len(repeated := table.index[table["model"].duplicated()]):
        raise BadInput(f"{path}:{repeated[0]}: model {table.at[repeated[0], 'model']} has more than one row")
    tasks = [column for column in table if column not in ("model", WHERE)]
    rows = table.melt(id_vars=["model", WHERE], value_vars=tasks, var_name="task", value_name="score")
    return Found(rows.assign(seed="0"), left, {})


def read_table(path: Path) -> Found:
    """Return the scores of a tidy CSV: model or design, task, score; maybe base, seed, category, labels."""
    return tidy(read_texts(path), path)


def tidy(table: pd.DataFrame, path: str | Path) -> Found:
    """Return the scores of a tidy table of texts. path: the table's name in error messages."""
    table, left = _with_models(table, path)
    for column in ("task", "score"):
        if column not in table:
            raise BadInput(f"{path}: column {column} is missing; required: model or design, task, score")
    others = [column for column in table if column not in (*READ, WHERE)]
    left += not_used("column", others, f"only these are read: {', '.join(READ)}")
    rows = table[[column for column in table if column not in others]]
    return Found(rows.assign(seed=rows.get("seed", "0")).reset_index(drop=True), left, {})


def _with_models(table: pd.DataFrame, path: str | Path) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return a table with the models in column `model`, and the report on columns without a name."""
    if table.empty:
        raise BadInput(f"{path}: no scores")
    names = [column for column in MODEL_COLUMNS if column in table]
    if not names:
        raise BadInput(f"{path}: no column names the models; expected one of {', '.join(MODEL_COLUMNS)}")
    unnamed = nameless(table)
    table = table.drop(columns="", errors="ignore").rename(columns={names[0]: "model"})
    places = [f"{path}:{line}" for line in table.index]
    return table.assign(**{WHERE: places}), not_used("column", unnamed, NAMELESS)


def nameless(table: pd.DataFrame) -> list[str]:
    """Return the columns without a name, as "column 2"."""
    return [f"column {place + 1}" for place, name in enumerate(table) if not name]


def with_categories(rows: pd.DataFrame, tasks: Mapping[str, str | None], cure: str) -> pd.DataFrame:
    """Return the rows with category and metric: the row's own, else from rows of its task, else MTEB's.

    cure: the remedy given in the error for a task that has no category and is not MTEB's.
    """
    rows = filled(rows.assign(category=rows.get("category", ""), metric=rows.get("metric", "main_score")),
                  ["task"], "category")  # fmt: skip
    lacking = rows[rows["category"] == ""].drop_duplicates("task")
    known = {}
    for task, place in zip(lacking["task"], lacking[WHERE], strict=True):
        try:
            known[task] = tasks[task] or (task and task_category(task))
        except BadInput as error:
            raise BadInput(f"{place}: {error}; {cure}") from None
    own = rows["category"]
    return rows.assign(category=own.where(own != "", rows["task"].map(known)))


def filled(rows: pd.DataFrame, names: Sequence[str], column: str) -> pd.DataFrame:
    """Return the rows with empty texts in a column filled in from rows with the same values in `names`."""
    given = rows[rows[column] != ""].drop_duplicates(names)
    texts = given.set_index(list(names))[column].to_dict()
    keys = rows[names[0]] if len(names) == 1 else zip(*(rows[name] for name in names), strict=True)
    return rows.assign(**{column: [
        text or texts.get(key, "") for text, key in zip(rows[column], keys, strict=True)
    ]})  # fmt: skip


def check_tasks(
    path: Path, known: Sequence[str], tasks: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    """Raise BadInput if the source lacks a task that is to be compared."""
    if absent := [task for task in tasks if task not in known]:
        where = f"all tasks of {source['benchmark']} are needed"
        others = "choose others in scores.tasks" if source["tasks"] else where
        hint = nearest(absent[0], known) if len(absent) == 1 else others
        raise BadInput(f"{path}: no scores on {few(absent)}; {hint}")
