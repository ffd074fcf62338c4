"""Finds what was fetched from the hub in its cache, at its commit, without a network.

Not by the names of datasets: without a network `datasets` takes the revision that it read last, whichever was
asked for, and shows mteb one configuration of a dataset only, so that a reranking task loses its candidates
and is scored as a search of all documents.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from ..common.errors import BadInput
from ..common.json_files import read_json
from ..study.base_folder import gguf_file_of, kind_of
from ..study.data_config import origin
from .hub import cached

# Forced, because the lists of what was fetched are there, so that Snakemake would see nothing to do.
FETCH = (
    "set HF_HOME to its value during the fetch or, with network access, run"
    " `snakemake --cores 1 fetch --forcerun fetch_base fetch_data fetch_tasks --config study=…`"
)


def read_fetched(path: Path) -> list[dict[str, str]]:
    """Return a list of what was fetched: kind, for, name and revision of each; BadInput if it is not one."""
    fetched = read_json(path)
    keys = {"kind", "for", "name", "revision"}
    entries = fetched if isinstance(fetched, list) and fetched else [None]
    if not all(isinstance(entry, dict) and keys <= entry.keys() for entry in entries):
        raise BadInput(
            f"{path}: not a list of what was fetched; expected objects with {', '.join(sorted(keys))}"
        )
    return fetched


def fetched_revisions(fetched: Path) -> dict[str, str]:
    """Return the commits of training data by source, from a list of what was fetched."""
    return {entry["for"]: entry["revision"] for entry in read_fetched(fetched)}


def fetched_base(base: Mapping[str, Any], *fetched: Path | None) -> tuple[dict[str, Any], str]:
    """Return the config of a base or encoder with its commit, and the folder or hub name to load it from.

    fetched: lists of what was fetched; a base of this machine has none. BadInput where the folder made from
    a GGUF file is not in the cache.
    """
    entries = [entry for path in filter(None, fetched) for entry in read_fetched(path)]
    entry = next((entry for entry in entries if entry["kind"] == kind_of(base)), None)
    if entry is None:
        return dict(base), base.get("model", "")
    on_hub = "model" in base and not Path(base["model"]).is_dir()
    settings = {**base, "revision": entry["revision"]} if on_hub else dict(base)
    if (file := gguf_file_of(base)) is None:
        return settings, base["model"]
    folder = gguf_folder(entry["revision"], file)
    if not folder.is_dir():
        raise BadInput(
            f"{kind_of(base)}s.{base['name']}: {entry['name']} is not in {constants.HF_HOME}; {FETCH}"
        )
    return settings, str(folder)


def gguf_folder(revision: str, file: str) -> Path:
    """Return the place in the cache of the transformers folder made from a GGUF file."""
    return Path(constants.HF_HOME, "from_gguf", revision, file).absolute()


def fetched_data(sources: Mapping[str, dict[str, Any]], fetched: Path) -> dict[str, dict[str, Any]]:
    """Return the data configs of sources, with commit and "folder" of those in a list of what was fetched."""
    found = dict(sources)
    for name, revision in fetched_revisions(fetched).items():
        dataset = sources[name]["dataset"]
        folder = folder_of(dataset, revision, origin(sources[name]))
        found[name] = sources[name] | {"revision": revision, "folder": str(folder)}
    return found


def folder_of(name: str, revision: str | None, asked_by: str) -> Path:
    """Return the folder of a dataset in the hub's cache; BadInput if it is not completely there."""
    folder = cached(name, revision)
    if folder is None:
        raise BadInput(f"{asked_by}: {name} at {revision} is not in {constants.HF_HUB_CACHE}; {FETCH}")
    return folder
