"""Reads scores that others made: a wide table, a folder of MTEB results, or a tidy table with seeds.

Each reader returns tidy rows with the columns model, seed, task, category, metric, score; a table may also
bring base, pooling and attention. A cell without a score has no row.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..command import BadInput
from ..places import found
from .mteb_results import read_mteb_results
from .tasks import few, nearest, selected_tasks, task_categories

MODEL_COLUMNS = ("model", "model_name", "design")  # the first of them that a table has names the models
CELL = ["base", "model", "seed", "task"]


def read_source(source: Mapping[str, Any], models: Sequence[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a study's source of scores, and the tasks that shall be compared.

    source: the study's `scores`. models: where not empty, hub names; only these are read from MTEB results.
    Raises BadInput that names file, model and task of what cannot be used.
    """
    path = found(source["path"])
    match source["from"]:
        case "published":
            rows = read_wide(path)
        case "table":
            rows = read_table(path)
        case _:
            rows = read_mteb_results(path, source["benchmark"], source["tasks"], models)
    if source["benchmark"]:
        tasks = selected_tasks(source["benchmark"], source["tasks"])
    else:
        tasks = dict.fromkeys(source["tasks"] or rows["task"])
    check_tasks(path, set(rows["task"]), tasks)
    rows = with_categories(rows[rows["task"].isin(tasks)], tasks)
    return checked(path, rows), list(tasks)


def read_wide(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV with one row a model and one column a task."""
    table = _read_csv(path)
    models = _model_column(path, table)
    tasks = [column for column in table if column != models]
    if repeated := _repeated(table[models]):
        raise BadInput(f"{path}: model {repeated} has more than one row")
    rows = table.melt(id_vars=models, value_vars=tasks, var_name="task", value_name="score")
    return rows.rename(columns={models: "model"}).assign(seed="0")


def read_table(path: Path) -> pd.DataFrame:
    """Return the rows of a tidy CSV: model or design, task, score; perhaps base, seed, category, labels."""
    table = _read_csv(path)
    table = table.rename(columns={_model_column(path, table): "model"})
    for column in ("task", "score"):
        if column not in table:
            raise BadInput(f"{path}: column {column} is missing; needed: model or design, task, score")
    return table.assign(seed=table.get("seed", "0"))


def with_categories(rows: pd.DataFrame, tasks: Mapping[str, str | None]) -> pd.DataFrame:
    """Return the rows with a category and a metric each: their own, else MTEB's."""
    own = rows["category"] if "category" in rows else pd.Series("", rows.index)
    lacking = dict.fromkeys(rows["task"][own == ""])
    known = {task: tasks[task] for task in lacking if tasks[task]}
    known |= task_categories([task for task in lacking if task not in known])
    metric = rows.get("metric", "main_score")
    return rows.assign(category=own.where(own != "", rows["task"].map(known)), metric=metric)


def check_tasks(path: Path, known: set[str], tasks: Mapping[str, Any]) -> None:
    """Raise BadInput where the source does not know a task that shall be compared."""
    if absent := [task for task in tasks if task not in known]:
        hint = nearest(absent[0], known) if len(absent) == 1 else "name others in scores.tasks"
        raise BadInput(f"{path}: no scores on {few(absent)}; {hint}")


def checked(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a score, as a number; BadInput where one is none, or stands twice."""
    rows = rows[~rows["score"].astype(str).str.strip().str.lower().isin(["", "nan", "na", "none"])]
    for row in rows.index[~rows["seed"].str.fullmatch(r"\d+")]:
        raise BadInput(f"{path}: {_cell(rows, row)}: the seed is no whole number")
    scores = pd.to_numeric(rows["score"], errors="coerce")
    for row in rows.index[~scores.between(-1, 1)]:
        percent = "; divide scores in percent by 100" if 1 < scores[row] <= 100 else ""
        score = rows.at[row, "score"]
        raise BadInput(f"{path}: {_cell(rows, row)}: score {score} is no number from -1 to 1{percent}")
    for row in rows.index[rows.duplicated([column for column in CELL if column in rows])]:
        raise BadInput(f"{path}: a second score for {_cell(rows, row)}")
    return rows.assign(score=scores)


def _cell(rows: pd.DataFrame, row: Any) -> str:
    return ", ".join(f"{column} {rows.at[row, column]}" for column in CELL if column in rows)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, header=None, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, EOFError) as error:
        raise BadInput(f"{path}: not a CSV table: {' '.join(str(error).split())}") from None
    table.columns = table.iloc[0].str.strip()
    if repeated := _repeated(table.columns.to_series()):
        raise BadInput(f"{path}: column {repeated} stands twice")
    if len(table) < 2:
        raise BadInput(f"{path}: holds no scores")
    return table.iloc[1:].reset_index(drop=True)


def _model_column(path: Path, table: pd.DataFrame) -> str:
    found = [column for column in MODEL_COLUMNS if column in table]
    if not found:
        raise BadInput(f"{path}: no column names the models; needed: {' or '.join(MODEL_COLUMNS)}")
    return found[0]


def _repeated(values: pd.Series) -> str | None:
    repeated = values[values.duplicated()]
    return None if repeated.empty else str(repeated.iloc[0])
