"""Writes the table of MTEB's benchmarks: each of their tasks, its category, and what it embeds.

python -m embedding_designs.planning.record_benchmarks --output mteb_tasks.csv
"""

import argparse
from pathlib import Path

import mteb

from ..common.command import command
from ..study.benchmarks import TABLE
from ..study.categories import CATEGORIES
from .package_tables import write_package_table

COLUMNS = ("task", "category", "modalities", "benchmarks")


def recorded_tasks() -> list[tuple[str, str, str, str]]:
    """Return a row for each task of a benchmark, sorted by category and name."""
    benchmarks: dict[tuple[str, str, str], dict[str, None]] = {}
    for benchmark in mteb.get_benchmarks():
        for task in benchmark.tasks:
            about = task.metadata
            row = (about.name, about.type, ", ".join(sorted(about.modalities)))
            benchmarks.setdefault(row, {})[benchmark.name] = None  # a few benchmarks list a task twice
    rows = [(*row, "; ".join(sorted(names))) for row, names in benchmarks.items()]
    return sorted(rows, key=lambda row: (_place(row[1]), row))


def _place(category: str) -> tuple[int, str]:
    """Return where a category is in the table: those for text first, in the schema's order."""
    return (CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES)), category


@command
def main() -> None:
    """Write the table of MTEB's benchmarks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", type=Path, default=TABLE)
    output = parser.parse_args().output
    write_package_table(output, COLUMNS, recorded_tasks())


if __name__ == "__main__":
    main()
