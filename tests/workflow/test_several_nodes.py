"""A run of the paper's study on a real SLURM: fetched, trained on two nodes, canceled, and resumed.

Bases and data are miniatures from a hub on this machine. The hub is gone after the fetch.
"""

import json

import pytest
import yaml

from helpers import hub, paper_hub
from helpers.cluster import (
    NEEDS_SLURM,
    Study,
    copy_for_the_cluster,
    environment,
    local_run,
    slurm_cluster,
    until,
)

DESIGN = "eos-causal"
STUDY = [
    "study=paper-qwen2-0.5b",
    "seeds=[1]",
    'training={"steps": 60, "gradient_accumulation_steps": 1, "warmup_steps": 1, "checkpoint_steps": 5}',
    f"evaluation={json.dumps({'tasks': {**paper_hub.NO_TASKS, **paper_hub.MADE_UP}})}",
]
MODEL = f"results/paper-qwen2-0.5b/trained/qwen2-0.5b/{DESIGN}/seed1"
SCORES = f"results/paper-qwen2-0.5b/scores/qwen2-0.5b/{DESIGN}/seed1/small.csv"
TWO_NODES = {"gpu": 2, "nodes": 2, "mpi": "srun", "tasks": 2, "tasks_per_gpu": 0}  # as in docs/cluster.md
NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9"}  # the discard port: no hub answers here

pytestmark = [pytest.mark.slurm, NEEDS_SLURM]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Return two copies of the workflow with the study fetched, and the environment that they share."""
    folder = tmp_path_factory.mktemp("paper")
    env = {name: value for name, value in environment().items() if name != "HF_HUB_OFFLINE"}
    env |= {"HF_HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1"}
    for name in ("cluster", "local"):
        (folder / name).mkdir()
    copies = [copy_for_the_cluster(folder / name) for name in ("cluster", "local")]
    with hub.serving(paper_hub.build(folder / "hub", [])) as (address, _):
        for copy in copies:
            local_run(copy, STUDY, "fetch", env=env | {"HF_ENDPOINT": address})
    return *copies, env | NO_HUB


@pytest.fixture(scope="module")
def canceled(fetched):
    """Return the study with a run that was canceled and then finished, and the nodes of its first attempt."""
    folder, _, env = fetched
    profile = folder / "profiles/slurm/config.yaml"
    edited = yaml.safe_load(profile.read_text())
    edited["set-resources"]["train_design"] |= TWO_NODES | {"runtime": 10}
    edited["set-resources"]["evaluate_run"] |= {"mem_mb": 1500}
    profile.write_text(yaml.safe_dump(edited))
    with slurm_cluster(nodes=2) as of_slurm:
        of_jobs = of_slurm | {name: env[name] for name in ("HF_HOME", *NO_HUB)}
        study = Study(folder, of_jobs, STUDY, "qwen2-0.5b")
        with study.running(SCORES):
            study.wait_for_checkpoint(DESIGN)
            (job,) = study.jobs("train_design").values()
            nodes = study.slurm("squeue", "--noheader", "--format=%N", "--jobs", job).strip()
            study.slurm("scancel", job)
            log = study.results / f"logs/train_design/qwen2-0.5b/{DESIGN}/seed1.log"
            until(lambda: "stopped: by SIGTERM after step" in log.read_text(), "the training's last message")
    return study, nodes


def test_a_canceled_training_on_two_nodes_resumes(canceled):
    study, nodes = canceled
    assert nodes == "node[1-2]"
    log = study.results / f"runs/qwen2-0.5b/{DESIGN}/seed1/training.jsonl"
    summary = json.loads(log.read_text().splitlines()[-1])
    assert summary["processes"] == 2
    assert 0 < summary["resumed_from_step"] < summary["steps"] == 60


def test_weights_and_scores_equal_those_of_two_processes_on_one_machine(canceled, fetched):
    _, local, env = fetched
    local_run(local, STUDY, SCORES, "--resources", "gpu=2", "--set-resources", "train_design:gpu=2", env=env)
    for file in (f"{MODEL}/model.safetensors", SCORES):
        assert (canceled[0].folder / file).read_bytes() == (local / file).read_bytes(), file
