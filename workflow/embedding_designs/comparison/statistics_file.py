"""Reads and writes statistics.json."""

from pathlib import Path

from ..common.json_files import read_json, write_json
from ..common.typed_json import from_json, to_json
from .results import Statistics


def read_statistics(path: Path) -> Statistics:
    """Return the content of statistics.json; raise BadInput if a key is missing or has the wrong type."""
    return from_json(Statistics, read_json(path), str(path))


def write_statistics(path: Path, statistics: Statistics) -> None:
    """Write statistics.json atomically."""
    write_json(path, to_json(statistics), indent=None)
