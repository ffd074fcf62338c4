"""The leaderboard through Snakemake: published scores, no training, one minute."""

from pathlib import Path

import pandas as pd
import pytest

from helpers.snakemake import planned, snakemake
from helpers.workflow_copy import copy_of_the_workflow

RESULTS = Path("results/leaderboard")
TRAINING = {"harvest_docstrings", "prepare_data", "train_design", "evaluate_run", "write_model_card"}


@pytest.fixture(scope="module")
def leaderboard(tmp_path_factory):
    """Return a folder with the finished leaderboard."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("leaderboard"))
    run = snakemake(folder, study="leaderboard")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not TRAINING & planned(run).keys()
    assert "note: 237 models not used: " in run.stdout + run.stderr
    return folder


@pytest.mark.studies
def test_all_pools_have_diagrams_and_are_on_the_page(leaderboard):
    results = leaderboard / RESULTS
    scores = pd.read_csv(results / "scores.csv")
    sizes = {"llm-based": 21, "mistral-7b": 9, "all-complete": 183}
    assert scores.groupby("base")["design"].nunique().to_dict() == sizes
    page = (results / "findings.html").read_text()
    for pool in sizes:
        assert pool in page
        for ending in ("svg", "pdf"):
            assert (results / f"figures/cd-{pool}-All.{ending}").stat().st_size > 1000
    assert "237 models not used: " in page
    assert "they are not evidence about pooling or attention" in page
    assert str(leaderboard) not in page
    assert not (results / "models").exists()


@pytest.mark.studies
def test_a_second_run_does_nothing_and_a_new_alpha_does_not_collect_scores_again(leaderboard):
    again = snakemake(leaderboard, study="leaderboard")
    assert "Nothing to be done" in again.stdout + again.stderr
    change = 'statistics={"alpha": 0.1}'
    jobs = planned(snakemake(leaderboard, change, "--dry-run", "--quiet", "host", study="leaderboard"))
    assert jobs["compare_designs"] == 1
    assert "collect_published_scores" not in jobs


def test_an_unknown_model_is_rejected_and_the_nearest_name_suggested(tmp_path):
    change = 'scores={"pools": {"mine": {"models": ["NV-Embed-v2", "NV-Embed-v3"]}}}'
    run = snakemake(copy_of_the_workflow(tmp_path), change, study="leaderboard")
    assert run.returncode != 0
    assert 'scores.pools.mine.models "NV-Embed-v3" is not a model of the source; did you mean' in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (False, "error: mine.yaml: scores.path my/results: no such file or folder"),
        (True, "my/results: no MTEB results; expected {model}/{revision}/{task}.json"),
    ],
)
def test_a_missing_folder_and_a_folder_without_results_are_rejected(tmp_path, made, message):
    folder = copy_of_the_workflow(tmp_path)
    (folder / "mine.yaml").write_text("scores: {from: mteb_results, path: my/results}\n")
    if made:
        (folder / "my" / "results").mkdir(parents=True)
    run = snakemake(folder, study="mine.yaml")
    assert run.returncode != 0
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not (folder / "results" / "mine" / "scores.csv").exists()
