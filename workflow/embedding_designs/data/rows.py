"""Training rows of a user's file or of a hub dataset: query, positive and negative, every one checked."""

import reprlib
from collections import Counter
from pathlib import Path
from typing import Any
from unicodedata import category

from ..common.errors import BadInput
from ..study.data_config import NAMES, SOURCE, key_of, origin
from .columns import Columns, check_encodes
from .row_files import file_rows, hub_rows

INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # Unicode categories: control, zero width, space
UNKNOWN = "unknown"  # source of rows that do not name theirs, if others do
Row = dict[str, str]


def read_rows(
    config: dict[str, Any], seen: set[tuple[str, ...]] | None = None
) -> tuple[list[Row], dict[str, Any]]:
    """Return the usable rows of a data config of source "file" or "hub", and the report on them.

    A row with n negatives gives n rows: query, positive and one negative. The report counts what was read and
    what was dropped: exact duplicates, rows whose negative is their positive, empty texts among the negatives
    and, with `drop_empty`, rows without one of the texts. Anything else raises BadInput with file and line.
    seen: the texts of the rows of earlier sources, which count as duplicates; those of this one are added.
    """
    key = key_of(config)
    columns, kept = Columns(config["columns"], key), KeptRows(config["drop_empty"], key, seen)
    read = columns.read
    rows = hub_rows(config, read) if config["source"] == "hub" else file_rows(Path(config["path"]), read, key)
    for place, row in rows:
        names = tuple(row)
        source = next((row[name] for name in columns.source_in(names)), None)
        kept.add(row, columns.chosen(names, place), place, source)
    if not kept.read["rows"]:
        raise BadInput(f"{origin(config)}: no rows")
    columns.check_negatives()
    usable = kept.finished()
    return usable, {
        "read": {**kept.read, "usable_rows": len(usable)},
        "columns_not_read": list(columns.not_read),
        "dropped": dict(kept.dropped),
    }


class KeptRows:
    """The distinct texts of the rows: (query, positive), or (query, positive, negative) for each negative."""

    def __init__(self, drop_empty: bool, key: str = "data", seen: set[tuple[str, ...]] | None = None):
        self.drop_empty = drop_empty
        self.key = key  # the study's key that describes these rows
        self.seen = set() if seen is None else seen
        self.read = Counter(rows=0, negatives=0)
        self.dropped = Counter(empty=0, empty_negative=0, duplicate=0, positive_is_negative=0)
        self.kept: dict[tuple[str, ...], str] = {}  # texts -> source of the row, perhaps ""
        self.first: dict[int, str] = {}  # number of texts -> the place of the first row with as many

    def add(self, row: dict[str, Any], columns: list[str], place: str, source: Any = None) -> None:
        """Keep a row, once for each negative; columns: those of query, positive and the negatives."""
        self.read["rows"] += 1
        texts = [_text(row[name], name, place) for name in columns[:2]]
        given = [(name, value) for name in columns[2:] for value in _values(row[name])]
        negatives = [text for name, value in given if (text := _text(value, name, place))]
        empty = [name for name, text in zip(columns, [*texts, negatives], strict=False) if not text]
        if empty and not self.drop_empty:
            raise BadInput(f'{place}: "{empty[0]}" is empty; fill it or set {self.key}.drop_empty to true')
        if empty:
            self.dropped["empty"] += 1
            return
        self.read["negatives"] += len(negatives)
        self.dropped["empty_negative"] += len(given) - len(negatives)
        for row_texts in [(*texts, negative) for negative in negatives] or [tuple(texts)]:
            self.first.setdefault(len(row_texts), place)
            self._keep(row_texts, _label(source, place))

    def _keep(self, texts: tuple[str, ...], source: str) -> None:
        if texts[1] in texts[2:]:
            self.dropped["positive_is_negative"] += 1
        elif texts in self.seen:
            self.dropped["duplicate"] += 1
        else:
            self.seen.add(texts)
            self.kept[texts] = source

    def finished(self) -> list[Row]:
        """Return the rows: all have a negative, or none has. BadInput names the first that lacks one."""
        if len(self.first) == 2 and not self.drop_empty:
            raise BadInput(
                f"{self.first[2]}: no negative, but {self.first[3]} has one; add one,"
                f" set {self.key}.drop_empty to true to drop such rows,"
                f" or set {self.key}.columns.negative to null to read no negatives"
            )
        names = NAMES[: max(self.first, default=2)]
        complete = [texts for texts in self.kept if len(texts) == len(names)]
        self.dropped["empty"] += len(self.kept) - len(complete)
        rows = [dict(zip(names, texts, strict=True)) for texts in complete]
        if any(self.kept.values()):
            rows = [
                row | {SOURCE: self.kept[texts] or UNKNOWN} for row, texts in zip(rows, complete, strict=True)
            ]
        return rows


def _values(cell: Any) -> list[Any]:
    return cell if isinstance(cell, list) else [cell]


def _label(source: Any, place: str) -> str:
    """Return the source of a row on one line; "" if there is none."""
    label = " ".join(str(source).split()) if source is not None else ""
    check_encodes(label, "the source", place)
    return label


def _text(value: Any, column: str, place: str) -> str:
    """Return a text without white space around it; "" if it has no visible character."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f'{place}: "{column}" is {reprlib.repr(value)}, not text')
    if not value.isascii():
        check_encodes(value, f'"{column}"', place)
    text = value.strip()
    return text if text.isprintable() or any(category(c) not in INVISIBLE for c in text) else ""
