"""Reads a data card: what defines the training data of a study."""

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


def read_data_card(path: str | Path) -> dict[str, Any]:
    """Return the data card in a file; BadInput where a key is missing or its value is not allowed."""
    card = read_json(path, ["source"])
    kinds = list(NEEDED)
    if card["source"] not in kinds:
        raise BadInput(f'{path}: source "{card["source"]}" is not known; choose docstrings, file or hub')
    for key in NEEDED[card["source"]]:
        if not card.get(key):
            raise BadInput(f"{path}: {key} is missing; source {card['source']} needs it")
    for key in NUMBERS:
        value = card.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise BadInput(f"{path}: {key} {value!r} is not a non-negative integer")
    for key, (kind, words) in TYPES.items():
        if key in card and not isinstance(card[key], kind):
            raise BadInput(f"{path}: {key} {card[key]!r} is not {words}")
    check_columns(path, card.get("columns", {}))
    return card


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


def origin(card: dict[str, Any]) -> str:
    """Return the study's key that names the source of its rows, with its value."""
    match card["source"]:
        case "file":
            return f"data.path {card['path']}"
        case "hub":
            return f"data.dataset {card['dataset']}"
        case _:
            return "data.train_packages"


NAMES = ("query", "positive", "negative")
