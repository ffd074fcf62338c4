"""Adapted bases and encoders in a study: each is made once, and changes only the runs that use it."""

import json
import shutil

import pytest

from helpers.snakemake import planned
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

pytestmark = pytest.mark.studies

MNTP = {"kind": "mntp", "steps": 4, "batch_size": 8, "learning_rate": 0.002}
ADAPTED = {"attention": "bidirectional", "pooling": {"kind": "mean"}, "adaptation": MNTP}
CAUSAL2VEC = {
    "attention": "causal",
    "contextual": "bert",
    "pooling": {"kind": "concat", "first": {"kind": "contextual"}, "second": {"kind": "eos"}},
}
STUDY = {
    "designs": {"mean-mntp": ADAPTED, "multi-layer-bidirectional": {"adaptation": MNTP},
                "causal2vec": CAUSAL2VEC},
    "encoders": {"bert": {"model": "bert"}},
    "seeds": [1],
    "training": {"steps": 2},
    "evaluation": {"docstring_tasks": {"categories": ["STS", "Classification"]}},
    "baselines": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, encoder):
    """Return a finished miniature study: two of its designs share an adaptation, one has an encoder."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("adaptation"))
    shutil.copytree(encoder, folder / "bert")
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
    other = {**STUDY["designs"], "mean-mntp": {**ADAPTED, "adaptation": {**MNTP, "mask_share": 0.5}}}
    jobs = plan(folder, {**STUDY, "designs": other})
    assert (jobs["adapt_base"], jobs["train_design"]) == (1, 1)
    assert plan(folder, {**STUDY, "seeds": [1, 2]}).keys() & {"adapt_base"} == set()


def test_the_page_and_the_model_card_name_what_was_trained(folder):
    results = folder / "results/smoke"
    assert "contextual concat" in (results / "findings.html").read_text()
    assert "contextual concat" in (results / "scores.csv").read_text()
    model = results / "models/tiny/causal2vec/seed1"
    assert (model / "contextual/model.safetensors").exists()
    assert "| contextual token | encoder bert, also trained |" in (model / "README.md").read_text()


def test_a_changed_encoder_replans_only_the_design_that_uses_it(folder):
    assert "train_design" not in plan(folder, STUDY)
    with (folder / "bert/config.json").open("a") as file:
        file.write("\n")
    assert plan(folder, STUDY)["train_design"] == 1


def test_a_damaged_encoder_is_named_before_any_job(folder):
    (folder / "bert/tokenizer.json").unlink()
    run = run_study(folder, "smoke", STUDY, NO_HUB, "--dry-run")
    message = "encoders.bert.model bert: tokenizer.json: no such file; save the tokenizer with"
    assert message in run.stdout + run.stderr
    assert run.returncode
