"""A copy of the files that Snakemake needs, in which tests run studies, with a local hub or none."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.paths import ROOT

NO_HUB = "http://127.0.0.1:9"  # the discard port: no hub answers here
PARTS = ["Snakefile", "workflow", "config", "profiles", "envs", "resources", "requirements.lock"]


def copy_of_the_workflow(folder: Path) -> Path:
    """Copy the workflow into a folder and return the folder."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


def run_study(
    folder: Path, study: str, changes: dict, address: str, *arguments: str
) -> subprocess.CompletedProcess:
    """Run Snakemake on a study in a copy of the workflow; changes: to its keys; address: of the hub."""
    config = [f"study={study}", *(f"{key}={json.dumps(value)}" for key, value in changes.items())]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--config", *config]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
