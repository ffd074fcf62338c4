"""How many texts of which length MTEB's tasks have, so that a study can be planned before it runs.

The table was written by record_task_sizes.py; reading it needs neither mteb nor the network.
"""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("task_sizes.csv")
SMALL = 80e6  # characters, about 20 million tokens: ten minutes of a 7B model on one GPU


@dataclass(frozen=True)
class Side:
    """Texts that a task has embedded, such as its documents or queries.

    texts, unique: how many, and how many different ones; characters: their mean length; corpus: a name that
    tasks with the same documents share, or ""; benchmarks: those that count these texts, separated by "; ",
    or "" for the texts in English of all test splits.
    """

    task: str
    category: str
    side: str
    texts: int
    unique: int
    characters: float
    corpus: str = ""
    benchmarks: str = ""


@cache
def all_sides() -> list[Side]:
    """Return the rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Side(row["task"], row["category"], row["side"], int(row["texts"]), int(row["unique"]),
                 float(row["characters"]), row["corpus"], row["benchmarks"])
            for row in csv.DictReader(file)
        ]  # fmt: skip


@cache
def task_sizes(benchmark: str | None = None) -> dict[str, list[Side]]:
    """Return the sides of each task of the table, with what a benchmark counts of it."""
    english: dict[str, list[Side]] = {}
    counted: dict[str, list[Side]] = {}
    for side in all_sides():
        if not side.benchmarks:
            english.setdefault(side.task, []).append(side)
        elif benchmark in side.benchmarks.split("; "):
            counted.setdefault(side.task, []).append(side)
    return english | counted


def misplaced(task: str, category: str, own: str) -> str:
    """Return one line on a task that a study lists under a category other than MTEB's."""
    return f"evaluation.tasks.{category} {task} is in MTEB's category {own}; list it there or remove it"


def corpora(task: str, benchmark: str | None = None) -> set[str]:
    """Return the names of the shared corpora that a task searches."""
    return {side.corpus for side in task_sizes(benchmark).get(task, []) if side.corpus}


def others_with_corpus(task: str) -> set[str]:
    """Return the other tasks that search the same documents, in any benchmark."""
    own = {side.corpus for side in all_sides() if side.task == task and side.corpus}
    return {side.task for side in all_sides() if side.corpus in own} - {task}


def batches_by_size(
    tasks: Mapping[str, Sequence[str]], small: Collection[str] = (), benchmark: str | None = None
) -> dict[str, dict[str, list[str]]]:
    """Return tasks in batches: the small ones together, those that share a corpus together, others alone.

    tasks: names by category; small: those known to be small though they are not in the table; result: batch
    name -> category -> names. A task of unknown size is alone.
    """
    named = [(category, name) for category, names in tasks.items() for name in names]
    batches: dict[str, dict[str, list[str]]] = {}
    for category, name in named:
        if name in small or 0 < characters(name, benchmark) < SMALL:
            batch = "small"
        else:
            own = corpora(name, benchmark)
            batch = "+".join(other for _, other in named if other == name or corpora(other, benchmark) & own)
        batches.setdefault(batch, {}).setdefault(category, []).append(name)
    return batches


def characters(task: str, benchmark: str | None = None) -> float:
    """Return how many characters a task has embedded, each text once; 0 if it is not in the table."""
    return sum(side.unique * side.characters for side in task_sizes(benchmark).get(task, []))
