"""Says from what a findings page was made: versions, commit, hashes of its inputs, and the command."""

import importlib.metadata
import json
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.hashes import file_hash
from ..common.json_files import read_json
from .schema import study_schema, typed

PACKAGES = ["torch", "transformers", "sentence-transformers", "mteb", "snakemake"]
ABSENT = "not installed on the machine that wrote this page"


def provenance(study: Mapping[str, Any], files: Sequence[Path], fetched: Path) -> dict[str, Any]:
    """Return versions, the code's commit, SHA-256 of `files` as `sha256sum` prints them, and the command.

    study: the study config; fetched: list of what came from a hub, with commits; a study without hub data has
    none.
    """
    return {
        "command": command_line(study["made_by"]) if "made_by" in study else None,
        "commit": commit(),
        "versions": versions(),
        "fetched": read_json(fetched) if fetched.exists() else [],
        "hashes": {path.name: file_hash(path) for path in files},
    }


def made_by(file: Path, overrides: Mapping[str, Any], snakefile: str | None) -> dict[str, Any]:
    """Return where a study comes from, for its config: its file, the overrides of `--config`, the Snakefile.

    overrides: as Snakemake passes them, with nested numbers as text; snakefile: None if it is in the working
    directory.
    """
    return {"study": str(file), "overrides": typed(overrides, study_schema())} | (
        {"snakefile": snakefile} if snakefile else {}
    )


def command_line(origin: Mapping[str, Any]) -> str:
    """Return the command that runs a study again, from the `made_by` of its config."""
    elsewhere = ["--snakefile", origin["snakefile"]] if "snakefile" in origin else []
    overrides = [
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in origin["overrides"].items()
    ]
    return shlex.join(
        ["snakemake", "--cores", "all", *elsewhere, "--config", f"study={origin['study']}", *overrides]
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the results rest on."""
    found = {"Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ABSENT
    return found


def commit(folder: Path = Path(__file__).parent) -> str:
    """Return the commit that this code, in `folder`, was checked out from, and whether it was changed since.

    Code that git does not track, such as an installed package under somebody's checkout, has no commit.
    """
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return "unknown: the code is not in a git checkout"
    name = _git(folder, "rev-parse", "HEAD")
    if name is None:
        return "none yet"
    changed = _git(folder, "status", "--porcelain", "--", ":/")
    return f"{name}, with uncommitted changes" if changed else name


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()
