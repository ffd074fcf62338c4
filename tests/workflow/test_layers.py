"""A study that asks for it analyzes the layers of each untrained base and each run; other studies do not."""

import pytest

from helpers.snakemake import planned, snakemake
from helpers.workflow_copy import copy_of_the_workflow

RULES = {"analyze_layers", "summarize_layers"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_of_the_workflow(tmp_path_factory.mktemp("layers"))


def test_the_key_adds_one_analysis_per_untrained_base_and_run(folder):
    """Two designs with two seeds, and one base with two attentions."""
    without = planned(snakemake(folder, "--dry-run", "--quiet", "host"))
    with_key = planned(snakemake(folder, "layers={}", "--dry-run", "--quiet", "host"))
    assert not RULES & without.keys()
    assert (with_key["analyze_layers"], with_key["summarize_layers"]) == (6, 1)
    others = with_key.keys() - RULES - {"total", "write_config", "mark_config"}
    assert {rule: with_key[rule] for rule in others} == {rule: without[rule] for rule in others}


def test_a_layer_that_does_not_exist_stops_the_study_before_its_first_job(folder):
    refused = snakemake(folder, 'layers={"numbers": [1, 9]}')
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "smoke.yaml: layers.numbers [1, 9] holds 9; choose from 1 to 2 (base tiny)" in said
    assert not (folder / "results" / "smoke").exists()
