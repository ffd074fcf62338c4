"""The smoke study on a one-node SLURM, with jobs stopped in four ways, gives the results of a local run."""

import re

import pytest

from helpers.cluster import NEEDS_SLURM, SMOKE, Study, copy_for_the_cluster, local_run, slurm_cluster, until

DESIGNS = ["eos-causal", "multi-layer-bidirectional"]

pytestmark = [pytest.mark.slurm, NEEDS_SLURM]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return the results of the same study without SLURM."""
    folder = copy_for_the_cluster(tmp_path_factory.mktemp("local"))
    local_run(folder, SMOKE, "--until", "collect_scores")
    return folder / "results/smoke"


@pytest.fixture(scope="module")
def cluster():
    with slurm_cluster() as env:
        yield env


@pytest.fixture(scope="module")
def interrupted(local, cluster, tmp_path_factory):
    """Return the finished study, and what was observed while it ran."""
    study = Study(copy_for_the_cluster(tmp_path_factory.mktemp("cluster")), cluster, SMOKE, "tiny")
    with study.running():
        seen = interrupt(study)
    return study, seen


def interrupt(study: Study) -> dict:
    """Stop trainings midway: one by an urgent job and then by scancel, the other by its time limit."""
    held = {design: study.hold_training(design) for design in DESIGNS}
    jobs = study.jobs("train_design")
    first = {design: jobs[f"smoke_tiny_{design}_1"] for design in DESIGNS}
    gpus = [process.environ()["CUDA_VISIBLE_DEVICES"] for process in held.values()]

    study.slurm("sbatch", "--partition=urgent", "--gpus=1", "--output=/dev/null", "--wrap=sleep 1")
    preempted = until(lambda: [design for design in DESIGNS if end_of(study, first[design])], "a preemption")
    logs = {"preemption": study.slurm_log(first[preempted[0]])}
    study.hold_training(preempted[0])  # it was requeued and has resumed
    requeued = study.jobs("train_design")[f"smoke_tiny_{preempted[0]}_1"]
    study.slurm("scancel", requeued)
    logs["scancel"] = until(lambda: end_of(study, requeued, 2), "the end of a canceled job")

    (limited,) = set(DESIGNS) - set(preempted)
    logs["time limit"] = until(lambda: end_of(study, first[limited]), "the time limit")
    return {"gpus": gpus, "logs": logs, "requeued as": (first[preempted[0]], requeued)}


def end_of(study: Study, job: str, times: int = 1) -> str:
    """Return the log of a job once it has ended this many times, or else an empty string."""
    log = study.slurm_log(job)
    return log if len(re.findall("error: .*task 0: ", log)) >= times else ""


def test_each_training_has_its_own_gpu(interrupted):
    assert sorted(interrupted[1]["gpus"]) == ["0", "1"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [("preemption", "DUE TO PREEMPTION"), ("scancel", "CANCELLED AT"), ("time limit", "DUE TO TIME LIMIT")],
)
def test_a_stopped_training_saves_its_work(interrupted, end, reason):
    log = interrupted[1]["logs"][end]
    assert reason in log
    assert re.search(r"stopped: by SIGTERM after step \d+ of 60", log)
    # The shell, and with it SLURM's step, outlived the training.
    assert "returned non-zero exit status 143" in log


def test_a_preempted_training_keeps_its_job_id(interrupted):
    before, after = interrupted[1]["requeued as"]
    assert before == after


def test_an_evaluation_that_runs_out_of_memory_is_retried_with_more(interrupted):
    kept = interrupted[0].folder.glob("results/slurm_logs/rule_evaluate_run/*/*.log")  # only of failed jobs
    assert ["exceeded memory limit" in file.read_text() for file in kept] == [True, True]


def test_models_and_scores_equal_those_of_the_local_run(interrupted, local):
    results = interrupted[0].results
    for design in DESIGNS:
        weights = f"trained/tiny/{design}/seed1/model.safetensors"
        assert (results / weights).read_bytes() == (local / weights).read_bytes(), design
    assert (results / "scores.csv").read_bytes() == (local / "scores.csv").read_bytes()


def test_the_study_is_complete_and_leaves_no_checkpoints(interrupted):
    results = interrupted[0].results
    assert (results / "findings.html").exists()
    assert all((results / f"models/tiny/{design}/seed1/README.md").exists() for design in DESIGNS)
    assert not [path for path in (results / "checkpoints").rglob("*") if path.is_file()]
