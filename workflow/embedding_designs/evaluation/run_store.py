"""Opens the embeddings that all evaluations of a run share, and removes those no longer needed."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from ..study.task_sizes import others_with_corpus
from .embedding_store import EmbeddingStore

LARGE = 2**30  # bytes; a task's smaller embeddings are kept until the run has all its scores


def forget_what_is_done(store: EmbeddingStore, tasks: Collection[str], done: Sequence[str]) -> None:
    """Remove the embeddings of finished tasks if they are large and no other task needs them.

    tasks: all tasks of the run; those that another process evaluates count as unfinished.
    """
    store.flush()
    for task in done:
        if store.size(task) > LARGE and (others_with_corpus(task) & set(tasks)) <= set(done):
            store.forget(task)


def model_files(folder: Path) -> list[Path]:
    """Return the files of a saved model that determine its embeddings."""
    return [file for file in sorted(folder.rglob("*")) if file.suffix in (".safetensors", ".json")]


def open_store(folder: Path, key: str) -> EmbeddingStore:
    """Return the embedding store of one model, after removing what other models have left in the folder."""
    for other in folder.glob("*"):
        if other.name != key:
            shutil.rmtree(other)
    return EmbeddingStore(folder / key)
