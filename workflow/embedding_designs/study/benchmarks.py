"""Fills in the tasks of a study that names an MTEB benchmark, from a table of all benchmarks.

record_benchmarks.py writes the table, so that planning a study needs neither mteb nor the network.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..common.near_names import nearest
from ..common.wording import few, shown
from .categories import CATEGORIES
from .task_sizes import misplaced

TABLE = Path(__file__).with_name("mteb_tasks.csv")
TEXT = "text"
ALL = "all"  # in place of a list of tasks: all tasks of the benchmark in a category
KEY = "evaluation.tasks"


@dataclass(frozen=True)
class Task:
    """A task of a benchmark: its MTEB task type, and what it embeds, such as "text" or "image, text"."""

    name: str
    category: str
    modalities: str

    @property
    def is_text(self) -> bool:
        """Return whether a language model can be evaluated on the task."""
        return self.modalities == TEXT and self.category in CATEGORIES


@cache
def benchmarks() -> dict[str, list[Task]]:
    """Return the tasks of each MTEB benchmark by the benchmark's name, sorted by category and name."""
    tasks: dict[str, list[Task]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            task = Task(row["task"], row["category"], row["modalities"])
            for benchmark in row["benchmarks"].split("; "):
                tasks.setdefault(benchmark, []).append(task)
    return tasks


@cache
def categories_of_tasks() -> dict[str, str]:
    """Return the category of each task of a benchmark by the task's name."""
    return {task.name: task.category for tasks in benchmarks().values() for task in tasks}


def chosen_tasks(tasks: Sequence[Task], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return task names by category, with those of a benchmark in place of `all`.

    tasks: of the benchmark; given: a study's `evaluation.tasks`, or None if it has none, which means `all`
    for every category of the benchmark.
    """
    known: dict[str, list[str]] = {}
    for task in tasks:
        known.setdefault(task.category, []).append(task.name)
    given = dict.fromkeys(known, ALL) if given is None else given
    return {category: known.get(category, []) if names == ALL else names for category, names in given.items()}


def complete_tasks(evaluation: dict[str, Any]) -> Iterator[str]:
    """Fill in the tasks of a study's benchmark, and yield one line for each that is not allowed."""
    benchmark, given = evaluation["benchmark"], evaluation.get("tasks")
    evaluation["tasks"] = given or {}
    if benchmark is not None and benchmark not in benchmarks():
        hint = nearest(benchmark, benchmarks())
        yield f"evaluation.benchmark {shown(benchmark)} is not an MTEB benchmark; {hint}"
        return
    tasks = benchmarks().get(benchmark, [])
    yield from _wrong_categories(given or {}, benchmark, {task.category: "" for task in tasks})
    if benchmark is not None:
        evaluation["tasks"] = chosen_tasks(tasks, given)
        yield from problems_of_tasks(evaluation["tasks"], benchmark, {task.name: task for task in tasks})


def _wrong_categories(
    given: Mapping[str, Any], benchmark: str | None, known: Mapping[str, Any]
) -> Iterator[str]:
    for category, names in given.items():
        if isinstance(names, str) and names != ALL:
            yield f"{KEY}.{category} {shown(names)} must be a list of tasks, or {ALL}"
        elif names == ALL and benchmark is None:
            yield f"{KEY}.{category} {ALL} needs evaluation.benchmark"
        elif names == ALL and category not in known:
            yield f"{KEY}.{category} {ALL}: {benchmark} has no such tasks; {nearest(category, known)}"


def problems_of_tasks(
    chosen: Mapping[str, Sequence[str]], benchmark: str, known: Mapping[str, Task]
) -> Iterator[str]:
    """Yield one line for each chosen task that the benchmark does not have, and one for those of no text."""
    for category, names in chosen.items():
        for name in names:
            if name not in known:
                yield f"{KEY}.{category} {name} is not a task of {benchmark}; {nearest(name, known)}"
            elif known[name].category != category:
                yield misplaced(name, category, known[name].category)
    other = [name for names in chosen.values() for name in names if name in known and not known[name].is_text]
    if other:
        text = dict.fromkeys(task.category for task in known.values() if task.is_text)
        cure = f"narrow it with {KEY}, such as {{{', '.join(f'{name}: {ALL}' for name in text)}}}"
        yield (f'evaluation.benchmark "{benchmark}" has tasks that are not for text: '
               f'{few(other, noun="tasks")}; {cure if text else "choose a benchmark for text"}')  # fmt: skip
