"""Read a person's own training rows (query, positive, perhaps negative) and check every one."""

import csv
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..command import BadInput

FORMATS = (".jsonl", ".csv", ".parquet")
REQUIRED = ("query", "positive")
Row = dict[str, str]
Numbered = Iterator[tuple[str, dict[str, Any]]]  # ("train.csv:7", {column: value})


def read_rows(card: dict[str, Any], source: str) -> tuple[list[Row], dict[str, int]]:
    """Return the usable rows of a data card of source "file" or "hub", and the number dropped by reason.

    Each row has query and positive, and negative where the columns name one. Dropped are exact
    duplicates, rows whose negative is their positive and, with `drop_empty`, rows with an empty text.
    BadInput names the file and line of everything else.
    """
    numbered = _hub_rows(card, source) if card["source"] == "hub" else _file_rows(card, source)
    first = next(numbered, None)
    if first is None:
        raise BadInput(f"{source}: {card.get('path') or card.get('dataset')} has no rows")
    columns = _columns(card, source, first[1])
    drop_empty = card.get("drop_empty", False)
    kept: dict[tuple[str, ...], None] = {}
    dropped = Counter(empty=0, duplicate=0, positive_is_negative=0)
    for place, row in itertools.chain([first], numbered):
        texts = tuple(_text(row, column, place, drop_empty) for column in columns.values())
        if not all(texts):
            dropped["empty"] += 1
        elif len(texts) == 3 and texts[1] == texts[2]:
            dropped["positive_is_negative"] += 1
        elif texts in kept:
            dropped["duplicate"] += 1
        else:
            kept[texts] = None
    return [dict(zip(columns, texts, strict=True)) for texts in kept], dict(dropped)


def _columns(card: dict[str, Any], source: str, first: dict[str, Any]) -> dict[str, str]:
    """Return our column names mapped to the file's, in our order; by default they are the same.

    Then `negative` is read where the first row has it.
    """
    columns = card.get("columns") or {name: name for name in (*REQUIRED, *({"negative"} & first.keys()))}
    for name in columns:
        if name not in (*REQUIRED, "negative"):
            raise BadInput(f'{source}: columns "{name}" is not known; choose query, positive or negative')
    for name in REQUIRED:
        if name not in columns:
            raise BadInput(f"{source}: columns.{name} is missing; name the column that holds it")
    return {name: columns[name] for name in (*REQUIRED, "negative") if name in columns}


def _text(row: dict[str, Any], column: str, place: str, drop_empty: bool) -> str:
    if column not in row:
        raise BadInput(f'{place}: no column "{column}"; there are {", ".join(map(str, row)) or "none"}')
    text = row[column]
    if text is None or (isinstance(text, str) and not text.strip()):
        if drop_empty:
            return ""
        raise BadInput(f'{place}: "{column}" is empty; fill it or set drop_empty to true')
    if not isinstance(text, str):
        raise BadInput(f'{place}: "{column}" is {json.dumps(text, default=str)[:60]}, not a text')
    return text.strip()


def _file_rows(card: dict[str, Any], source: str) -> Numbered:
    path = Path(card.get("path") or "")
    if path.suffix not in FORMATS:
        raise BadInput(f'{source}: path "{card.get("path")}" is not one of the formats {", ".join(FORMATS)}')
    if not path.is_file():
        raise BadInput(f'{source}: path "{path}": no such file')
    return {".jsonl": _json_lines, ".csv": _csv_rows, ".parquet": _parquet_rows}[path.suffix](path)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise BadInput(f"{path}:{number}: not UTF-8: {error.reason} at byte {error.start}") from None


def _json_lines(path: Path) -> Numbered:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}") from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}:{number}: not a JSON object: {line.strip()[:60]}")
        yield f"{path}:{number}", row


def _csv_rows(path: Path) -> Numbered:
    number = 0  # of the last line read: csv's own count stops before a line that it cannot read

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in _lines(path):  # noqa: B007
            yield line

    reader = csv.DictReader(lines(), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise BadInput(f"{path}:{number}: not {len(reader.fieldnames or ())} columns")
            yield f"{path}:{number}", row
    except csv.Error as error:
        raise BadInput(f"{path}:{number}: not CSV: {error}") from None


def _parquet_rows(path: Path) -> Numbered:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield f"{path}:row {number}", row
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path}:row {number + 1}: not readable as Parquet: {str(error).splitlines()[0]}"
        ) from None


def _hub_rows(card: dict[str, Any], source: str) -> Numbered:
    name, split = card.get("dataset"), card.get("split", "train")
    if not isinstance(name, str) or not name:
        raise BadInput(f'{source}: dataset "{name}" is not the name of a data set')
    try:
        rows = load_hub_rows(card)
    except Exception as error:  # the hub, the network and the builders raise many kinds
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f'{source}: dataset "{name}", split "{split}" cannot be loaded: {reason}') from None
    return ((f"{name}:{split}:row {number}", row) for number, row in enumerate(rows, 1))


def load_hub_rows(card: dict[str, Any]):
    """Return the rows of a dataset of the hub; where it was fetched to a folder, from there."""
    from datasets import load_dataset

    place = card.get("folder") or card["dataset"]
    return load_dataset(
        place, card.get("name"), revision=card.get("revision"), split=card.get("split", "train")
    )
