"""Reads the prepared rows of a training, and checks that they fill a batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import torch
from datasets import Dataset
from torch.utils.data import RandomSampler

from ..common.command import note
from ..common.errors import BadInput, reason
from ..study.data_config import SOURCE
from . import processes
from .homogeneous_sampler import rows_by_source
from .sampler import separated, shared_texts


def read_triplets(path: Path) -> Dataset:
    """Return the rows of a Parquet file; BadInput if it is not one, or has no query or positive."""
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise BadInput(f"{path}: not readable as Parquet: {reason(error)}") from None
    for column in ("query", "positive"):
        if column not in table.column_names:
            found = ", ".join(table.column_names) or "none"
            raise BadInput(f'{path}: no column "{column}"; found {found}')
    texts = [column for column in table.column_names if column != SOURCE]
    return Dataset(table.select(texts), fingerprint=path.stem)  # computed from all rows by default


def read_sources(path: Path, recipe: dict[str, Any]) -> list[str] | None:
    """Return the source of each row of a Parquet file; None for a recipe whose batches mix sources."""
    if recipe.get("batches") != "homogeneous":
        return None
    if SOURCE not in pyarrow.parquet.read_schema(path).names:
        raise BadInput(f'{path}: no column "{SOURCE}"; data.batches "homogeneous" needs it')
    return pyarrow.parquet.read_table(path, columns=[SOURCE])[SOURCE].to_pylist()


def check_batches(
    rows: Dataset, recipe: dict[str, Any], seed: int, path: Path, sources: Sequence[str] | None = None
) -> None:
    """Raise BadInput if the rows of `path`, or of one of its sources, fill no batch of a recipe."""
    if sources is not None:
        for name, numbers in rows_by_source(sources).items():
            _check_batches(rows.select(numbers), recipe, seed, f"{path}, source {name}")
    else:
        _check_batches(rows, recipe, seed, str(path))


def _check_batches(rows: Dataset, recipe: dict[str, Any], seed: int, place: str) -> None:
    size = recipe["batch_size"]
    if len(rows) < size:
        raise BadInput(
            f"training.batch_size {size} is more than the {len(rows)} rows to train on; lower it, raise"
            f" data.train_rows or add training data ({place})"
        )
    if recipe["shared_texts"] == "separate":
        _check_separated(rows, size, seed, place)


def _check_separated(rows: Dataset, size: int, seed: int, place: str) -> None:
    """Raise BadInput if rows that share no text fill no batch; note if they do not fill an epoch."""
    order = RandomSampler(rows, generator=torch.Generator().manual_seed(seed))
    lengths = [len(batch) for batch in separated(order, shared_texts(rows), size)]
    full, wanted = lengths.count(size), len(rows) // size
    if not full:
        raise BadInput(
            f"training.batch_size {size} is more than the {max(lengths)} of {len(rows)} rows that fit in one"
            f' without a text in common; lower it, or set training.shared_texts to "keep" ({place})'
        )
    if full < wanted and processes.is_main():
        note(
            f"training.shared_texts: rows that share no text fill {full} of the {wanted} batches of an epoch;"
            f" the others repeat rows, so that some rows are seen less often ({place})"
        )


def heldout_share(rows: int, recipe: dict[str, Any], path: Path) -> int:
    """Return how many held-out queries each process takes at once; 0 if there are too few rows for a loss."""
    count = processes.count()
    share = min(recipe["batch_size"], rows) // count
    if share * count >= 2:
        return share
    if processes.is_main():
        note(f"{path}: no held-out loss, because it needs at least {max(2, count)} rows, not {rows}")
    return 0
