"""An adapted base is made once for all designs and seeds that share it, and they are trained on it."""

import json

import pytest

from helpers.snakemake import planned
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

MNTP = {"kind": "mntp", "steps": 4, "batch_size": 8, "learning_rate": 0.002}
MEAN = {"attention": "bidirectional", "pooling": {"kind": "mean"}}
STUDY = {
    "designs": {"mean": MEAN, "mean-mntp": {**MEAN, "adaptation": MNTP},
                "multi-layer-bidirectional": {"adaptation": MNTP}},
    "seeds": [1],
    "training": {"steps": 2},
    "evaluation": {"docstring_tasks": {"categories": ["STS", "Classification"]}},
    "baselines": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a finished miniature study, two of whose four designs share an adaptation."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("adaptation"))
    run = run_study(folder, "smoke", STUDY, NO_HUB)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def plan(folder, changes: dict) -> dict[str, int]:
    return planned(run_study(folder, "smoke", changes, NO_HUB, "--dry-run", "--quiet", "host"))


def test_designs_that_share_an_adaptation_are_trained_on_one_adapted_base(folder):
    (adapted,) = (folder / "results/smoke/adapted/tiny").iterdir()
    assert sorted(path.name for path in adapted.iterdir()) == ["model", "training.jsonl"]
    runs = sorted((folder / "results/smoke/logs/train_design").rglob("*.log"))
    assert len(runs) == 4
    saved = json.loads((adapted / "model/run_config.json").read_text())
    assert (saved["seed"], saved["training"]["steps"]) == (0, 4)


def test_the_page_shows_the_cost_of_the_adaptation(folder):
    page = (folder / "results/smoke/findings.html").read_text()
    assert "Adaptation of the base, once for the designs and seeds that share it" in page
    assert "(multi-layer-bidirectional and mean-mntp); held-out loss" in page


def test_another_adaptation_replans_only_the_designs_that_have_it(folder):
    assert not plan(folder, STUDY).keys() & {"adapt_base", "train_design"}
    other = {**STUDY["designs"], "mean-mntp": {**MEAN, "adaptation": {**MNTP, "mask_share": 0.5}}}
    jobs = plan(folder, {**STUDY, "designs": other})
    assert (jobs["adapt_base"], jobs["train_design"]) == (1, 1)
    assert plan(folder, {**STUDY, "seeds": [1, 2]}).keys() & {"adapt_base"} == set()
