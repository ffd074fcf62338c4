"""Channels for the stand-in for conda, built from the installed packages by linking to their files.

Building them takes seconds, even with pytorch. They do not show that conda-forge has these packages.
"""

import email.message
import hashlib
import importlib.metadata
import io
import json
import re
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/python{PYTHON}/site-packages"
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "huggingface-hub": "huggingface_hub"}
FROM_PYPI = {"bm25s", "mteb", "pystemmer", "pytrec-eval-terrier"}
FROM_BIOCONDA = re.compile(r"snakemake")
File = bytes | Path  # contents or link target


def normalized(name: str) -> str:
    """Return a distribution's name in the form in which PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def conda_name(name: str) -> str:
    """Return the name of a distribution in conda's channels."""
    return CONDA_NAMES.get(normalized(name), normalized(name))


def make_channels(folder: Path) -> None:
    """Make the channels conda-forge and bioconda, and a folder of wheels for packages that only PyPI has."""
    packages: dict[str, list[dict]] = {
        "conda-forge": [python_package(folder / "conda-forge")],
        "bioconda": [],
    }
    installed = {normalized(found.metadata["Name"]): found for found in importlib.metadata.distributions()}
    owners = Counter(entry for found in installed.values() for entry in top_level(found))
    for name, found in installed.items():
        if name in FROM_PYPI:
            write_wheel(folder / "wheels", found)
            continue
        channel = "bioconda" if FROM_BIOCONDA.match(name) else "conda-forge"
        packages[channel] += link_packages(folder / channel, found, owners)
    for channel, records in packages.items():
        write_index(folder / channel, records)


def python_package(channel: Path) -> dict:
    """Return a package with the running interpreter, laid out like a virtual environment."""
    base = Path(sys.base_prefix).resolve() / "bin"
    configuration = f"home = {base}\ninclude-system-site-packages = false\n"
    files: dict[str, File] = {
        f"bin/{name}": base / f"python{PYTHON}" for name in ("python", "python3", f"python{PYTHON}")
    }
    files |= {"pyvenv.cfg": configuration.encode(), f"{SITE}/README.txt": b"\n"}
    return write_package(channel, "python", ".".join(map(str, sys.version_info[:3])), "stand_in_0", files, [])


def link_packages(channel: Path, found: importlib.metadata.Distribution, owners: Counter) -> list[dict]:
    """Return the package of an installed distribution; for pytorch, a CPU and a CUDA build."""
    site = Path(str(found.locate_file(""))).resolve()
    entries = {entry for entry in top_level(found) if owners[entry] == 1}
    shared = {
        str(file)
        for file in found.files or []
        if file.parts[0] not in entries and file.parts[0] != ".." and "__pycache__" not in file.parts
    }
    files: dict[str, File] = {f"{SITE}/{entry}": site / entry for entry in entries | shared}
    name, version = conda_name(found.metadata["Name"]), found.version.split("+")[0]
    depends = [f"python {PYTHON}.*", *requirements(found.metadata)]
    if name != "pytorch":
        return [write_package(channel, name, version, "stand_in_0", files, depends)]
    # The solver avoids a package with track_features if another one satisfies the requirements.
    return [
        write_package(channel, name, version, "cpu_0", files, depends, track_features="pytorch-cpu"),
        write_package(channel, name, version, "cuda_0", files, [*depends, "__cuda"]),
    ]


def top_level(found: importlib.metadata.Distribution) -> set[str]:
    """Return a distribution's files and folders in site-packages."""
    names = {file.parts[0] for file in found.files or []}
    return {name for name in names if name not in ("..", "__pycache__") and found.locate_file(name).exists()}


def requirements(metadata: email.message.Message) -> Iterable[str]:
    """Yield the requirements of a distribution in conda's notation, without those that only PyPI has."""
    for text in metadata.get_all("Requires-Dist") or []:
        needed = Requirement(text)
        wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if wanted and normalized(needed.name) not in FROM_PYPI:
            yield f"{conda_name(needed.name)} {needed.specifier}".strip()


def write_package(
    channel: Path,
    name: str,
    version: str,
    build: str,
    files: dict[str, File],
    depends: list[str],
    **more: str,
) -> dict:
    """Write a conda package and return its entry in the channel's index."""
    index = {
        "name": name, "version": version, "build": build, "build_number": 0, "subdir": "linux-64",
        "arch": "x86_64", "platform": "linux", "depends": depends, **more,
    }  # fmt: skip
    paths = [
        {
            "_path": path,
            "path_type": "softlink" if isinstance(content, Path) else "hardlink",
            "sha256": hashlib.sha256(b"" if isinstance(content, Path) else content).hexdigest(),
            "size_in_bytes": 0 if isinstance(content, Path) else len(content),
        }
        for path, content in sorted(files.items())
    ]
    info = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}).encode(),
        "info/files": "".join(f"{path}\n" for path in sorted(files)).encode(),
    }
    file = channel / "linux-64" / f"{name}-{version}-{build}.tar.bz2"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:bz2", compresslevel=1) as archive:
        for path, content in {**info, **files}.items():
            entry = tarfile.TarInfo(path)
            if isinstance(content, Path):
                entry.type, entry.linkname = tarfile.SYMTYPE, str(content)
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    raw = file.read_bytes()
    return index | {"fn": file.name, "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}


def write_index(channel: Path, records: list[dict]) -> None:
    """Write a channel's repodata.json for linux-64, and an empty one for noarch."""
    packages = {record.pop("fn"): record for record in records}
    for subdir, content in [("linux-64", packages), ("noarch", {})]:
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        index = {"info": {"subdir": subdir}, "packages": content, "packages.conda": {}, "repodata_version": 1}
        (channel / subdir / "repodata.json").write_text(json.dumps(index))


def write_wheel(folder: Path, found: importlib.metadata.Distribution) -> None:
    """Write a wheel of an installed distribution without its scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    tag = re.search(r"(?m)^Tag: (.+)$", found.read_text("WHEEL") or "")[1]
    name = re.sub(r"[-_.]+", "_", found.metadata["Name"])
    with zipfile.ZipFile(folder / f"{name}-{found.version}-{tag}.whl", "w") as wheel:
        for file in found.files or []:
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                wheel.write(str(file.locate()), str(file))
