"""Stores embeddings on disk, so that the tasks and processes of a run embed each prompted text once.

A kill loses only what has not been written yet, and several processes of a run can write at the same time.

mteb's CachedEmbeddingWrapper does not fit: it has one cache per task, so tasks cannot share texts; it writes
its index only after all texts of a call, and from a single process; its vectors are always float32.
"""

import shutil
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .vector_files import Vectors

HALF_FROM = 20_000  # if this many texts or more are embedded at once, they are stored in half precision
IN_MEMORY = 2**30  # bytes; larger results are memory-mapped files


def text_keys(texts: Iterable[str]) -> np.ndarray:
    """Return a 64-bit key per text; any collision among 30 million texts has probability 2e-5."""
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


class EmbeddingStore:
    """The embeddings of one model, in single precision or, for large sets of texts, in half precision.

    A request for single precision never gets half-precision vectors, so no score depends on the order of the
    tasks.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.single = Vectors(folder, "f4")
        self.half = Vectors(folder, "f2")

    def refresh(self) -> None:
        """Index what other processes have written since."""
        for vectors in (self.single, self.half):
            vectors.refresh()

    def known(self, keys: np.ndarray, half: bool) -> np.ndarray:
        """Return which keys have a vector in the requested precision, (keys,), bool."""
        known = self.single.places(keys) >= 0
        return known | (self.half.places(keys) >= 0) if half else known

    def add(self, task: str, keys: np.ndarray, vectors: np.ndarray, half: bool) -> None:
        """Store vectors, (keys, dim), in the folder of a task."""
        (self.half if half else self.single).add(task, keys, vectors)

    def read(self, keys: np.ndarray, half: bool, kind: type) -> np.ndarray:
        """Return the vectors of known keys, (keys, dim), as type `kind`; half: rounded to float16."""
        into = self._empty((len(keys), self.half.dimension or self.single.dimension), kind)
        rest = np.arange(len(keys))
        if half:
            rest = self.half.read(keys, rest, into)
        rest = self.single.read(keys, rest, into, through=np.float16 if half else np.float32)
        if len(rest):
            raise KeyError(f"{self.folder}: {len(rest)} texts have no embedding")
        return into

    def flush(self) -> None:
        """Write what is still in memory."""
        for vectors in (self.single, self.half):
            vectors.flush()

    def size(self, task: str) -> int:
        """Return the size of a task's folder in bytes."""
        return sum(file.stat().st_size for file in (self.folder / task).glob("*"))

    def forget(self, task: str) -> None:
        """Remove the vectors of a task's folder."""
        shutil.rmtree(self.folder / task, ignore_errors=True)
        self.reset()

    def reset(self) -> None:
        """List the files again, because some may have been removed."""
        self.flush()
        for vectors in (self.single, self.half):
            vectors.reset()

    def _empty(self, shape: tuple[int, int], kind: type) -> np.ndarray:
        if shape[0] * shape[1] * np.dtype(kind).itemsize <= IN_MEMORY:
            return np.empty(shape, kind)
        with tempfile.TemporaryFile(dir=self.folder) as file:  # has no name, and disappears with the array
            return np.memmap(file, kind, "w+", shape=shape)
