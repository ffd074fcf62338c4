"""Runs a private SLURM cluster, with two fake GPUs per node, and studies on it for tests."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from helpers.workflow_copy import copy_of_the_workflow

HERE = Path(__file__).parent
NEEDED = ["sbatch", "squeue", "scancel", "slurmctld", "slurmd", "munged"]
SMOKE = [  # the smoke study, reduced to what can be interrupted and compared
    "study=smoke",
    "seeds=[1]",
    "baselines=[]",
    'training={"steps": 60, "checkpoint_steps": 5}',
    'evaluation={"docstring_tasks": {"packages": ["networkx"], "categories": ["STS", "Retrieval"]}}',
]
MEMORY = {"evaluate_run": '"450 * min(attempt, 2)"'}  # MB; too little for the first attempt


def missing_programs() -> list[str]:
    """Return the SLURM programs that are missing on this machine."""
    return [name for name in NEEDED if shutil.which(name, path=environment()["PATH"]) is None]


def environment() -> dict[str, str]:
    """Return the environment of every command: one thread, so that runs give equal results, and no hub."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


NEEDS_SLURM = pytest.mark.skipif(
    bool(missing_programs()),
    reason=f"SLURM is missing here ({', '.join(missing_programs())}): apt-get install --no-install-recommends"
    " slurm-wlm munge",
)


@contextlib.contextmanager
def slurm_cluster(nodes: int = 1) -> Iterator[dict[str, str]]:
    """Yield the environment for the commands of a running SLURM, whose nodes are all this machine."""
    folder = tempfile.mkdtemp(prefix="slurm", dir="/tmp")  # short, for its unix socket
    sizes = {"NODES": str(nodes), "GPUS": "2", "CPUS": "4", "PORT": str(free_ports(nodes + 1))}
    try:
        up = subprocess.run(
            [HERE / "slurm-up.sh", folder], env=environment() | sizes, capture_output=True, text=True
        )
        assert up.returncode == 0, up.stderr
        changes = dict(re.findall(r"(\w+)=(\S+)", up.stdout))
        yield environment() | {
            "SLURM_CONF": changes["SLURM_CONF"],
            "PATH": changes["PATH"].replace("$PATH", environment()["PATH"]),
        }
    finally:
        subprocess.run([HERE / "slurm-down.sh", folder], check=True)
        shutil.rmtree(folder)


def free_ports(count: int) -> int:
    """Return the first of this many consecutive free ports."""
    while True:
        with contextlib.ExitStack() as sockets, contextlib.suppress(OSError, OverflowError):
            port = 0
            for number in range(count):
                held = sockets.enter_context(socket.socket())
                held.bind(("127.0.0.1", port + number if port else 0))
                port = port or held.getsockname()[1]
            return port


def copy_for_the_cluster(folder: Path) -> Path:
    """Return the folder with a copy of the workflow and a SLURM profile that fits the nodes."""
    profile = copy_of_the_workflow(folder) / "profiles/slurm/config.yaml"
    fitted = fit_profile(yaml.safe_load(profile.read_text()))
    profile.write_text(yaml.safe_dump(fitted))
    return folder


def fit_profile(profile: dict[str, Any]) -> dict[str, Any]:
    """Return the profile as a user of this cluster would edit it: only partitions and sizes."""
    rules = profile["set-resources"]
    for rule, resources in [("", profile["default-resources"]), *rules.items()]:
        resources["mem_mb"] = MEMORY.get(rule, "1500 * min(attempt, 2)").strip('"')
        resources["runtime"] = 10
        if "slurm_partition" in resources:
            resources["slurm_partition"] = "main"
    rules["train_design"]["runtime"] = "1 if attempt == 1 else 10"  # minutes; SLURM's minimum is 1
    rules["train_design"]["slurm_extra"] = "'--open-mode=append'"  # no early signal in so short a job
    del profile["set-threads"]  # use the threads of a local run, which affect the last digits
    profile["slurm-init-seconds-before-status-checks"] = 1
    profile["latency-wait"] = 15
    return profile


