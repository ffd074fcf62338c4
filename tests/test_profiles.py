"""The profiles name rules that exist, and values that Snakemake takes; tests/slurm runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_slurm_profile_names_rules_that_exist():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    rules = {
        name
        for file in (ROOT / "workflow/rules").glob("*.smk")
        for name in re.findall(r"(?m)^\s*rule (\w+):", file.read_text())
    }
    assert {*profile["set-resources"], *profile["set-threads"]} <= rules


def test_a_study_is_planned_with_the_slurm_profile(tmp_path):
    command = [
        *[sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", "--directory", tmp_path],
        *["--dry-run", "--quiet", "host", "--config", "study=smoke"],
    ]
    for part in ("config", "requirements.lock"):
        (tmp_path / part).symlink_to(ROOT / part)
    run = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "train_design" in run.stdout + run.stderr
