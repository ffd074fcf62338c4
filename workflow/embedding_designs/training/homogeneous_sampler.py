"""Batches that come from one source each, as many from each source as its rows fill."""

from collections.abc import Iterator, Sequence

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler

from . import processes
from .sampler import EpochSampler


class HomogeneousSampler(DefaultBatchSampler):
    """The batches of one sampler for each source, in a random order that depends only on seed and epoch.

    As in Sentence Transformers' ProportionalBatchSampler, sources take turns at random, and rows that do not
    fill a batch of their source wait for another epoch. That sampler does not know that the shares of several
    processes make up one batch, and would give them different sources.
    """

    def __init__(
        self,
        dataset: Dataset,
        sources: Sequence[str],
        kind: type[EpochSampler],
        *,
        batch_size: int,
        generator: torch.Generator,
        seed: int = 0,
        drop_last: bool = True,
        valid_label_columns: list[str] | None = None,
    ):
        settings = {
            "batch_size": batch_size,
            "drop_last": drop_last,
            "valid_label_columns": valid_label_columns,
        }
        super().__init__(range(len(dataset)), generator=generator, seed=seed, **settings)
        self.rows = list(rows_by_source(sources).values())
        self.samplers = [
            kind(dataset.select(rows), generator=torch.Generator(), seed=seed, **settings)
            for rows in self.rows
        ]

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of this sampler, and of those of the sources."""
        super().set_epoch(epoch)
        for sampler in self.samplers:
            sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Return the number of shares of all processes."""
        size = self.batch_size * processes.count()
        return sum(len(rows) // size for rows in self.rows) * processes.count()

    def __iter__(self) -> Iterator[list[int]]:
        """Yield each process's share of a batch in turn."""
        batches = [batch for rows, sampler in zip(self.rows, self.samplers, strict=True)
                   for batch in whole_batches(rows, sampler)]  # fmt: skip
        self.generator.manual_seed(self.seed + self.epoch)
        for number in torch.randperm(len(batches), generator=self.generator).tolist():
            yield from batches[number]


def whole_batches(rows: Sequence[int], sampler: EpochSampler) -> Iterator[list[list[int]]]:
    """Yield batches of a source, each as the shares of all processes; rows: numbers of the source's rows."""
    shares = ([rows[number] for number in share] for share in sampler)
    yield from zip(*[shares] * processes.count(), strict=False)


def rows_by_source(sources: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of the rows of each source."""
    rows: dict[str, list[int]] = {}
    for number, name in enumerate(sources):
        rows.setdefault(name, []).append(number)
    return rows
