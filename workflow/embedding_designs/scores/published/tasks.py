"""The tasks of MTEB that a study of published scores compares, and the category of each."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ...common.errors import BadInput
from ...common.near_names import nearest

SHIPPED = Path(__file__).with_name("mteb_english_tasks.csv")


def selected_tasks(benchmark: str, names: Sequence[str]) -> dict[str, str]:
    """Return task -> category for a benchmark or, where names are given, for these tasks of it."""
    tasks = benchmark_tasks(benchmark)
    for name in names:
        if name not in tasks:
            raise BadInput(f"scores.tasks {name} is not a task of {benchmark}; {nearest(name, tasks)}")
    return {name: tasks[name] for name in names} if names else tasks


def benchmark_tasks(benchmark: str) -> dict[str, str]:
    """Return task -> category for a benchmark of MTEB; those of the shipped table need no import of mteb."""
    shipped = _shipped()
    inside = [benchmark in benchmarks.split("; ") for benchmarks in shipped["benchmarks"]]
    if any(inside):
        return shipped[inside].set_index("task")["category"].to_dict()
    return {task.metadata.name: task.metadata.type for task in mteb_benchmark(benchmark)}


def task_category(name: str) -> str:
    """Return the category of a task of MTEB; the shipped tasks need no import of mteb."""
    shipped = _shipped().set_index("task")["category"]
    return shipped[name] if name in shipped else mteb_task(name).metadata.type


def mteb_benchmark(benchmark: str) -> list[Any]:
    """Return the task objects of a benchmark, limited to the subsets and splits that it counts."""
    import mteb  # takes seconds, and the shipped study needs none of it

    try:
        return list(mteb.get_benchmark(benchmark).tasks)
    except KeyError:
        known = [known.name for known in mteb.get_benchmarks()]
        message = f'scores.benchmark "{benchmark}" is not a benchmark of MTEB; {nearest(benchmark, known)}'
        raise BadInput(message) from None


def mteb_task(name: str, key: str = "") -> Any:
    """Return the task object of a name, with all its subsets. key: the study's, for an error message."""
    if (task := find_mteb_task(name)) is None:
        raise BadInput(f"{key}{name} is not an MTEB task ({nearest(name, _mteb_names())})")
    return task


def find_mteb_task(name: str) -> Any | None:
    """Return the task object of a name, or None where MTEB has no such task."""
    import mteb

    try:
        return mteb.get_task(name)
    except KeyError:
        return None


@cache
def _mteb_names() -> list[str]:
    import mteb

    return [task.metadata.name for task in mteb.get_tasks(exclude_superseded=False)]


@cache
def _shipped() -> pd.DataFrame:
    return pd.read_csv(SHIPPED, keep_default_na=False)
