"""The profiles name rules that exist, and values that Snakemake accepts; test_slurm.py runs them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from embedding_designs.study import memory
from embedding_designs.study.study import load_study
from helpers.paths import ROOT

RULES = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
LOCAL = {
    name for block in re.findall(r"localrules:((?:\s+\w+,)+)", RULES) for name in re.findall(r"\w+", block)
}
JOBS = {*re.findall(r"(?m)^rule (\w+):", RULES)} - LOCAL
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


def test_the_slurm_profile_names_every_rule_that_is_submitted_as_a_job():
    assert set(PROFILE["set-resources"]) == JOBS
    assert set(PROFILE["set-threads"]) <= JOBS


@pytest.mark.parametrize("rule", sorted(JOBS))
def test_memory_grows_with_each_attempt_and_is_never_below_that_of_the_rule(rule):
    """A rule's `mem_mb` overrides the profile's default, so the profile sets it for each rule."""
    first, second = (eval(PROFILE["set-resources"][rule]["mem_mb"], {"attempt": number}) for number in (1, 2))
    own = re.search(rf"(?s)\nrule {rule}:.*?mem_mb=(\w+)", RULES)[1]
    assert (int(own) if own.isdigit() else max(computed(own))) <= first < second


def computed(function: str) -> Iterator[int]:
    """Yield the memory that a rule computes on machines with GPUs, for each base of each study."""
    for file in (ROOT / "config/studies").glob("*.yaml"):
        study = load_study(file)
        for base, settings in study["bases"].items():
            if function == "pretraining_memory":
                yield memory.pretraining_mb(study, base) if "pretrain" in settings else 0
            elif function == "training_memory":
                yield from (memory.training_mb(study, base, design, True) for design in study["designs"])
            else:
                yield memory.evaluation_mb(study, base, None, on_gpu=True)


def test_a_study_can_be_planned_with_the_slurm_profile(tmp_path):
    command = [
        *[sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", "--directory", tmp_path],
        *["--dry-run", "--quiet", "host", "--config", "study=smoke"],
    ]
    run = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "train_design" in run.stdout + run.stderr
