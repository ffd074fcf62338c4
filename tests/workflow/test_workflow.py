"""Complete studies through Snakemake: kills and reruns, replanning, rejected input, reproducible scores."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from huggingface_hub import ModelCard

from helpers import browser
from helpers.snakemake import environment, planned, snakemake
from helpers.workflow_copy import copy_of_the_workflow

FINDINGS = "results/smoke/findings.html"


def run_and_kill(folder: Path, module: str, partial: str) -> str:
    """Run the smoke study, kill -9 a module's process in the middle of its work, and return the output.

    partial: pattern of files that exist only while the module is working.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "study=smoke"]
    output = (folder / f"{module}.txt").open("w")
    running = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=output)
    killed = False
    while running.poll() is None and not killed:
        if any((folder / "results/smoke/checkpoints").glob(partial)):
            killed = kill_one(running.pid, f"embedding_designs.{module}")
        time.sleep(0.02)
    assert killed, f"no working process of {module} was found"
    assert running.wait() != 0
    return (folder / f"{module}.txt").read_text()


def kill_one(parent: int, module: str) -> bool:
    """Kill -9 one descendant of `parent` that runs a module, and return whether one was found."""
    for child in psutil.Process(parent).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if module in child.cmdline()[:3]:
                child.send_signal(signal.SIGKILL)
                return True
    return False


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Return a folder with the smoke study, finished after a training and an evaluation were killed."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("smoke"))
    output = run_and_kill(folder, "training.train_design", partial="tiny/*/seed*/checkpoint-*/complete.json")
    assert re.search(r"log: results/smoke/logs/train_design/\S+\.log", output)
    run_and_kill(folder, "evaluation.evaluate_run", partial="scores/tiny/*/seed*/all/*.json")
    finished = snakemake(folder)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


def test_the_study_ends_with_a_complete_findings_page(smoke):
    page = (smoke / FINDINGS).read_text()
    scores = pd.read_csv(smoke / "results/smoke/scores.csv")
    assert scores.groupby(["design", "seed"])["task"].nunique().tolist() == [12] * 4
    assert scores["category"].nunique() == 6
    for category in [*scores["category"].unique(), "All"]:
        for ending in ("svg", "pdf"):
            assert (smoke / f"results/smoke/figures/cd-tiny-{category}.{ending}").stat().st_size > 1000
    harvest = json.loads((smoke / "results/smoke/data/harvest.json").read_text())
    assert harvest["sha256"] in page
    baselines = pd.read_csv(smoke / "results/smoke/baselines.csv")
    assert set(baselines["baseline"]) == {"untrained-base", "bm25", "lsa"}
    assert not list((smoke / "results/smoke/checkpoints").rglob("*.json"))


def test_each_run_ends_with_a_model_whose_card_has_its_scores(smoke):
    scores = pd.read_csv(smoke / "results/smoke/scores.csv")
    for (design, seed), own in scores.groupby(["design", "seed"]):
        folder = Path(f"tiny/{design}/seed{seed}")
        model, trained = (smoke / "results/smoke" / name / folder for name in ("models", "trained"))
        card = ModelCard.load(model / "README.md")
        on_card = {result.dataset_name: result.metric_value for result in card.data.eval_results}
        assert on_card == dict(zip(own["task"], own["score"], strict=True))
        assert str(smoke) not in card.content
        assert (model / "model.safetensors").samefile(trained / "model.safetensors")


@browser.needed
def test_the_findings_page_shows_every_figure_and_makes_no_network_requests(smoke, tmp_path):
    with browser.opened(smoke / FINDINGS, tmp_path / "profile", 1280) as page:
        widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        # critical differences (over all tasks twice, also by Wilcoxon), differences, scores, cost, training
        assert len(widths) == 8 + 5
        assert min(widths) > 0
        assert {address.split(":")[0] for address in page.requests} <= {"file", "data"}


