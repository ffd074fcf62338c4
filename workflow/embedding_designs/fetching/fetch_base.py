"""Fetches a base or an encoder: safetensors from the hub, or a GGUF file, which is made into safetensors.

python -m embedding_designs.fetching.fetch_base BASE.json --output FETCHED.json
"""

import argparse
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub.utils import WeakFileLock

from ..common.atomic_writes import resumable
from ..common.command import command
from ..common.errors import BadInput
from ..common.hashes import file_hash
from ..common.json_files import read_json, write_json
from ..study.base_folder import (
    ADAPTER,
    HOLDS_AN_ADAPTER,
    asked_by_base,
    gguf_file_of,
    instead_of_safetensors,
    kind_of,
    no_such_gguf,
)
from .fetched import gguf_folder
from .hub import fetch, local
from .wheel import file_of_package

WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors")
SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")  # configuration and tokenizer


def chosen_files(files: Iterable[str], code: bool, asked_by: str) -> list[str]:
    """Return which files of a model's repository are needed; BadInput if it has no safetensors.

    code: take its Python files too, which run when it is loaded.
    """
    files = list(files)
    top = [file for file in files if "/" not in file]
    if ADAPTER in top:
        raise BadInput(f"{asked_by}: {HOLDS_AN_ADAPTER}")
    if not any(fnmatch(file, pattern) for file in top for pattern in WEIGHTS):
        raise BadInput(
            f"{asked_by}: model.safetensors is missing; {instead_of_safetensors(top)}; name a repository or"
            " revision that has one"
        )
    needed = [file for file in top if any(fnmatch(file, pattern) for pattern in (*WEIGHTS, *SETTINGS))]
    return needed + [file for file in files if code and file.endswith(".py")]


def fetch_safetensors(base: Mapping[str, Any], asked_by: str) -> tuple[str, str]:
    """Return the name and the commit of a base on the hub, after its files are in the cache."""
    choose = partial(chosen_files, code=base.get("trust_remote_code", False), asked_by=asked_by)
    return base["model"], fetch(asked_by, base["model"], base.get("revision"), "model", choose)


def fetch_gguf(base: Mapping[str, Any], file: str, asked_by: str) -> tuple[str, str]:
    """Return name and revision of a base in a GGUF file, after the folder made from it is in the cache.

    The revision is the SHA-256 of the package's wheel, a commit, or the SHA-256 of the user's own file.
    """
    if package := base.get("package"):
        name, revision = f"{package['name']} {package['version']}: {file}", package["sha256"]
        make_once(revision, file, asked_by, partial(file_of_package, package, asked_by=asked_by))
        return name, revision
    model = base["model"]
    if Path(model).is_dir():
        gguf = Path(model, file).absolute()
        revision = file_hash(gguf)
    else:
        choose = partial(chosen_gguf, file=file, asked_by=asked_by)
        revision = fetch(asked_by, model, base.get("revision"), "model", choose)
        gguf = local(model, revision, "model", choose) / file
    make_once(revision, file, asked_by, lambda folder: gguf)
    return f"{model}: {file}", revision


def chosen_gguf(files: Iterable[str], file: str, asked_by: str) -> list[str]:
    """Return the one file that is needed of a repository; BadInput where it is not there."""
    files = list(files)
    if file not in files:
        raise BadInput(f"{asked_by}: {no_such_gguf(file, files)}")
    return [file]


def make_once(revision: str, file: str, asked_by: str, get: Callable[[Path], Path]) -> None:
    """Make the folder of a GGUF file in the cache, unless it is there.

    get: returns the path of the file; what it downloads to the folder that it is given outlives a kill.
    """
    folder = gguf_folder(revision, file)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(folder.with_suffix(".lock")):
        if folder.exists():
            return
        with resumable(folder.with_suffix(".download"), revision) as work:
            from .gguf_base import convert  # torch and transformers, which a base on the hub does not need

            convert(get(work), folder, asked_by)


@command
def main() -> None:
    """Fetch one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path, help="config of the base")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write: what was fetched")
    arguments = parser.parse_args()

    base = read_json(arguments.config)
    file, asked_by = gguf_file_of(base), asked_by_base(base["name"], base)
    name, revision = fetch_gguf(base, file, asked_by) if file else fetch_safetensors(base, asked_by)
    kind = kind_of(base)
    write_json(arguments.output, [{"kind": kind, "for": base["name"], "name": name, "revision": revision}])


if __name__ == "__main__":
    main()
