"""A training that this machine cannot hold ends in one line that says what to set, before it starts."""

import json
import subprocess
import sys

import pytest
import torch
from datasets import Dataset

from embedding_designs.common import machine
from embedding_designs.common.errors import BadInput
from embedding_designs.training import memory
from helpers.training import environment

SIZES = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "vocab_size": 32000}  # fmt: skip


def rows(characters: int) -> Dataset:
    return Dataset.from_dict({column: ["a" * characters] * 8 for column in ("query", "positive", "negative")})


SHORT, LONG = rows(30), rows(3000)


@pytest.fixture
def base(tmp_path):
    """Return a folder with only the configuration of a base of 7 billion weights."""
    (tmp_path / "config.json").write_text(json.dumps(SIZES))
    return tmp_path


@pytest.fixture
def on_cpu(monkeypatch):
    """Return a function that states the memory of a machine without a GPU, in GB."""
    monkeypatch.setattr(memory.torch.cuda, "is_available", lambda: False)
    return lambda gigabytes: monkeypatch.setattr(machine, "memory_mb", lambda: gigabytes * 1000)


def test_weights_that_do_not_fit_ask_for_another_base(base, on_cpu, run_config):
    """7.11 billion weights, trained in full with 16 bytes each: 114 GB, and 3 GB for libraries and texts."""
    on_cpu(64)
    with pytest.raises(BadInput, match=r" needs 11[4-7]\.\d GB .* 64.0 GB .*; choose a smaller base"):
        memory.check_memory(run_config("eos-causal"), base, SHORT)


def test_activations_that_do_not_fit_ask_for_what_makes_them_fit(base, on_cpu, run_config):
    """28.4 GB of weights in fp32; 32 texts of 512 tokens keep 32 x 0.4 MB per token."""
    on_cpu(64)
    config = run_config("eos-causal", lora=True, batch_size=16, max_seq_length=512)
    with pytest.raises(BadInput, match=r"set training.gradient_checkpointing: true$"):
        memory.check_memory(config, base, LONG)
    advised = run_config(
        "eos-causal", lora=True, batch_size=16, max_seq_length=512, gradient_checkpointing=True
    )
    memory.check_memory(advised, base, LONG)


def test_a_base_of_unknown_sizes_is_tried(tmp_path, on_cpu, run_config):
    on_cpu(1)
    memory.check_memory(run_config("eos-causal"), tmp_path, SHORT)


def test_short_texts_need_less_than_the_longest_allowed(base, on_cpu, run_config):
    on_cpu(64)
    memory.check_memory(run_config("eos-causal", lora=True, batch_size=16, max_seq_length=512), base, SHORT)


def test_two_settings_are_advised_if_one_is_not_enough(base, on_cpu, run_config):
    on_cpu(31)
    config = run_config("eos-causal", lora=True, batch_size=16, max_seq_length=512)
    message = "set training.gradient_checkpointing: true and training.mini_batch_size: 1$"
    with pytest.raises(BadInput, match=message):
        memory.check_memory(config, base, LONG)


PARENT = """
import subprocess, sys
held = b"x" * 1_500_000_000
child = "from embedding_designs.training.log import peak_memory_mb; print(peak_memory_mb())"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="the memory of the GPU is reported")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a process's own peak")
def test_the_peak_of_a_training_does_not_include_that_of_the_process_that_started_it():
    run = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, env=environment())
    assert 100 < int(run.stdout) < 1400
