"""The GPU check: its miniature runs without a GPU."""

import re
import subprocess

import pytest
import torch

from helpers.paths import ROOT

SCRIPT = ROOT / "benchmarks" / "gpu_check.sh"


def test_the_miniature_checks_attention_steps_and_resumption():
    ran = subprocess.run(
        [SCRIPT, "--tiny", "--parts", "attention", "steps_qwen2", "resume"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("| bidirectional | sdpa | yes |") == 2
    assert ran.stdout.count("| causal | sdpa | no |") == 2
    designs = re.findall(r"^\| ((?:eos|last-layer|multi-layer)-\w+) \| False \| [\d.]+ \|", ran.stdout, re.M)
    assert len(designs) == 5
    if not torch.cuda.is_available():  # on a GPU, the order of summation varies between runs
        assert re.search(r"\| [1-9]\d* \| 0\.0e\+00 \|$", ran.stdout, re.M), ran.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_the_check_says_so():
    ran = subprocess.run([SCRIPT], capture_output=True, text=True)
    assert ran.returncode != 0
    assert ran.stdout == "error: torch finds no GPU; --tiny runs a miniature without one\n"
