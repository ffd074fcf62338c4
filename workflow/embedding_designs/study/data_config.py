"""Reads a data config: what defines the training data of a study."""

from pathlib import Path
from typing import Any

from ..common.errors import BadInput
from ..common.json_files import read_json

NEEDED = {"docstrings": (), "file": ("path",), "hub": ("dataset",)}
NUMBERS = ("train_rows", "heldout_rows", "seed", "min_description_words", "max_words")
TYPES = {
    **dict.fromkeys(("path", "dataset", "name", "revision", "split"), (str, "a string")),
    "columns": (dict, "a mapping"),
    "drop_empty": (bool, "true or false"),
}


def read_data_config(path: str | Path) -> dict[str, Any]:
    """Return the data config in a file; BadInput where a key is missing or its value is not allowed."""
    config = read_json(path, ["source"])
    kinds = list(NEEDED)
    if config["source"] not in kinds:
        raise BadInput(f'{path}: source "{config["source"]}" is not known; choose docstrings, file or hub')
    for key in NEEDED[config["source"]]:
        if not config.get(key):
            raise BadInput(f"{path}: {key} is missing; source {config['source']} needs it")
    for key in NUMBERS:
        value = config.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise BadInput(f"{path}: {key} {value!r} is not a non-negative integer")
    for key, (kind, words) in TYPES.items():
        if key in config and not isinstance(config[key], kind):
            raise BadInput(f"{path}: {key} {config[key]!r} is not {words}")
    check_columns(path, config.get("columns", {}))
    return config


def check_columns(path: str | Path, columns: dict[str, Any]) -> None:
    """Raise BadInput where `columns` has a key or a value that is not allowed, or names one column twice."""
    for key, name in columns.items():
        if key not in NAMES:
            raise BadInput(f'{path}: columns "{key}" is not known; choose {", ".join(NAMES)}')
        if not isinstance(name, str) and (key, name) != ("negative", None):
            raise BadInput(f"{path}: columns.{key} {name!r} is not the name of a column")
    keys: dict[str, str] = {}
    for key, name in ({name: name for name in NAMES[:2]} | columns).items():
        if keys.setdefault(name, key) != key:
            raise BadInput(f'data.columns: {keys[name]} and {key} both name the column "{name}"')


def origin(config: dict[str, Any]) -> str:
    """Return the study's key that names the source of its rows, with its value."""
    match config["source"]:
        case "file":
            return f"data.path {config['path']}"
        case "hub":
            return f"data.dataset {config['dataset']}"
        case _:
            return "data.train_packages"


NAMES = ("query", "positive", "negative")
