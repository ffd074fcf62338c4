"""The paper's studies as shipped, with a local hub that is gone after `snakemake fetch`.

The study of the paper runs to its findings page; of every other one, a file is made that shows what
distinguishes it. To save time, the command line reduces the steps, seeds, tasks, and latents.
"""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from helpers import hub, paper_hub
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

PAPER, BASE, REPOSITORY = "paper-mistral-7b", "mistral-7b", "mistralai/Mistral-7B-v0.1"
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
    "layers": {"tasks": ["STS13"]},
}
TWEETS = "TweetSentimentExtractionClassification"
VARIANTS = {  # for each study: one file that shows what distinguishes it, and what is reduced
    "paper-qwen2-0.5b": (
        "scores/qwen2-0.5b/multi-layer-causal/seed1/small.csv",
        {name: value for name, value in REDUCED.items() if name != "layers"},
    ),
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

pytestmark = [
    pytest.mark.studies,
    pytest.mark.skipif(not paper_hub.REAL.is_dir(), reason=f"no task data in {paper_hub.REAL}"),
]


def run_reduced(folder: Path, study: str, address: str, *target: str) -> subprocess.CompletedProcess:
    reduced = REDUCED if study == PAPER else VARIANTS[study][1]
    run = run_study(folder, study, reduced, address, *target, "--resources", "mem_mb=1000000")
    assert run.returncode == 0, run.stdout + run.stderr
    return run


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Return a folder with all studies fetched from a hub, and the files requested for each study."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("paper"))
    names = [TWEETS, *(name for group in REAL_TASKS.values() for name in group)]
    asked = {}
    with hub.serving(paper_hub.build(folder / "hub", names)) as (address, requests):
        for study in [PAPER, *VARIANTS]:
            run_reduced(folder, study, address, "fetch")
            asked[study] = [path for method, path in requests if method == "GET" and "/resolve/" in path]
            requests.clear()
    return folder, asked


def test_fetch_only_downloads_and_all_studies_share_the_downloads(fetched):
    folder, asked = fetched
    for study in asked:
        made = {path.name for path in (folder / "results" / study).iterdir()}
        assert made == {"configs", "fetched", "logs", "benchmarks"}
    assert any("ir_data" in path for path in asked[PAPER])
    second = asked["paper-qwen2-0.5b"]
    assert second and all(path.startswith("/Qwen/Qwen2-0.5B/") for path in second)
    assert not list(folder.glob("home/**/*.bin"))


def test_the_study_of_the_paper_finishes_without_a_hub(fetched):
    folder, _ = fetched
    run_reduced(folder, PAPER, NO_HUB)
    results = folder / "results" / PAPER
    scores = pd.read_csv(results / "scores.csv")
    tasks = [name for names in TASKS.values() for name in names]
    assert len(scores) == 5 * len(tasks)
    assert set(scores["task"]) == set(tasks) and set(scores["base"]) == {BASE}
    assert_only_candidates_are_ranked(scores)
    page = (results / "findings.html").read_text()
    revisions = json.loads((results / "fetched/revisions.json").read_text())
    assert {entry["for"] for entry in revisions} == {BASE, "training", *tasks}
    assert all(f"<code>{entry['revision']}</code>" in page for entry in revisions)
    for config in (results / "models").rglob("run_config.json"):
        trained_on = json.loads(config.read_text())["base"]
        assert (trained_on["model"], trained_on["revision"]) == (REPOSITORY, hub.COMMITS["main"])


@pytest.mark.parametrize("study", VARIANTS)
def test_a_variant_of_the_paper_trains_and_evaluates_without_a_hub(fetched, study):
    folder, _ = fetched
    file, reduced = VARIANTS[study]
    path = folder / "results" / study / file
    run_reduced(folder, study, NO_HUB, str(path.relative_to(folder)))
    if path.suffix == ".csv":
        scores = pd.read_csv(path)
        tasks = [name for names in reduced["evaluation"]["tasks"].values() for name in names]
        assert sorted(scores["task"]) == sorted(tasks)
        assert_only_candidates_are_ranked(scores)
    else:
        pool = json.loads(next(path.glob("1_*/config.json")).read_text())
        assert (pool["latents"], pool["heads"], pool["head_dim"]) == (768, 32, 2048)


def assert_only_candidates_are_ranked(scores: pd.DataFrame) -> None:
    """Reranking without a hub, too: one of two candidates is right, not one of 200 documents."""
    reranking = scores.query("category == 'Reranking'")
    assert set(reranking["metric"]) <= {"map_at_1000"}
    assert (reranking["score"] >= 0.5).all()
