"""Training rows of a user's file or of a hub dataset: query, positive and negative, every one checked."""

import reprlib
from collections import Counter
from pathlib import Path
from typing import Any
from unicodedata import category

from ..common.errors import BadInput
from ..study.data_config import NAMES, origin
from .columns import Columns, check_encodes
from .row_files import file_rows, hub_rows

INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # Unicode categories: control, zero width, space
Row = dict[str, str]


def read_rows(config: dict[str, Any]) -> tuple[list[Row], dict[str, Any]]:
    """Return the usable rows of a data config of source "file" or "hub", and the report on them.

    A row with n negatives gives n rows: query, positive and one negative. The report counts what was read and
    what was dropped: exact duplicates, rows whose negative is their positive, empty texts among the negatives
    and, with `drop_empty`, rows without one of the texts. Anything else raises BadInput with file and line.
    """
    columns, kept = Columns(config["columns"]), KeptRows(config["drop_empty"])
    choose = columns.chosen
    rows = hub_rows(config, choose) if config["source"] == "hub" else file_rows(Path(config["path"]), choose)
    for place, row in rows:
        kept.add(row, choose(tuple(row), place), place)
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

    def __init__(self, drop_empty: bool):
        self.drop_empty = drop_empty
        self.read = Counter(rows=0, negatives=0)
        self.dropped = Counter(empty=0, empty_negative=0, duplicate=0, positive_is_negative=0)
        self.kept: dict[tuple[str, ...], None] = {}
        self.first: dict[int, str] = {}  # number of texts -> the place of the first row with as many

    def add(self, row: dict[str, Any], columns: list[str], place: str) -> None:
        """Keep a row, once for each negative; columns: those of query, positive and the negatives."""
        self.read["rows"] += 1
        texts = [_text(row[name], name, place) for name in columns[:2]]
        given = [(name, value) for name in columns[2:] for value in _values(row[name])]
        negatives = [text for name, value in given if (text := _text(value, name, place))]
        empty = [name for name, text in zip(columns, [*texts, negatives], strict=False) if not text]
        if empty and not self.drop_empty:
            raise BadInput(f'{place}: "{empty[0]}" is empty; fill it or set data.drop_empty to true')
        if empty:
            self.dropped["empty"] += 1
            return
        self.read["negatives"] += len(negatives)
        self.dropped["empty_negative"] += len(given) - len(negatives)
        for row_texts in [(*texts, negative) for negative in negatives] or [tuple(texts)]:
            self.first.setdefault(len(row_texts), place)
            self._keep(row_texts)

    def _keep(self, texts: tuple[str, ...]) -> None:
        if texts[1] in texts[2:]:
            self.dropped["positive_is_negative"] += 1
        elif texts in self.kept:
            self.dropped["duplicate"] += 1
        else:
            self.kept[texts] = None

    def finished(self) -> list[Row]:
        """Return the rows: all have a negative, or none has. BadInput names the first that lacks one."""
        if len(self.first) == 2 and not self.drop_empty:
            raise BadInput(
                f"{self.first[2]}: no negative, but {self.first[3]} has one; add one, set data.drop_empty to"
                " true to drop such rows, or set data.columns.negative to null to read no negatives"
            )
        names = NAMES[: max(self.first, default=2)]
        complete = [texts for texts in self.kept if len(texts) == len(names)]
        self.dropped["empty"] += len(self.kept) - len(complete)
        return [dict(zip(names, texts, strict=True)) for texts in complete]


def _values(cell: Any) -> list[Any]:
    return cell if isinstance(cell, list) else [cell]


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
