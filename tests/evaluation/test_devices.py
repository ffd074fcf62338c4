"""A model on several devices gives the same embeddings as on one, and leaves no process behind."""

import os
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from embedding_designs.evaluation.devices import count_devices, needs_separate_prompt, on_devices
from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.training.model import build_model, load_model, save_model
from helpers.paths import WORKFLOW
from helpers.toy import DESIGNS, sentence

PARENT = """
import time
from embedding_designs.evaluation.devices import on_devices
if __name__ == "__main__":
    with on_devices(dict, 2):
        print("loaded", flush=True)
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder(bases, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    save_model(build_model(bases["mistral"], DESIGNS["multi-layer-bidirectional"], max_seq_length=32), folder)
    return folder


def embed(model: Any, texts: list[str]) -> np.ndarray:
    return Encoder(model, {}, batch_size=4).embed(texts, "STS12", half=False, kind=np.float32)


def test_two_processes_give_the_embeddings_of_one_and_a_dead_process_is_an_error(folder):
    texts = [sentence(seed, words=1 + seed % 20) for seed in range(60)]
    with on_devices(partial(load_model, folder), 1) as model:
        expected = embed(model, texts)
    with on_devices(partial(load_model, folder), 2) as model:
        np.testing.assert_allclose(embed(model, texts), expected, rtol=0, atol=1e-6)
        for process in model.processes:
            process.kill()
        with pytest.raises(RuntimeError, match="the process on device 0 died with exit code -9"):
            list(model.encode_batches([["a"]]))


def test_two_processes_are_told_prompt_and_side(bases, tmp_path):
    save_model(build_model(bases["mistral"], DESIGNS["echo-mean-causal"], max_seq_length=32), tmp_path / "m")
    load, texts = partial(load_model, tmp_path / "m"), [sentence(seed) for seed in range(6)]
    expected = load().encode(texts, prompt="dog: ", task="document")
    with on_devices(load, 2) as model:
        assert needs_separate_prompt(model)
        found = Encoder(model, {}, 4).embed(
            texts, "STS12", False, np.float32, prompt="dog: ", task="document"
        )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_an_error_in_a_process_is_raised():
    with pytest.raises(RuntimeError, match=r"device \d: ValueError: invalid literal"):
        with on_devices(partial(int, "no number"), 2):
            pass


def test_no_process_outlives_its_parent():
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "loaded\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def test_by_default_there_is_one_process_per_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [count_devices(asked) for asked in (None, 1, 2)] == [2, 1, 2]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert [count_devices(asked) for asked in (None, 2)] == [1, 2]
