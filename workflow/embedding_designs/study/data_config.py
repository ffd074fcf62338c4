"""What the keys of a study's training data mean together: which belong to which source, and the columns."""

from collections.abc import Iterator, Mapping
from typing import Any

SOURCE_KEYS = {  # keys of data that belong to a source; the first is required
    "docstrings": ("train_packages", "min_description_words", "max_words"),
    "file": ("path", "columns", "drop_empty"),
    "hub": ("dataset", "name", "revision", "split", "columns", "drop_empty"),
}
NAMES = ("query", "positive", "negative")


def check_source(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each key that the source of the training data needs, or that belongs to another."""
    yield from check_needed(data)
    for key in data:
        owners = [owner for owner, keys in SOURCE_KEYS.items() if key in keys]
        if owners and data["source"] not in owners:
            named = " or ".join(f'"{owner}"' for owner in owners)
            yield f'data.{key} belongs to data.source {named}, not "{data["source"]}"'


def check_needed(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line if the key is missing that says where the data are."""
    needed = SOURCE_KEYS[data["source"]][0]
    if needed not in data:
        yield f'data.{needed} is missing: data.source "{data["source"]}" needs it'


def check_columns(columns: Mapping[str, str | None]) -> Iterator[str]:
    """Yield one line if two keys of `columns` name the same column."""
    keys: dict[str | None, str] = {}
    for key, name in ({name: name for name in NAMES[:2]} | dict(columns)).items():
        if keys.setdefault(name, key) != key:
            yield f'data.columns: {keys[name]} and {key} both name the column "{name}"'


def origin(config: Mapping[str, Any]) -> str:
    """Return the study's key that names the source of its rows, with its value."""
    match config["source"]:
        case "file":
            return f"data.path {config['path']}"
        case "hub":
            return f"data.dataset {config['dataset']}"
        case _:
            return "data.train_packages"
