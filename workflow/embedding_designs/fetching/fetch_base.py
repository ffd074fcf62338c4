"""Fetches a base model from the hub: configuration, tokenizer and weights, these from safetensors only.

python -m embedding_designs.fetching.fetch_base BASE.json --output FETCHED.json
"""

import argparse
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import read_json, write_json
from ..study.base_folder import ADAPTER, HOLDS_AN_ADAPTER, asked_by_base, instead_of_safetensors
from .hub import fetch

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


@command
def main() -> None:
    """Fetch one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path, help="config of the base")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write: what was fetched")
    arguments = parser.parse_args()

    base = read_json(arguments.config)
    name, asked_by = base["model"], asked_by_base(base["name"], base, base["model"])
    code = base["trust_remote_code"]
    commit = fetch(
        asked_by, name, base.get("revision"), "model", lambda files: chosen_files(files, code, asked_by)
    )
    write_json(arguments.output, [{"kind": "base", "for": base["name"], "name": name, "revision": commit}])


if __name__ == "__main__":
    main()
