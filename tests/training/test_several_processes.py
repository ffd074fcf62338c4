"""Training in several processes: the batch, the loss, the update and the log are those of one process."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from embedding_designs.common.json_files import write_json
from embedding_designs.training.checkpoint_files import COMPLETE
from embedding_designs.training.launch import accelerate_command
from helpers.paths import ROOT
from helpers.toy import sentence
from helpers.training import environment, same_weights, train_command

DESIGNS = ["eos-causal", "last-layer-causal", "multi-layer-bidirectional", "no-layer-weights", "causal2vec"]
RECIPE = {
    "batch_size": 8,
    "gradient_accumulation_steps": 3,
    "steps": 5,
    "learning_rate": 0.001,
    "heldout_steps": 2,
}
ONE_SOURCE = "batches of one source each"
CHUNKED = "multi-layer-bidirectional, 5 texts at once"
WITH_DROPOUT = ["never stopped", "stopped within a step", "stopped in a held-out loss"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return train.parquet, 96 rows of 2 sources, half of which share 12 passages, and heldout.parquet."""
    folder = tmp_path_factory.mktemp("shared")
    for name, rows in (("train", 96), ("heldout", 16)):
        numbers = range(rows)
        columns = {
            "query": [f"{sentence(number, 4)} {number}" for number in numbers],
            "positive": [f"{number % 12 if number % 2 else number} fox" for number in numbers],
            "source": ["first" if number % 5 else "second" for number in numbers],
        }
        pd.DataFrame(columns).to_parquet(folder / f"{name}.parquet", index=False)
    return folder / "train.parquet", folder / "heldout.parquet"


@pytest.fixture(scope="module")
def runs(run_config, bases, shared, tmp_path_factory):
    """Return the folders of the same trainings in one process (1 x 8) and in two (2 x 4)."""
    configs = {design: run_config(design, **RECIPE) for design in DESIGNS}
    configs[CHUNKED] = run_config("multi-layer-bidirectional", **RECIPE, mini_batch_size=5)
    configs[ONE_SOURCE] = run_config("eos-causal", **RECIPE, batches="homogeneous")
    configs |= {name: run_config(lora=True, **RECIPE) for name in WITH_DROPOUT}
    stop = {"stopped within a step": 5, "stopped in a held-out loss": 8}
    folders = {}
    for processes in (1, 2):
        folder = tmp_path_factory.mktemp(f"processes{processes}")
        contents = {name: config.to_json() for name, config in configs.items()}
        cases = {"base": str(bases["mistral"]), "configs": contents, "stop": stop, "output": str(folder)}
        cases |= {"train": str(shared[0]), "heldout": str(shared[1])}
        write_json(folder / "cases.json", cases)
        command = [sys.executable, "-m"]
        if processes > 1:
            launch = accelerate_command(processes, 1, "", "train_design", [])
            command = launch[: launch.index("--module") + 1]
        command += ["helpers.several_processes", str(folder / "cases.json")]
        subprocess.run(command, env=environment(), check=True)
        folders[processes] = folder
    return folders


