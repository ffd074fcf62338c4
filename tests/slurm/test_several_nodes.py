"""A training over two nodes of a real SLURM, cancelled on the way, has the weights of two local processes."""

import json

import pytest
import yaml
from cluster import NEEDS_SLURM, Study, copy_of_the_workflow, local_run, slurm_cluster, until

DESIGN = "eos-causal"
MODEL = f"results/smoke/trained/tiny/{DESIGN}/seed1"
TWO_NODES = {"gpu": 2, "nodes": 2, "mpi": "srun", "tasks": 2, "tasks_per_gpu": 0}  # as docs/cluster.md says

pytestmark = NEEDS_SLURM


@pytest.fixture(scope="module")
def cancelled(tmp_path_factory):
    """Return the folder of the study with the finished training, and the nodes of its first job."""
    study = Study(copy_of_the_workflow(tmp_path_factory.mktemp("cluster")), {})
    profile = study.folder / "profiles/slurm/config.yaml"
    edited = yaml.safe_load(profile.read_text())
    edited["set-resources"]["train_design"] |= TWO_NODES | {"runtime": 10}
    profile.write_text(yaml.safe_dump(edited))
    with slurm_cluster(nodes=2) as study.env:
        with study.running(MODEL):
            study.wait_for_checkpoint(DESIGN)
            (job,) = study.jobs("train_design").values()
            nodes = study.slurm("squeue", "--noheader", "--format=%N", "--jobs", job).strip()
            study.slurm("scancel", job)
            log = study.results / f"logs/train_design/tiny/{DESIGN}/seed1.log"
            until(lambda: "stopped: by SIGTERM after step" in log.read_text(), "the last words")
    return study.folder, nodes


def test_a_training_over_two_nodes_lays_its_work_down_and_goes_on(cancelled):
    folder, nodes = cancelled
    assert nodes == "node[1-2]"
    log = folder / MODEL.replace("trained", "runs") / "training.jsonl"
    summary = json.loads(log.read_text().splitlines()[-1])
    assert summary["processes"] == 2
    assert 0 < summary["resumed_from_step"] < summary["steps"] == 60


def test_the_weights_are_those_of_two_processes_on_one_machine(cancelled, tmp_path):
    local = copy_of_the_workflow(tmp_path)
    local_run(local, MODEL, "--resources", "gpu=2", "--set-resources", "train_design:gpu=2")
    weights = f"{MODEL}/model.safetensors"
    assert (cancelled[0] / weights).read_bytes() == (local / weights).read_bytes()
