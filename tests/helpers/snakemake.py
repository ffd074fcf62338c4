"""Runs Snakemake in a copy of the workflow."""

import os
import re
import subprocess
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
    }


def snakemake(folder: Path, *arguments: str, study: str = "smoke") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", f"study={study}", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def planned(run: subprocess.CompletedProcess) -> dict[str, int]:
    lines = (run.stdout + run.stderr).splitlines()
    return {name: int(count) for name, count in re.findall(r"(?m)^(\w+) +(\d+)$", "\n".join(lines))}