def weights_of(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return torch.load(folder / name / "weights.pt")


def log_of(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", [*DESIGNS, CHUNKED, ONE_SOURCE])
def test_two_processes_end_with_the_weights_of_one(name, runs):
    one, two = weights_of(runs[1], name), weights_of(runs[2], name)
    assert one.keys() == two.keys()
    for weight in one:
        if weight.endswith("attention.self.key.bias"):  # has no effect, so its gradients are rounding errors
            continue
        torch.testing.assert_close(two[weight], one[weight], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [*DESIGNS, CHUNKED, ONE_SOURCE])
def test_two_processes_write_the_log_of_one(name, runs):
    one, two = log_of(runs[1], name), log_of(runs[2], name)
    for key in ("event", "step", "tokens", "learning_rate"):
        assert [line.get(key) for line in two] == [line.get(key) for line in one]
    for key in ("loss", "heldout_loss"):
        losses = [[line[key] for line in log if key in line] for log in (one, two)]
        assert len(losses[0]) == {"loss": 5, "heldout_loss": 3}[key]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize("name", WITH_DROPOUT[1:])
def test_if_one_of_two_processes_is_stopped_both_stop_and_resume_to_the_same_weights(name, runs):
    never, stopped = weights_of(runs[2], WITH_DROPOUT[0]), weights_of(runs[2], name)
    assert same_weights(never, stopped)
    assert log_of(runs[2], name)[-1]["resumed_from_step"] == WITH_DROPOUT.index(name)
    assert [line.get("loss") for line in log_of(runs[2], name)] == [
        line.get("loss") for line in log_of(runs[2], WITH_DROPOUT[0])
    ]


def test_each_process_draws_its_own_random_numbers(runs):
    (checkpoint,) = (runs[2] / WITH_DROPOUT[0]).glob("checkpoint-5")
    states = [torch.load(checkpoint / f"rng_state_{rank}.pth", weights_only=False)["cpu"] for rank in (0, 1)]
    assert not torch.equal(*states)


def test_a_batch_that_the_processes_cannot_share_is_refused(runs):
    assert (runs[1] / "refused.txt").read_text() == ""
    said = (runs[2] / "refused.txt").read_text()
    assert said.startswith("training.batch_size 7 cannot be shared by 2 GPUs")


def test_sigterm_to_the_launcher_ends_all_processes_in_time_and_the_same_command_resumes(
    run_config, bases, triplets, tmp_path
):
    config = run_config(**RECIPE | {"steps": 60, "checkpoint_steps": 60})
    command = train_command(config, bases["mistral"], triplets, tmp_path, "--processes", "2")
    console = (tmp_path / "console.txt").open("w")
    given = {"env": {**environment(), "EMBEDDING_DESIGNS_CONSOLE": str(console.fileno())}}
    given |= {"pass_fds": [console.fileno()], "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(command, **given)
    log = tmp_path / "checkpoints" / "training.jsonl"
    while running.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 2):
        time.sleep(0.02)
    began = time.perf_counter()
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) != 0
    assert time.perf_counter() - began < 30
    assert list(tmp_path.glob(f"checkpoints/checkpoint-*/{COMPLETE}"))
    assert not (tmp_path / "model").exists()
    assert "stopped: by SIGTERM after step" in (tmp_path / "console.txt").read_text()

    subprocess.run(command, check=True, **given)
    lines = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert 0 < lines[-1]["resumed_from_step"] < 60
    assert (lines[-1]["steps"], lines[-1]["processes"]) == (60, 2)
    assert (tmp_path / "model" / "modules.json").exists()
    assert not (tmp_path / "checkpoints").exists()


SRUN = """#!{python}
import os, subprocess, sys
nodes = int(sys.argv[1].removeprefix("--nodes="))
command = sys.argv[1 + [word.startswith("--") for word in sys.argv[1:]].index(False):]
given = dict(os.environ, SLURM_LAUNCH_NODE_IPADDR="127.0.0.1")
each = [subprocess.Popen(command, env=dict(given, SLURM_NODEID=str(node))) for node in range(nodes)]
sys.exit(max(process.wait() for process in each))
"""


def test_two_nodes_of_a_slurm_job_train_one_model(run_config, bases, triplets, tmp_path):
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(SRUN.format(python=sys.executable))
    srun.chmod(0o755)
    config = run_config("mean-causal", **RECIPE | {"steps": 2})
    command = train_command(config, bases["mistral"], triplets, tmp_path, "--processes", "2", "--nodes", "2")
    path = f"{srun.parent}:{os.environ['PATH']}"
    subprocess.run(command, env={**environment(), "PATH": path, "SLURM_JOB_ID": str(os.getpid())}, check=True)
    assert json.loads((tmp_path / "training.jsonl").read_text().splitlines()[-1])["processes"] == 2


@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is not None, reason="DeepSpeed is installed here")
def test_zero2_without_deepspeed_is_refused_in_one_line(run_config, bases, triplets, tmp_path):
    config = str(ROOT / "profiles/accelerate/zero2.yaml")
    command = train_command(
        run_config(), bases["mistral"], triplets, tmp_path, "--processes", "2", "--accelerate", config
    )
    refused = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith(
        f"error: --accelerate {config}: DeepSpeed is not installed; `pip install"
    )
    assert refused.stderr.count("\n") == 1


def test_several_nodes_outside_of_a_slurm_job_are_refused(run_config, bases, triplets, tmp_path):
    command = train_command(
        run_config(), bases["mistral"], triplets, tmp_path, "--processes", "2", "--nodes", "2"
    )
    outside = {name: value for name, value in environment().items() if name != "SLURM_JOB_ID"}
    refused = subprocess.run(command, env=outside, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr == "error: --nodes 2: more than one node needs a SLURM job\n"
