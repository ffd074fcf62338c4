"""Reads files and hub datasets of training rows, without interpreting their columns."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..common.csv_files import csv_rows, utf8_lines
from ..common.errors import BadInput, reason
from ..fetching.hub_rows import load_hub_rows

Rows = Iterator[tuple[str, dict[str, Any]]]  # ("train.csv:7", {column: value})
Choose = Callable[[tuple[str, ...], str], list[str]]  # all columns and their place -> the columns to read


def file_rows(path: Path, choose: Choose, key: str = "data") -> Rows:
    """Return the rows of a file, each with its place for errors; the file's name determines the format.

    Columns that are not chosen may be missing from the rows. Raises BadInput that begins with the place.
    """
    readers = {".jsonl": _json_rows, ".csv": _csv_rows, ".parquet": parquet_rows}
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind not in readers:
        raise BadInput(f'{key}.path "{path}" has an unknown format; choose from {", ".join(readers)}')
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadInput(f'{key}.path "{path}": {why.lower()}') from None
    return readers[kind](path, choose)


def _csv_rows(path: Path, choose: Choose) -> Rows:
    return ((f"{path}:{number}", row) for number, row in csv_rows(path))


def _json_rows(path: Path, choose: Choose) -> Rows:
    for number, line in utf8_lines(path):
        if line.strip():
            place = f"{path}:{number}"
            yield place, _json_object(line, place)


def _json_object(line: str, place: str) -> dict[str, Any]:
    """Return the JSON object of a line."""
    try:
        row = ONE_OBJECT.decode(line)
    except json.JSONDecodeError as error:
        why = f"not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        why = "nested too deeply"
    except ValueError as error:  # a repeated key, too long a number
        why = str(error).partition(";")[0]
    else:
        if isinstance(row, dict):
            return row
        why = f"not a JSON object: {line.strip()[:60]}"
    raise BadInput(f"{place}: {why}; expected one JSON object per line")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; ValueError if a key appears twice, of which Python would keep the last."""
    row = dict(pairs)
    if len(row) < len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f'key "{repeated}" appears twice')
    return row


ONE_OBJECT = json.JSONDecoder(object_pairs_hook=_without_repeats)


def parquet_rows(path: Path, choose: Choose) -> Rows:
    """Yield the rows of a Parquet file, with the chosen columns."""
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        file = pyarrow.parquet.ParquetFile(path)
        names = file.schema_arrow.names
        for name, times in Counter(names).items():
            if times > 1:
                raise BadInput(f'{path}: column "{name}" appears twice')
        chosen = choose(tuple(names), str(path))
        for batch in file.iter_batches(columns=chosen):
            for row in batch.select(chosen).to_pylist():
                number += 1
                yield f"{path}:row {number}", row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise BadInput(f"{path}:row {number + 1}: not readable as Parquet: {reason(error)}") from None


def hub_rows(config: dict[str, Any], choose: Choose) -> Rows:
    """Return the rows of a dataset of the hub, with the chosen columns."""
    place = f"{config['dataset']}:{config['split']}"
    rows = load_hub_rows(config)
    rows = rows.select_columns(choose(tuple(rows.column_names), place))
    return ((f"{place}:row {number}", row) for number, row in enumerate(rows, 1))
