"""A copy of the files that Snakemake needs, in which tests run studies."""

import shutil
from pathlib import Path

from helpers.paths import ROOT

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
