"""Trainings that do not fit into the memory together run one after the other."""

import pandas as pd
import pytest

from embedding_designs.common import machine
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

STUDY = {"seeds": [1], "training": {"steps": 40}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a miniature study up to what its trainings need."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("memory"))
    run = run_study(folder, "smoke", STUDY, NO_HUB, "--until", "pretrain_base", "prepare_data")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def trained(folder, *arguments: str) -> list[tuple[float, float]]:
    """Return when each training began and ended, in order."""
    run = run_study(
        folder, "smoke", STUDY, NO_HUB, "--until", "train_design", "--forcerun", "train_design", *arguments
    )
    assert run.returncode == 0, run.stdout + run.stderr
    tables = (folder / "results/smoke/benchmarks/train_design").rglob("*.tsv")
    return sorted(
        (table.stat().st_mtime - pd.read_csv(table, sep="\t")["s"][0], table.stat().st_mtime)
        for table in tables
    )


def test_a_small_stated_memory_holds_one_training_at_a_time(folder):
    """One training of the miniature takes about 700 MB."""
    (_, end), (begin, _) = trained(folder, "--resources", "mem_mb=1000")
    assert end <= begin + 0.5


def test_a_large_stated_memory_holds_two(folder):
    """The trainings overlap, as those above do not."""
    (_, end), (begin, _) = trained(folder, "--resources", "mem_mb=100000")
    assert end > begin


def test_without_a_statement_the_machines_memory_is_the_limit(folder):
    run = run_study(folder, "smoke", STUDY, NO_HUB, "--until", "write_config", "--quiet", "reason",
                    "--forcerun", "write_config")  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert f'mem_mb=Resource("mem_mb", {machine.memory_mb()})' in run.stdout + run.stderr