def test_a_second_run_does_nothing_and_says_so(smoke):
    again = snakemake(smoke)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_deleted_results_of_a_finished_study_are_made_again(smoke):
    results = smoke / "results/smoke"
    parts = ["figures", "tables", "scores.csv", "baselines.csv", "statistics.json"]
    before = {part: results / part for part in parts}
    kept = {part: (results / part).rename(smoke / f"kept-{Path(part).name}") for part in before}
    jobs = planned(snakemake(smoke, "--dry-run", "--quiet", "host"))
    for part, path in kept.items():
        path.rename(results / part)
    assert {"collect_scores", "compare_designs", "draw_figures"} <= jobs.keys()
    assert not {"train_design", "evaluate_run"} & jobs.keys()


def test_copied_results_are_checked_against_the_current_study(smoke, tmp_path):
    """The copy lacks .snakemake, which records how each file was made."""
    folder = copy_of_the_workflow(tmp_path)
    shutil.copytree(smoke / "results", folder / "results")
    plan = ["--dry-run", "--quiet", "host"]
    assert not planned(snakemake(folder, *plan)).keys() & {"train_design", "evaluate_run", "compare_designs"}
    change = 'designs={"multi-layer-bidirectional": {"pooling": {"latents": 4}}}'
    jobs = planned(snakemake(folder, change, *plan))
    assert (jobs["train_design"], jobs["evaluate_run"]) == (2, 2)
    assert jobs["write_findings"] == 1
    assert "pretrain_base" not in jobs


def test_changing_a_parameter_of_one_design_replans_only_its_runs(smoke):
    change = 'designs={"multi-layer-bidirectional": {"pooling": {"latents": 4}}}'
    jobs = planned(snakemake(smoke, change, "--dry-run", "--quiet", "host"))
    assert jobs["train_design"] == 2
    assert jobs["evaluate_run"] == 2
    assert jobs["write_model_card"] == 4  # every card has the verdict on all designs
    assert not {"harvest_docstrings", "prepare_data", "pretrain_base", "evaluate_baseline"} & jobs.keys()


def test_a_new_recipe_replans_all_trainings_and_a_new_alpha_none(smoke):
    assert (
        planned(snakemake(smoke, 'training={"steps": 11}', "--dry-run", "--quiet", "host"))["train_design"]
        == 4
    )
    jobs = planned(snakemake(smoke, 'statistics={"alpha": 0.1}', "--dry-run", "--quiet", "host"))
    assert (jobs["compare_designs"], jobs["write_model_card"]) == (1, 4)
    assert "train_design" not in jobs


def test_the_same_lock_gives_the_same_scores_byte_for_byte(smoke, tmp_path):
    folder = copy_of_the_workflow(tmp_path)
    results = Path("results/smoke")
    scores = [
        str(results / f"scores/tiny/{design}/seed1/all.csv")
        for design in ("eos-causal", "multi-layer-bidirectional")
    ]
    assert snakemake(folder, "--", *scores).returncode == 0
    for table in (*scores, results / "data/docstrings.parquet", results / "data/train.parquet"):
        assert (folder / table).read_bytes() == (smoke / table).read_bytes(), table


def test_snakemake_can_write_a_report_on_the_study(smoke):
    run = snakemake(smoke, "--report", "report.zip")
    assert run.returncode == 0, run.stderr
    assert (smoke / "report.zip").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('training={"step": 1}', "training.step is not known; did you mean steps?"),
        ('evaluation={"batch_by": "tasks"}', 'evaluation.batch_by "tasks" is not known; did you mean task?'),
    ],
)
def test_a_wrong_key_is_rejected_before_anything_is_written(tmp_path, change, message):
    folder = copy_of_the_workflow(tmp_path)
    run = snakemake(folder, change)
    assert run.returncode != 0
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not (folder / "results").exists()


def test_an_unknown_mteb_task_is_rejected_and_the_nearest_name_suggested(tmp_path):
    run = snakemake(
        copy_of_the_workflow(tmp_path), 'evaluation={"tasks": {"STS": ["STSBenchmrk"]}}', "--dry-run"
    )
    assert run.returncode != 0
    assert "evaluation.tasks.STS STSBenchmrk is not an MTEB task" in run.stderr
    assert "did you mean STSBenchmark or" in run.stderr


def test_the_error_for_an_unknown_study_lists_the_studies(tmp_path):
    run = snakemake(copy_of_the_workflow(tmp_path), study="quikstart")
    assert run.returncode != 0
    assert "config/studies/quikstart.yaml: no such study; studies in that folder: " in run.stderr
