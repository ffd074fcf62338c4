"""An evaluation resumes where it stopped, uses bounded memory, and leaves no embeddings behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from embedding_designs.common.json_files import write_json
from embedding_designs.evaluation import run_store
from embedding_designs.evaluation.embedding_store import EmbeddingStore, text_keys
from embedding_designs.training.model import build_model, save_model
from helpers.paths import WORKFLOW
from helpers.toy import DESIGNS
from helpers.toy_tasks import write_tasks

TASKS = [f"Toy{number}DocsRetrieval" for number in range(8)]
SEARCH = """
import sys
from pathlib import Path
import numpy as np
from embedding_designs.evaluation.embedding_store import EmbeddingStore
from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.evaluation.tasks import load, score

class Bits:
    '''Embeds a number as a mix of its bits, which is cheap and unique.'''
    mix = np.random.RandomState(0).randn(24, 512).astype(np.float32)
    def encode(self, texts, **kwargs):
        numbers = np.array([int(text.split()[1]) for text in texts])
        return ((numbers[:, None] >> np.arange(24)) & 1).astype(np.float32) @ self.mix + 1e-3

tasks = Path(sys.argv[1])
store = EmbeddingStore(tasks / "embeddings")
print(score(Encoder(Bits(), {}, 512, store), load("LargeDocsRetrieval", tasks))["score"])
store.flush()
"""


@pytest.fixture(scope="module")
def place(bases, tmp_path_factory):
    """Return a folder with a model, tasks, and the configs of a run with two batches."""
    place = tmp_path_factory.mktemp("place")
    torch.manual_seed(0)
    save_model(build_model(bases["mistral"], DESIGNS["eos-causal"], max_seq_length=32), place / "model")
    write_tasks(place / "tasks", dict.fromkeys(TASKS, 40), queries=8)
    config = {"tasks": {"Retrieval": TASKS}, "prompts": {}, "max_seq_length": 32, "batch_size": 4}
    write_json(place / "config.json", config)
    study = {"evaluation": {"batch_by": "category", "tasks": {"Retrieval": TASKS, "STS": ["STS12"]}}}
    write_json(place / "study.json", study)
    return place


def start(place: Path, *more: str) -> subprocess.Popen:
    command = [
        sys.executable, "-m", "embedding_designs.evaluation.evaluate_run", "config.json", "--model", "model",
        "--docstring-tasks", "tasks", "--study", "study.json", "--partial", "partial",
        "--embeddings", "embeddings", "--output", "scores/Retrieval.csv", *more,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True)


def evaluated(log: str) -> list[str]:
    return [line.split()[-1] for line in log.splitlines() if "Finished evaluation for" in line]


def test_a_stopped_evaluation_exits_at_once_and_resumes_at_its_first_unfinished_task(place):
    running = start(place, "--devices", "2")
    while not list(place.glob("partial/*.json")):
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.05)
    processes = psutil.Process(running.pid).children(recursive=True)
    before = time.monotonic()
    running.send_signal(signal.SIGTERM)
    running.communicate()
    assert running.returncode != 0
    assert psutil.wait_procs(processes, timeout=30)[1] == []
    assert time.monotonic() - before < 30
    done = {file.stem for file in place.glob("partial/*.json")}
    assert 0 < len(done) < len(TASKS)

    again = start(place)
    log = again.communicate()[1]
    assert again.returncode == 0, log
    assert sorted(evaluated(log)) == sorted(set(TASKS) - done)
    assert pd.read_csv(place / "scores/Retrieval.csv")["task"].tolist() == TASKS
    assert not (place / "partial").exists()
    # other scores of the run are missing, so another process may still need the embeddings
    assert list((place / "embeddings").rglob("*.keys.npy"))

    (place / "scores/STS.csv").touch()
    last = start(place)
    assert last.communicate() and last.returncode == 0
    assert not (place / "embeddings").exists()


def peak_megabytes(folder: Path) -> tuple[float, float]:
    """Return the score and the peak memory of a search in a folder's corpus."""
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1",
                   "HF_DATASETS_CACHE": str(folder / "cache")}  # fmt: skip
    measured = f"import atexit, resource; atexit.register(lambda: print({PEAK}))\n" + SEARCH
    run = subprocess.run([sys.executable, "-c", measured, str(folder)], env=environment, text=True,
                         capture_output=True)  # fmt: skip
    assert run.returncode == 0, run.stderr
    score, peak = map(float, run.stdout.split())
    return score, peak / 1024


PEAK = f"resource.getrusage({resource.RUSAGE_SELF}).ru_maxrss"


def test_memory_does_not_grow_with_the_embeddings_of_a_corpus(tmp_path):
    """100,000 more documents with 512 numbers take 102 MB in half precision; memory grows by less than half.

    It grows because the toy task keeps texts and ids in memory, and the index 16 bytes per text.
    """
    peaks = []
    for documents in (50_000, 150_000):
        folder = write_tasks(tmp_path / str(documents), {"LargeDocsRetrieval": documents}, queries=100)
        score, peak = peak_megabytes(folder)
        assert score == 1
        peaks.append(peak)
        stored = sum(file.stat().st_size for file in folder.glob("embeddings/*/*.f2.npy"))
        assert stored >= (documents - 100) * 512 * 2  # the queries are kept in single precision
    assert peaks[1] - peaks[0] < 100_000 * 512 / 2**20, peaks


@pytest.mark.parametrize(("tasks", "kept"), [
    ({"FEVER", "ClimateFEVER"}, [["FEVER", "NQ"], []]),
    ({"FEVER"}, [["NQ"], []]),
])  # fmt: skip
def test_large_embeddings_are_removed_when_no_other_task_needs_them(tmp_path, monkeypatch, tasks, kept):
    """FEVER and ClimateFEVER search the same documents; NQ has its own."""
    monkeypatch.setattr(run_store, "LARGE", 100)
    store = EmbeddingStore(tmp_path)
    for task in ("FEVER", "NQ"):
        store.add(task, text_keys([task]), np.ones((1, 100), np.float32), half=True)
    for done, expected in zip((["FEVER"], ["FEVER", "ClimateFEVER", "NQ"]), kept, strict=True):
        run_store.forget_what_is_done(store, {*tasks, "NQ"}, done)
        assert sorted(folder.name for folder in tmp_path.iterdir()) == expected


def test_small_embeddings_are_kept_for_the_tasks_of_other_processes(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.add("STS12", text_keys(["a"]), np.ones((1, 100), np.float32), half=False)
    run_store.forget_what_is_done(store, {"STS12", "STS13"}, ["STS12"])
    assert store.known(text_keys(["a"]), half=False).all()


def test_embeddings_of_another_model_are_removed(tmp_path):
    (tmp_path / "older-32").mkdir()
    run_store.open_store(tmp_path, "newer-32").add("STS12", text_keys(["a"]), np.ones((1, 2)), half=False)
    assert not (tmp_path / "older-32").exists()


def test_the_key_of_a_model_covers_its_weights_and_its_attention_mode(place):
    files = run_store.model_files(place / "model")
    assert place / "model/model.safetensors" in files
    assert any('"attention": "causal"' in file.read_text() for file in files if file.suffix == ".json")
