"""The data reports as tables of the findings page, whichever counts they contain."""

from collections.abc import Iterator, Mapping
from typing import Any

from .table import DASH, LONG, Row, Table


def report(content: Mapping[str, Any]) -> list[Table]:
    """Return a nested JSON object of counts as tables, whatever its keys are.

    The first table has the single values and the short objects ("rows: train"). A long object gets a separate
    table, and so does an object of objects, with one row per object.
    """
    return [table for table in _report(content, "") if table.rows]


def _report(content: Mapping[str, Any], title: str) -> Iterator[Table]:
    rows, below = [], {}
    for key, value in content.items():
        if not isinstance(value, Mapping):
            rows.append(Row(_words(key), [_value(value)]))
        elif _is_flat(value) and len(value) <= LONG:
            rows += [Row(f"{_words(key)}: {_words(name)}", [_value(item)]) for name, item in value.items()]
        else:
            below[key] = value
    yield Table(title or "Overview", ["", ""], rows)
    for key, value in below.items():
        heading = f"{title}: {_words(key)}" if title else _words(key).capitalize()
        if value and all(_is_flat(item) for item in value.values()):
            yield _matrix(value, heading)
        else:
            yield from _report(value, heading)


def _is_flat(item: Any) -> bool:
    return isinstance(item, Mapping) and not any(isinstance(value, Mapping) for value in item.values())


def _matrix(content: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    columns = list(dict.fromkeys(key for item in content.values() for key in item))
    rows = [Row(name, [_value(item.get(key)) for key in columns]) for name, item in content.items()]
    return Table(title, ["", *(_words(column) for column in columns)], rows)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _value(value: Any) -> str:
    match value:
        case None:
            return DASH
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
        case list():
            return ", ".join(_value(item) for item in value) or DASH
        case _:
            return str(value)
