"""What the keys of a study's training data mean together: which belong to which source, and the columns."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

SOURCE_KEYS = {  # keys of data that belong to a source; the first is required
    "docstrings": ("train_packages", "min_description_words", "max_words"),
    "file": ("path", "columns", "drop_empty"),
    "hub": ("dataset", "name", "revision", "split", "columns", "drop_empty"),
}
NAMES = ("query", "positive", "negative")
SOURCE = "source"  # the column that says which source a row comes from
SINGLE = "training"  # name of the only source of a study without `sources`


def sources_of(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the data config of each source by its name; `key` is the study's key that describes it.

    A study without `sources` has one, SINGLE, whose data config is `data` itself.
    """
    if "sources" not in data:
        return {SINGLE: dict(data)}
    common = {name: data[name] for name in ("seed",) if name in data}
    return {
        name: {**common, **source, "key": f"data.sources.{name}"} for name, source in data["sources"].items()
    }


def is_on_hub(config: Mapping[str, Any]) -> bool:
    """Return whether a source is a dataset of the hub; a local folder takes precedence."""
    return config["source"] == "hub" and not os.path.isdir(config["dataset"])


def key_of(config: Mapping[str, Any]) -> str:
    """Return the study's key that describes a source, for messages."""
    return config.get("key", "data")


def without_keys_of_sources(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` without the defaults of keys that, with `sources`, only its sources have."""
    owned = {key for keys in SOURCE_KEYS.values() for key in keys} if "sources" in data else set()
    return {key: value for key, value in data.items() if key not in owned}


def check_source(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each key that the source of the training data needs, or that belongs to another."""
    key_of_source = key_of(data)
    yield from check_needed(data)
    for key in data:
        owners = [owner for owner, keys in SOURCE_KEYS.items() if key in keys]
        if owners and data["source"] not in owners:
            named = " or ".join(f'"{owner}"' for owner in owners)
            yield f'{key_of_source}.{key} belongs to {key_of_source}.source {named}, not "{data["source"]}"'


def check_needed(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line if the key is missing that says where the data are."""
    key = key_of(data)
    if "source" not in data:
        yield f"{key}.source is missing"
        return
    needed = SOURCE_KEYS[data["source"]][0]
    if needed not in data:
        yield f'{key}.{needed} is missing: {key}.source "{data["source"]}" needs it'


def check_columns(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line if two keys of a source's `columns` name the same column."""
    keys: dict[str | None, str] = {}
    for key, name in ({name: name for name in NAMES[:2]} | dict(data.get("columns", {}))).items():
        if name is not None and keys.setdefault(name, key) != key:
            yield f'{key_of(data)}.columns: {keys[name]} and {key} both name the column "{name}"'


def origin(config: Mapping[str, Any]) -> str:
    """Return the study's key that names the source of its rows, with its value."""
    match config["source"]:
        case "file":
            return f"{key_of(config)}.path {config['path']}"
        case "hub":
            return f"{key_of(config)}.dataset {config['dataset']}"
        case _:
            return f"{key_of(config)}.train_packages"