def local_run(folder: Path, config: list[str], *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run a study, or the targets among the arguments, in a copy of the workflow without SLURM."""
    command = ["snakemake", *arguments, "--cores", "2", "--config", *config]
    run = subprocess.run(command, cwd=folder, env=env or environment(), capture_output=True, text=True)
    assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]


def until(condition: Callable[[], Any], what: str, seconds: float = 180, every: float = 0.5) -> Any:
    """Return the first true value of `condition`; fail if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(every)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Study:
    """A study in a folder, run with the SLURM profile, and its jobs. base: the name of its only base."""

    def __init__(self, folder: Path, env: dict[str, str], config: list[str], base: str):
        self.folder = folder
        self.env = env
        self.config = config
        self.base = base
        self.name = config[0].removeprefix("study=")
        self.results = folder / "results" / self.name
        self.snakemake: subprocess.Popen | None = None

    @contextlib.contextmanager
    def running(self, *targets: str) -> Iterator[None]:
        """Run Snakemake on the cluster, for the full study or some targets, and wait until it ends.

        Its output goes to a file.
        """
        command = ["snakemake", *targets, "--workflow-profile", "profiles/slurm", "--config", *self.config]
        with (self.folder / "output.txt").open("w") as output:
            self.snakemake = subprocess.Popen(
                command, cwd=self.folder, env=self.env, stdout=output, stderr=output
            )
        try:
            yield
            assert self.snakemake.wait(timeout=400) == 0, self.output()[-3000:]
        finally:
            if self.snakemake.poll() is None:
                self.snakemake.terminate()  # Snakemake cancels its jobs
                self.snakemake.wait(timeout=60)

    def said(self) -> str:
        """Return the output of Snakemake so far."""
        return (self.folder / "said.txt").read_text()

    def slurm(self, *command: str) -> str:
        """Return the output of a SLURM command."""
        run = subprocess.run(command, env=self.env, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def jobs(self, rule: str) -> dict[str, str]:
        """Return the latest SLURM job of each job of a rule, by wildcards."""
        lines = self.slurm("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%k").splitlines()
        named = [line.split(f"|rule_{rule}_wildcards_") for line in lines if f"|rule_{rule}_" in line]
        return {wildcards: job for job, wildcards in named}

    def slurm_log(self, job: str) -> str:
        """Return the output of a SLURM job."""
        files = list(self.folder.glob(f"results/slurm_logs/*/*/{job}.log"))
        return files[0].read_text() if files else ""

    def hold_training(self, design: str) -> psutil.Process:
        """Pause a training process (SIGSTOP) in the middle of its steps, and return it.

        SLURM resumes it (SIGCONT) when it ends the job.
        """
        self.wait_for_checkpoint(design)
        process = self.training(design)
        process.send_signal(signal.SIGSTOP)
        return process

    def wait_for_checkpoint(self, design: str) -> None:
        """Wait until a training has written a new checkpoint."""
        checkpoints = self.results / f"checkpoints/{self.base}/{design}/seed1"
        earlier = set(checkpoints.glob("checkpoint-*/complete.json"))  # from an earlier attempt

        def a_new_checkpoint() -> bool:
            assert self.snakemake.poll() is None, self.said()[-3000:]
            return bool(set(checkpoints.glob("checkpoint-*/complete.json")) - earlier)

        until(a_new_checkpoint, f"a checkpoint of {design}", every=0.01)

    def training(self, design: str) -> psutil.Process:
        """Return the process of a training."""
        config = f"results/{self.name}/configs/runs/{self.base}/{design}/seed1.json"
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                ours = words[1:3] == ["-m", "embedding_designs.training.train_design"] and config in words
                if ours and Path(process.cwd()) == self.folder:
                    return process
        raise AssertionError(f"no process is training {design}")
