"""Stores the embeddings of all layers of a model, so that each text runs through the model once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..evaluation.embedding_store import EmbeddingStore

LARGE = 2**30  # bytes; a task's embeddings are kept until the end if all layers together take less


class LayerStore(EmbeddingStore):
    """The embeddings of one layer. New vectors, of all layers beside each other, go to the stores of all."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.stores: Sequence[LayerStore] = [self]

    def add(self, task: str, keys: np.ndarray, vectors: np.ndarray, half: bool) -> None:
        """Store vectors, (keys, layers * dim), in the folder of a task."""
        for store, part in zip(self.stores, np.split(vectors, len(self.stores), axis=1), strict=True):
            EmbeddingStore.add(store, task, keys, part, half)


def layer_stores(folder: Path, layers: Sequence[int]) -> list[LayerStore]:
    """Return a store for each layer of a model, in the order in which the model returns them."""
    stores = [LayerStore(folder / f"layer{number}") for number in layers]
    for store in stores:
        store.stores = stores
    return stores


def finish_task(stores: Sequence[LayerStore], task: str) -> None:
    """Write the embeddings of a finished task, or remove them if they are large."""
    for store in stores:
        store.flush()
    if sum(store.size(task) for store in stores) > LARGE:
        for store in stores:
            store.forget(task)
