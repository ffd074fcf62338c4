"""Writes Parquet tables: atomically, and equal columns as equal bytes."""

from pathlib import Path

import pyarrow
import pyarrow.parquet

from ..common.atomic_writes import atomic


def write_table(path: str | Path, columns: dict[str, list]) -> None:
    """Write columns as a Parquet file, atomically; equal columns give equal bytes."""
    with atomic(path) as part:
        pyarrow.parquet.write_table(pyarrow.table(columns), part, compression="zstd")
