"""The paper's studies as shipped, from `snakemake fetch` to the findings page, with a local hub.

To save time, the command line reduces the steps, seeds, tasks, and all but one of the pools' latents. The hub
is gone after the fetch.
"""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from helpers import hub, paper_hub
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

STUDIES = {
    "paper-mistral-7b": ("mistral-7b", "mistralai/Mistral-7B-v0.1"),
    "paper-qwen2-0.5b": ("qwen2-0.5b", "Qwen/Qwen2-0.5B"),
}
REAL_TASKS = {
    "STS": ["BIOSSES", "STS13"],
    "Summarization": ["SummEval"],
    "Classification": ["EmotionClassification"],
}
TASKS = paper_hub.NO_TASKS | REAL_TASKS | paper_hub.MADE_UP
POOLED = ["last-layer-causal", "multi-layer-causal", "last-layer-bidirectional", "multi-layer-bidirectional"]
REDUCED = {
    "training": {"steps": 2, "gradient_accumulation_steps": 2, "warmup_steps": 1},
    "designs": {name: {"pooling": {"latents": 16}} for name in POOLED},
    "seeds": [1],
    "evaluation": {"tasks": TASKS},
}
BATCHES = {"paper-qwen2-0.5b": {"evaluation": {"tasks": TASKS, "batch_by": "run"}}}  # faster
TWEETS = "TweetSentimentExtractionClassification"
VARIANTS = {  # for each study: one file that shows what distinguishes it, and what is reduced
    "paper-large-batch": (
        "trained/mistral-7b/multi-layer-bidirectional/seed3",
        {
            "data": {"heldout_rows": 32},
            "training": {"steps": 2, "batch_size": 32, "warmup_steps": 1},
            "evaluation": {"tasks": TASKS},
        },
    ),
    "mteb-eng-v2": (
        "scores/mistral-7b/eos-causal/seed1/small.csv",
        {
            "training": {"steps": 1, "gradient_accumulation_steps": 1, "warmup_steps": 0},
            "evaluation": {
                "tasks": paper_hub.NO_TASKS | {"STS": ["BIOSSES", "STS13"], "Classification": [TWEETS]}
            },
        },
    ),
}

pytestmark = pytest.mark.skipif(not paper_hub.REAL.is_dir(), reason=f"no task data in {paper_hub.REAL}")


def run_reduced(folder: Path, study: str, address: str, *target: str) -> subprocess.CompletedProcess:
    reduced = VARIANTS[study][1] if study in VARIANTS else REDUCED | BATCHES.get(study, {})
    run = run_study(folder, study, reduced, address, *target, "--resources", "mem_mb=1000000")
    assert run.returncode == 0, run.stdout + run.stderr
    return run


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Return a folder with both studies fetched from a hub, and the files requested for each study."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("paper"))
    names = [TWEETS, *(name for group in REAL_TASKS.values() for name in group)]
    asked = {}
    with hub.serving(paper_hub.build(folder / "hub", names)) as (address, requests):
        for study in STUDIES:
            run_reduced(folder, study, address, "fetch")
            asked[study] = [path for method, path in requests if method == "GET" and "/resolve/" in path]
            requests.clear()
        for study in VARIANTS:
            run_reduced(folder, study, address, "fetch")
    return folder, asked


@pytest.fixture(scope="module")
def finished(fetched):
    """Return a folder with both studies finished without a hub."""
    folder, _ = fetched
    for study in STUDIES:
        run_reduced(folder, study, NO_HUB)
    return folder


def test_fetch_only_downloads_and_all_studies_share_the_downloads(fetched):
    folder, asked = fetched
    for study in STUDIES:
        made = {path.name for path in (folder / "results" / study).iterdir()}
        assert made == {"configs", "fetched", "logs", "benchmarks"}
    assert any("ir_data" in path for path in asked["paper-mistral-7b"])
    second = asked["paper-qwen2-0.5b"]
    assert second and all(path.startswith("/Qwen/Qwen2-0.5B/") for path in second)
    assert not list(folder.glob("home/**/*.bin"))


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_finishes_without_a_hub(finished, study):
    base, repository = STUDIES[study]
    scores = pd.read_csv(finished / "results" / study / "scores.csv")
    tasks = [name for names in TASKS.values() for name in names]
    assert len(scores) == 5 * len(tasks)
    assert set(scores["task"]) == set(tasks) and set(scores["base"]) == {base}
    page = (finished / "results" / study / "findings.html").read_text()
    revisions = json.loads((finished / "results" / study / "fetched/revisions.json").read_text())
    assert {entry["for"] for entry in revisions} == {base, "training", *tasks}
    assert all(f"<code>{entry['revision']}</code>" in page for entry in revisions)
    for config in (finished / "results" / study / "models").rglob("run_config.json"):
        trained_on = json.loads(config.read_text())["base"]
        assert (trained_on["model"], trained_on["revision"]) == (repository, hub.COMMITS["main"])


@pytest.mark.parametrize("study", VARIANTS)
def test_a_variant_of_the_paper_trains_and_evaluates_without_a_hub(fetched, study):
    file = f"results/{study}/{VARIANTS[study][0]}"
    folder, _ = fetched
    run_reduced(folder, study, NO_HUB, file)
    if study == "mteb-eng-v2":
        assert set(pd.read_csv(folder / file)["task"]) == {
            "BIOSSES",
            "STS13",
            TWEETS,
        }
        return
    pool = json.loads(next((folder / file).glob("1_*/config.json")).read_text())
    assert (pool["latents"], pool["heads"], pool["head_dim"]) == (768, 32, 2048)


def test_reranking_ranks_only_its_candidates_without_a_hub_too(finished):
    for study in STUDIES:
        scores = pd.read_csv(finished / "results" / study / "scores.csv").query("category == 'Reranking'")
        assert set(scores["metric"]) == {"map_at_1000"}
        assert scores["score"].min() >= 0.5  # one of two candidates is right, not one of 200 documents
