"""The table of harvested docstrings: its columns, its hash, and how it is read."""

import hashlib
import json
from pathlib import Path

from ..common.errors import BadInput
from .row_files import parquet_rows
from .rows import Row


def read_docstrings(path: str) -> list[Row]:
    """Return the rows of a harvest; BadInput if the file is not one."""
    return [row for _, row in parquet_rows(Path(path), _docstring_columns)]


def _docstring_columns(names: tuple[str, ...], place: str) -> list[str]:
    for name in COLUMNS:
        if name not in names:
            raise BadInput(f'{place}: no column "{name}"; expected a table of harvested docstrings')
    return COLUMNS


COLUMNS = ["package", "module", "qualname", "kind", "summary", "description", "text", "split"]


def rows_hash(rows: list[dict[str, str]]) -> str:
    """Return the SHA-256 of rows, the same wherever and however they are stored."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
    return digest.hexdigest()
