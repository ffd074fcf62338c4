"""Writes the tables that the package contains: CSV files recorded from libraries."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..common.atomic_writes import atomic


def write_package_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with a header as a CSV file, atomically."""
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
