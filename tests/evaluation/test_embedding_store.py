"""Embeddings are read as they were written, by every process of a run and after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embedding_designs.evaluation import embedding_store, vector_files
from embedding_designs.evaluation.embedding_store import EmbeddingStore, text_keys
from embedding_designs.evaluation.vector_files import KeyIndex
from helpers.paths import WORKFLOW

WRITER = """
import sys
import numpy as np
from embedding_designs.evaluation import embedding_store, vector_files
vector_files.FILE_BYTES = 400
store = embedding_store.EmbeddingStore(embedding_store.Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    keys = embedding_store.text_keys([f"text {number}"])
    store.add("task", keys, np.full((1, 10), number, dtype=np.float32), half=False)
    if number % 100 == 0:
        print(number, flush=True)
store.flush()
"""


def texts(*numbers: int) -> np.ndarray:
    return text_keys(f"text {number}" for number in numbers)


def vectors(rows: int, seed: int = 0, dimension: int = 5) -> np.ndarray:
    return np.random.RandomState(seed).randn(rows, dimension).astype(np.float32)


def start_writer(folder: Path, first: int, last: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(last)]
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_single_precision_is_exact_and_half_precision_rounded(tmp_path):
    store, rows = EmbeddingStore(tmp_path), vectors(3)
    store.add("STS12", texts(1, 2, 3), rows, half=False)
    store.add("FEVER", texts(4, 5, 6), rows, half=True)
    for _ in ("in memory", "from disk"):
        assert (store.read(texts(3, 1, 3), half=False, kind=np.float32) == rows[[2, 0, 2]]).all()
        found = store.read(texts(6, 4), half=True, kind=np.float32)
        assert (found == rows[[2, 0]].astype(np.float16)).all()
        store.flush()
        store = EmbeddingStore(tmp_path)


def test_single_precision_serves_both_precisions_and_half_only_its_own(tmp_path):
    store, rows = EmbeddingStore(tmp_path), vectors(1)
    store.add("STS12", texts(1), rows, half=False)
    store.add("FEVER", texts(2), rows, half=True)
    assert store.known(texts(1, 2, 3), half=True).tolist() == [True, True, False]
    assert store.known(texts(1, 2, 3), half=False).tolist() == [True, False, False]
    assert (store.read(texts(1), half=True, kind=np.float32) == rows.astype(np.float16)).all()


def test_a_result_too_large_for_memory_is_an_unnamed_file(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding_store, "IN_MEMORY", 10)
    store, rows = EmbeddingStore(tmp_path), vectors(4)
    store.add("FEVER", texts(0, 1, 2, 3), rows, half=True)
    found = store.read(texts(2, 0), half=True, kind=np.float16)
    assert isinstance(found, np.memmap)
    assert (found == rows[[2, 0]].astype(np.float16)).all()
    assert list(tmp_path.iterdir()) == []


def test_another_process_finds_what_was_written(tmp_path):
    mine, others = EmbeddingStore(tmp_path), EmbeddingStore(tmp_path)
    mine.add("STS12", texts(1), vectors(1), half=False)
    mine.flush()
    others.refresh()
    assert others.known(texts(1), half=False).all()


def test_processes_can_write_at_the_same_time(tmp_path):
    writers = [start_writer(tmp_path, first, first + 300) for first in (0, 200, 400)]
    assert [writer.wait() for writer in writers if writer.communicate()] == [0, 0, 0]
    store = EmbeddingStore(tmp_path)
    numbers = np.arange(700)
    found = store.read(texts(*numbers), half=False, kind=np.float32)
    assert (found == numbers[:, None]).all()


def test_a_kill_leaves_only_complete_embeddings(tmp_path):
    writer = start_writer(tmp_path, 0, 10**9)
    while int(writer.stdout.readline()) < 1000:
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    (tmp_path / "task" / "killed.f4.npy").write_bytes(b"half a fil")  # vectors whose keys were never written
    store = EmbeddingStore(tmp_path)
    numbers = np.flatnonzero(store.known(texts(*range(3000)), half=False))
    assert len(numbers) > 900
    assert (store.read(texts(*numbers), half=False, kind=np.float32) == numbers[:, None]).all()


def test_forgetting_a_task_keeps_the_others(tmp_path):
    store, rows = EmbeddingStore(tmp_path), vectors(2)
    store.add("FEVER", texts(1), rows[:1], half=True)
    store.add("MSMARCO", texts(2), rows[1:], half=True)
    store.flush()
    assert store.size("FEVER") > 0
    store.forget("FEVER")
    assert store.size("FEVER") == 0
    assert store.known(texts(1, 2), half=True).tolist() == [False, True]
    assert (store.read(texts(2), half=True, kind=np.float16) == rows[1:].astype(np.float16)).all()


def test_files_are_not_kept_open(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_files, "FILE_BYTES", 1)
    store = EmbeddingStore(tmp_path)
    for number in range(50):
        store.add("FEVER", texts(number), vectors(1, seed=number), half=True)
    before = len(os.listdir("/proc/self/fd"))
    found = store.read(texts(*range(50)), half=True, kind=np.float32)
    assert len(list(tmp_path.glob("FEVER/*.keys.npy"))) == 50
    assert len(os.listdir("/proc/self/fd")) <= before
    assert (found[7] == vectors(1, seed=7).astype(np.float16)).all()


def test_the_index_agrees_with_a_dictionary(tmp_path):
    """A key that was added twice can have either place."""
    chance, index, baseline = np.random.RandomState(0), KeyIndex(), {}
    for start in range(0, 5000, 50):
        keys = chance.randint(0, 4000, 50).astype(np.uint64)
        index.add(keys, np.arange(start, start + 50))
        for place, key in enumerate(keys.tolist(), start):
            baseline.setdefault(key, set()).add(place)
    asked = np.arange(4000, dtype=np.uint64)
    for key, place in zip(asked.tolist(), index.find(asked).tolist(), strict=True):
        assert place in baseline.get(key, {-1})
    assert len(index.runs) < 10


def test_an_unknown_text_is_an_error(tmp_path):
    with pytest.raises(KeyError, match="1 texts have no embedding"):
        EmbeddingStore(tmp_path).read(texts(1), half=False, kind=np.float32)
