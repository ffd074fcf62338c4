"""A command uses GPUs that no other one uses, as many as it was given, and never the CPU by mistake."""

import os
import subprocess
import sys

import pytest
import torch

from embedding_designs.common import gpus
from embedding_designs.common.errors import BadInput
from helpers.paths import WORKFLOW

CHOOSE = """
import os
from embedding_designs.common import gpus
gpus.choose({})
print(os.environ.get(gpus.VISIBLE))
"""
DEVICE = "from embedding_designs.training.processes import device; print(device())"


@pytest.fixture
def machine(tmp_path):
    """Return the environment of a machine whose driver shows two GPUs."""
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'GPU 0: an A'\necho 'GPU 1: a B'\n")
    driver.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != gpus.VISIBLE}
    return environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(WORKFLOW)}


def python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_commands_side_by_side_get_different_gpus_and_give_them_back(machine):
    hold = f"{CHOOSE.format(1)}import sys; sys.stdout.flush(); sys.stdin.read()"
    first = subprocess.Popen(
        [sys.executable, "-c", hold], env=machine, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout.readline() == "0\n"
    assert python(CHOOSE.format(1), machine).stdout == "1\n"
    first.communicate()
    assert python(CHOOSE.format(2), machine).stdout == "0,1\n"


@pytest.mark.parametrize(("given", "number", "used"), [("1", 1, "1"), ("3,5", 2, "3,5"), ("3,5", 1, "3")])
def test_a_scheduler_chooses_the_gpus_and_no_more_are_used_than_asked_for(given, number, used, machine):
    assert python(CHOOSE.format(number), machine | {gpus.VISIBLE: given}).stdout == f"{used}\n"


def test_a_command_that_finds_all_gpus_in_use_shares_as_many_as_it_was_given(machine):
    hold = f"{CHOOSE.format(2)}import sys; sys.stdout.flush(); sys.stdin.read()"
    first = subprocess.Popen(
        [sys.executable, "-c", hold], env=machine, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout.readline() == "0,1\n"
    assert python(CHOOSE.format(1), machine).stdout == "0\n"
    first.communicate()


@pytest.mark.parametrize(("visible", "there"), [(None, 2), ("5", 1)])
def test_more_gpus_than_there_are_are_refused(visible, there, machine):
    refused = python(CHOOSE.format(8), machine | ({gpus.VISIBLE: visible} if visible else {}))
    assert f"8 GPUs are asked for, but there are {there}; choose from 1 to {there}\n" in refused.stderr


def test_a_scheduler_that_gives_no_gpu_means_the_cpu(monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "")
    gpus.choose(8)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU here")
def test_the_cpu_is_not_used_in_place_of_a_gpu_that_torch_does_not_see(machine):
    refused = python(DEVICE, machine)
    message = f"this machine has 2 NVIDIA GPUs, but torch {torch.__version__} sees none"
    assert f"{BadInput.__name__}: {message}" in refused.stderr
    assert python(DEVICE, machine | {gpus.VISIBLE: "-1"}).stdout == "cpu\n"
