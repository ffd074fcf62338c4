"""Reads training logs: JSON lines, each an object with an event."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .csv_files import utf8_lines
from .errors import BadInput


def log_entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of a training log with their line numbers; raise BadInput for an invalid line."""
    for number, line in utf8_lines(path):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(entry, dict) or not isinstance(entry.get("event"), str):
            raise BadInput(f"{path}:{number}: not an entry of a training log; expected an object with event")
        yield number, entry
