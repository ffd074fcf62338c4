"""Reads and writes vectors in files with an index of their keys.

Each task's folder holds pairs of .npy files, which have unique names and never change: first the vectors,
then the keys of their texts, which make the pair valid. Memory holds 16 bytes per text and at most FILE_BYTES
of vectors.
"""

import os
import uuid
from itertools import pairwise
from pathlib import Path

import numpy as np

FILE_BYTES = 64 * 2**20  # of vectors per file, and the most that a kill loses
KEYS = ".keys.npy"


class Vectors:
    """The vectors of one precision: files, an index of their keys, and rows that are not written yet."""

    def __init__(self, folder: Path, kind: str):
        self.folder = folder
        self.kind = kind
        self.reset()

    def reset(self) -> None:
        """Forget everything in memory and list the existing files."""
        self.index = KeyIndex()
        self.files: list[Path | None] = []  # None: the rows that are not written yet
        self.known_files: set[Path] = set()
        self.waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self.task = ""  # the task whose rows are waiting
        self.dimension = 0
        self.refresh()

    def refresh(self) -> None:
        """Index the files that other processes have written."""
        for file in sorted({*self.folder.glob(f"*/*.{self.kind}{KEYS}")} - self.known_files):
            self.known_files.add(file)
            vectors = file.with_name(file.name.removesuffix(KEYS) + ".npy")
            self.files.append(vectors)
            keys = np.load(file)
            self.index.add(keys, self._places(len(self.files) - 1, 0, len(keys)))
            self.dimension = self.dimension or np.load(vectors, "r").shape[1]

    def places(self, keys: np.ndarray) -> np.ndarray:
        """Return the place of each key's vector, or -1 if there is none."""
        return self.index.find(keys)

    def add(self, task: str, keys: np.ndarray, vectors: np.ndarray) -> None:
        """Store vectors; they are written once there are enough of them or another task's are added."""
        if self.waiting and self.task != task:
            self.flush()
        self.task = task
        if not self.waiting:
            self.files.append(None)
            self.dimension = vectors.shape[1]
        first = sum(len(rows) for _, rows in self.waiting)
        self.waiting.append((keys, vectors.astype(self.kind)))
        self.index.add(keys, self._places(len(self.files) - 1, first, len(keys)))
        if (first + len(keys)) * vectors.shape[1] * np.dtype(self.kind).itemsize >= FILE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are not written yet."""
        if not self.waiting:
            return
        keys, vectors = (np.concatenate(parts) for parts in zip(*self.waiting, strict=True))
        file = self.folder / self.task / f"{uuid.uuid4().hex}.{self.kind}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        marker = file.with_name(file.name.removesuffix(".npy") + KEYS)
        _write(file, vectors)
        _write(marker, keys)
        self.known_files.add(marker)
        self.files[self.files.index(None)] = file
        self.waiting = []

    def read(self, keys: np.ndarray, rows: np.ndarray, into: np.ndarray, through=None) -> np.ndarray:
        """Fill rows of `into` with vectors, rounded to type `through`; return the rows without a vector."""
        places = self.index.find(keys[rows])
        order = np.argsort(places, kind="stable")
        rows, places = rows[order], places[order]
        missing = int(np.searchsorted(places, 0))
        numbers = places >> 32
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for start, stop in pairwise([*starts, len(rows)]):
            found = self._vectors(int(numbers[start]))[places[start:stop] & 0xFFFFFFFF]
            into[rows[start:stop]] = found if through is None else found.astype(through)
        return rows[:missing]

    def _vectors(self, number: int) -> np.ndarray:
        file = self.files[number]
        # opened for each read, because thousands of open files would exceed the limit
        return np.concatenate([rows for _, rows in self.waiting]) if file is None else np.load(file, "r")

    @staticmethod
    def _places(file: int, first: int, count: int) -> np.ndarray:
        return (file << 32) + np.arange(first, first + count, dtype=np.int64)


class KeyIndex:
    """A map from keys to places: sorted arrays, merged when their lengths are similar; 16 bytes per key."""

    def __init__(self):
        self.runs: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, keys: np.ndarray, places: np.ndarray) -> None:
        """Add keys and their places."""
        order = np.argsort(keys, kind="stable")
        self.runs.append((keys[order], places[order]))
        while len(self.runs) > 1 and len(self.runs[-2][0]) < 2 * len(self.runs[-1][0]):
            (keys, places), (more_keys, more_places) = self.runs.pop(), self.runs.pop()
            keys, places = np.concatenate([keys, more_keys]), np.concatenate([places, more_places])
            order = np.argsort(keys, kind="stable")
            self.runs.append((keys[order], places[order]))

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the place of each key, or -1 if it is unknown."""
        places = np.full(len(keys), -1, dtype=np.int64)
        for run_keys, run_places in self.runs:
            where = np.searchsorted(run_keys, keys).clip(max=len(run_keys) - 1)
            places = np.where(run_keys[where] == keys, run_places[where], places)
        return places


def _write(path: Path, array: np.ndarray) -> None:
    part = path.with_name(f"{path.name}.part")  # a name that matches no pattern used here
    with part.open("wb") as file:
        np.save(file, array)
        if array.nbytes > 2**20:  # after a power failure, a small one is soon embedded again
            file.flush()
            os.fsync(file.fileno())
    os.replace(part, path)
