"""Reads JSON files with one-line errors, and writes them atomically."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeGuard

from .atomic_writes import atomic
from .errors import BadInput, reason

Kind = type | UnionType
WORDS: dict[Any, str] = {dict: "an object", list: "an array", str: "a string", int: "an integer",
                         float: "a number", NoneType: "null"}  # fmt: skip


def read_object(path: Path, needed: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the content of a JSON file, an object that has these keys, of these types.

    Raises BadInput that names the file, and the key that is missing or of another type.
    """
    content = read_json(path)
    check_object(str(path), content, needed)
    return content


def check_object(named: str, content: Any, needed: Mapping[str, Kind]) -> None:
    """Raise BadInput if `content` is not an object that has these keys, of these types."""
    check_keys(named, content, needed)
    check_kinds(named, content, needed)


def check_kinds(named: str, content: Any, kinds: Mapping[str, Kind]) -> None:
    """Raise BadInput if `content` is not an object, or a key in it has another type."""
    check_keys(named, content)
    for key, kind in kinds.items():
        if key in content and not isinstance(content[key], kind):
            allowed = " or ".join(WORDS[part] for part in getattr(kind, "__args__", (kind,)))
            raise BadInput(f"{named}: {key} is not {allowed}")


def check_keys(named: str, content: Any, keys: Collection[str] = ()) -> None:
    """Raise BadInput if `content` is not an object, or lacks one of the keys."""
    if not isinstance(content, dict):
        expected = f"; expected an object with {', '.join(keys)}" if keys else ""
        raise BadInput(f"{named}: not a JSON object{expected}")
    for key in keys:
        if key not in content:
            raise BadInput(f"{named}: {key} is missing; required: {', '.join(keys)}")


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a finite number, and not true or false."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max


def read_json(path: str | Path, keys: Sequence[str] = ()) -> Any:
    """Return the content of a JSON file; with `keys`, an object that has them.

    Raises BadInput that names the file and the line where it is not JSON, or what is missing from it.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder, not a JSON file") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, too long a number, too deeply nested
        raise BadInput(f"{path}: not JSON: {reason(error)}") from None
    if keys:
        check_keys(str(path), content, keys)
    return content


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> None:
    """Write `content` as JSON, atomically; without indent it is ten times as fast."""
    with atomic(path) as part:
        separators = (",", ":") if indent is None else None
        text = json.dumps(content, indent=indent, separators=separators, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")
