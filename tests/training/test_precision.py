"""Precision: auto is bf16 exactly where there are instructions for it; a training records what it used."""

import json
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.precision import has_bf16_instructions, precision_here
from embedding_designs.training.train_run import shared_checkpoints
from helpers.training import environment, train_command

CPUINFO = Path("/proc/cpuinfo")


def flags() -> set[str]:
    with CPUINFO.open() as file:
        return next((set(line.split()) for line in file if line.startswith("flags")), set())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which decides")
@pytest.mark.skipif(not CPUINFO.exists(), reason="only Linux lists the instructions in a file")
def test_the_instructions_are_those_that_the_kernel_lists():
    expected = bool({"avx512_bf16", "amx_bf16"} & flags())
    assert has_bf16_instructions() == expected
    assert precision_here("auto") == ("bf16" if expected else "fp32")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_stated_precision_is_used_everywhere(precision):
    assert precision_here(precision) == precision


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_log_and_model_folder_say_what_a_training_used(precision, run_config, bases, triplets, tmp_path):
    config = run_config(precision=precision, steps=2)
    command = train_command(config, bases["mistral"], triplets, tmp_path)
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    used = precision_here(precision)
    summary = json.loads((tmp_path / "training.jsonl").read_text().splitlines()[-1])
    assert summary["precision"] == used
    assert RunConfig.read(tmp_path / "model" / "run_config.json").training["precision"] == used


def test_a_training_does_not_resume_from_a_checkpoint_in_another_precision(
    run_config, bases, triplets, tmp_path
):
    arguments = Namespace(
        base=None, fetched=[], train=triplets[0], heldout=triplets[1], config=tmp_path / "run.json",
        checkpoints=tmp_path / "checkpoints",
    )  # fmt: skip
    config = run_config(precision="fp32")
    arguments.config.write_text("{}")

    def files(precision: str) -> set[str]:
        with (
            pytest.raises(KeyboardInterrupt),
            shared_checkpoints(arguments, config.with_precision(precision)),
        ):
            found = {path.name for path in arguments.checkpoints.iterdir()} - {"begun_from"}
            (arguments.checkpoints / precision).touch()
            raise KeyboardInterrupt
        return found

    assert [files("fp32"), files("fp32"), files("bf16")] == [set(), {"fp32"}, set()]
