"""A design with a contextual token runs from the study to the page, and its encoder changes only its runs."""

import shutil

import pytest

from helpers.snakemake import planned
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

CAUSAL2VEC = {
    "attention": "causal",
    "contextual": "bert",
    "pooling": {"kind": "concat", "first": {"kind": "contextual"}, "second": {"kind": "eos"}},
}
STUDY = {
    "designs": {"causal2vec": CAUSAL2VEC},
    "encoders": {"bert": {"model": "bert"}},
    "seeds": [1],
    "training": {"steps": 2},
    "evaluation": {"docstring_tasks": {"categories": ["STS", "Classification"]}},
    "baselines": [],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, encoder):
    """Return a folder with a finished miniature study, one of whose designs has a contextual token."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("contextual"))
    shutil.copytree(encoder, folder / "bert")
    run = run_study(folder, "smoke", STUDY, NO_HUB)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_the_page_and_the_model_card_name_what_was_trained(folder):
    results = folder / "results/smoke"
    assert "contextual concat" in (results / "findings.html").read_text()
    assert "contextual concat" in (results / "scores.csv").read_text()
    model = results / "models/tiny/causal2vec/seed1"
    assert (model / "contextual/model.safetensors").exists()
    assert "| contextual token | encoder bert, also trained |" in (model / "README.md").read_text()


def test_a_changed_encoder_replans_only_the_design_that_uses_it(folder):
    def trained() -> int:
        run = run_study(folder, "smoke", STUDY, NO_HUB, "--dry-run", "--quiet", "host")
        return planned(run).get("train_design", 0)

    assert trained() == 0
    with (folder / "bert/config.json").open("a") as file:
        file.write("\n")
    assert trained() == 1


def test_a_damaged_encoder_is_named_before_any_job(folder):
    (folder / "bert/tokenizer.json").unlink()
    run = run_study(folder, "smoke", STUDY, NO_HUB, "--dry-run")
    message = "encoders.bert.model bert: tokenizer.json: no such file; save the tokenizer with"
    assert message in run.stdout + run.stderr
    assert run.returncode
