"""The batches of an epoch: rows in random order, those that share a text in different batches."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow
import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import RandomSampler

from . import processes

TRIES = 100  # an epoch has no batches if this many orders fill none


class EpochSampler(DefaultBatchSampler):
    """Batches of a random order that depends only on the seed and the epoch.

    Sentence Transformers' own sampler gives a resumed training the order of the first epoch again.
    """

    def __init__(self, dataset: Dataset, *, generator: torch.Generator, **settings: Any):
        super().__init__(RandomSampler(dataset, generator=generator), generator=generator, **settings)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of the epoch, after drawing the orders of earlier epochs."""
        self.generator.manual_seed(self.seed)
        for _ in range(self.epoch):
            for _ in self.sampler:
                pass
        yield from self.batches()

    def batches(self) -> Iterator[list[int]]:
        """Yield the batches of the order that is drawn next."""
        return super().__iter__()


class SeparatingSampler(EpochSampler):
    """EpochSampler's batches, but a row that shares a text with another of its batch waits for a later one.

    As in Sentence Transformers' NoDuplicatesBatchSampler, texts are compared across columns, and rows are
    drawn again if too few batches are full: every epoch has len(self) batches, as resuming needs.
    That sampler does not know that the shares of several processes make up one batch, and its time grows with
    the square of the number of rows that share one text.
    """

    def __init__(self, dataset: Dataset, **settings: Any):
        super().__init__(dataset, **settings)
        self.shared = shared_texts(dataset)

    def batches(self) -> Iterator[list[int]]:
        """Yield each process's share of a batch in turn."""
        return itertools.islice(self._shares(), len(self))

    def _shares(self) -> Iterator[list[int]]:
        size = self.batch_size * processes.count()
        tries, found = 0, False
        while found or tries < TRIES:
            full = [rows for rows in separated(self.sampler, self.shared, size) if len(rows) == size]
            tries, found = tries + 1, found or bool(full)
            for rows in full:
                yield from (
                    rows[start : start + self.batch_size] for start in range(0, size, self.batch_size)
                )


SAMPLERS = {"keep": EpochSampler, "separate": SeparatingSampler}  # by training.shared_texts


def separated(order: Iterable[int], shared: Mapping[int, Collection[int]], size: int) -> list[list[int]]:
    """Return batches of at most `size` rows, no two of which share a text.

    shared: row -> the texts that it shares with other rows. Each row goes to the first batch with room after
    those that contain one of its texts; if no text is shared, the batches are consecutive pieces of `order`.
    """
    batches: list[list[int]] = []
    first = 0  # batch with room
    free: dict[int, int] = {}  # text -> the first batch after those that contain it
    for row in order:
        texts = shared.get(row, ())
        number = max([first, *(free.get(text, 0) for text in texts)])
        number = _with_room(batches, number, size)
        batches[number].append(row)
        free.update(dict.fromkeys(texts, number + 1))
        while first < len(batches) and len(batches[first]) == size:
            first += 1
    return batches


def _with_room(batches: list[list[int]], number: int, size: int) -> int:
    """Return the number of the first batch from `number` on that has room; perhaps a new one."""
    while number < len(batches) and len(batches[number]) == size:
        number += 1
    if number == len(batches):
        batches.append([])
    return number


def shared_texts(dataset: Dataset) -> dict[int, list[int]]:
    """Return the texts that occur more than once, as numbers, for each row that has any."""
    table = dataset.with_format("arrow")[:]
    columns = [column.cast(pyarrow.large_string()) for column in table.columns]  # all texts in one array
    texts = pyarrow.chunked_array([chunk for column in columns for chunk in column.chunks]).combine_chunks()
    numbers = texts.dictionary_encode().indices.to_numpy()
    repeated = (np.bincount(numbers) > 1)[numbers].reshape(table.num_columns, -1)
    rows = numbers.reshape(table.num_columns, -1)
    return {
        row: rows[repeated[:, row], row].tolist() for row in np.flatnonzero(repeated.any(axis=0)).tolist()
    }
