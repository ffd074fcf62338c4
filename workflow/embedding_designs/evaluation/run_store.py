"""The embeddings that all evaluations of a run share, and when they are no longer needed."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from ..study.task_sizes import others_with_corpus
from .embedding_store import EmbeddingStore

LARGE = 2**30  # bytes of a task's embeddings; fewer are kept until the run has all its scores


def forget_what_is_done(store: EmbeddingStore, tasks: Collection[str], done: Sequence[str]) -> None:
    """Remove the embeddings of tasks that are done, where they are large and no other task needs them.

    tasks: all of the run; those that another process evaluates count as not done.
    """
    store.flush()
    for task in done:
        if store.size(task) > LARGE and (others_with_corpus(task) & set(tasks)) <= set(done):
            store.forget(task)


def model_files(folder: Path) -> list[Path]:
    """Return the files of a saved model on which its embeddings depend."""
    return [file for file in sorted(folder.rglob("*")) if file.suffix in (".safetensors", ".json")]


def open_store(folder: Path, key: str) -> EmbeddingStore:
    """Return the store of the embeddings of one model, after removing what another model left there."""
    for other in folder.glob("*"):
        if other.name != key:
            shutil.rmtree(other)
    return EmbeddingStore(folder / key)
