"""The table of scores, one row a cell: how it is read, checked, completed and written."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from .command import BadInput, whole

COLUMNS = ["base", "design", "pooling", "attention", "seed", "task", "category", "metric", "score"]
CELL = ["base", "design", "seed", "task"]
SCORE_DIGITS = 6  # what scores are recorded to, and so what counts as a tie
NAMED = 5  # missing cells that an error names; the rest are counted


def write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write a table of scores as CSV, whole or not at all."""
    with whole(path) as part:
        scores.to_csv(part, index=False, float_format=f"%.{SCORE_DIGITS}f", lineterminator="\n")


def read_scores(path: str | Path) -> pd.DataFrame:
    """Return the table of scores: one row for each base, design, seed and task.

    BadInput names file and line of a missing column, a score that is none, or a cell that stands twice.
    """
    try:
        scores = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder, not a table of scores") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a CSV table: {' '.join(str(error).split())}") from None
    if not isinstance(scores.index, pd.RangeIndex):  # pandas takes what is too much for row names
        raise BadInput(f"{path}, line 2: more fields than the header has columns")
    scores = scores[(scores != "").any(axis="columns")]  # without blank lines, which count as lines
    for problem in _problems(scores):
        raise BadInput(f"{path}{problem}")
    typed = scores.assign(score=scores["score"].astype(float), seed=scores["seed"].astype(int))
    return typed.reset_index(drop=True)


def _problems(scores: pd.DataFrame) -> Iterator[str]:
    for column in COLUMNS:
        if column not in scores:
            yield f": column {column} is missing; a table of scores has {', '.join(COLUMNS)}"
    if scores.empty:
        yield ": holds no scores"
    for column in ("base", "design", "task", "category"):
        for row in scores.index[scores[column].str.strip() == ""]:
            yield f", line {row + 2}: {column} is empty"
    for column in ("base", "category"):
        for row in scores.index[scores[column].str.contains("/", regex=False)]:
            yield f', line {row + 2}: {column} "{scores[column][row]}" has a slash; it is part of file names'
    for row, seed in scores["seed"].items():
        if not seed.isdecimal():
            yield f", line {row + 2}: seed {seed!r} is no whole number"
    for row, score in pd.to_numeric(scores["score"], errors="coerce").items():
        if not -1 <= score <= 1:  # NaN as well
            percent = "; divide scores in percent by 100" if 1 < score <= 100 else ""
            yield f", line {row + 2}: score {scores['score'][row]!r} is no number from -1 to 1{percent}"
    for row in scores.index[scores.assign(seed=scores["seed"].astype(int)).duplicated(CELL)]:
        yield f", line {row + 2}: a second score for {_cell(scores.loc[row, CELL])}"
    for task, categories in scores.groupby("task")["category"].unique().items():
        if len(categories) > 1 or categories[0] == "All":
            yield f": task {task} stands in category {' and '.join(categories)}; it needs one, and not All"
    for (base, design), keys in scores.groupby(["base", "design"])[["pooling", "attention"]]:
        if len(keys.drop_duplicates()) > 1:
            yield f": design {design} of base {base} has more than one pooling or attention"


def _cell(values: Sequence[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(CELL, values, strict=True))


def complete(scores: pd.DataFrame, study: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return the scores with no cell missing, and for each base the tasks that were dropped for it.

    Each design of a base needs a score on every task with every seed, those of the study included. Nothing is
    imputed: a missing cell raises BadInput that names it, or its task is dropped (statistics.missing
    "drop_tasks").
    """
    for column in ("base", "design"):
        known = study.get(f"{column}s") or {}
        for name in scores[column].unique():
            if known and name not in known:
                raise BadInput(f"scores: {column} {name} is not in the study; choose from {', '.join(known)}")
    dropping = study.get("statistics", {}).get("missing", "refuse") == "drop_tasks"
    missing = list(_missing(scores, study))
    if missing and not dropping:
        named = "; ".join(_cell(cell) for cell in missing[:NAMED])
        more = f"; and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise BadInput(f"scores: {len(missing)} missing: {named}{more}")
    lost = pd.DataFrame(missing, columns=CELL).groupby("base", sort=False)["task"].unique()
    dropped = {base: sorted(tasks) for base, tasks in lost.items()}
    for base, tasks in dropped.items():
        if set(tasks) >= set(scores["task"]):
            raise BadInput(f"scores: each task of base {base} lacks a score, so that none is left")
    gone = pd.Series(
        [task in dropped.get(base, ()) for base, task in zip(scores["base"], scores["task"], strict=True)]
    )
    return scores[~gone.to_numpy()], dropped


def _missing(scores: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[tuple]:
    present = set(scores[CELL].itertuples(index=False, name=None))
    for base in dict.fromkeys([*study.get("bases", ()), *scores["base"]]):
        own = scores[scores["base"] == base]
        designs = dict.fromkeys([*(study.get("designs") or ()), *own["design"]])
        seeds = dict.fromkeys([*(study.get("seeds") or ()), *own["seed"]])
        cells = product([base], designs, seeds, scores["task"].unique())
        yield from (cell for cell in cells if cell not in present)
