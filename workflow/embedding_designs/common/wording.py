"""Counts, lists and values in words, for error messages and sentences."""

import json
from collections.abc import Sequence
from typing import Any

NAMED = 5  # of a long list, what a line names; the rest is counted
SHOWN = 100  # characters of a value in an error


def listing(names: Sequence[str], most: int | None = None) -> str:
    """Return "A", "A and B", "A, B, and C"; with more than `most` names "A, B, and 3 more"."""
    if most and len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """Return "1 task", "8 tasks", "2 categories"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def few(
    names: Sequence[str], most: int = NAMED, count: int | None = None, separator: str = ", ", noun: str = ""
) -> str:
    """Return the first names and the number of the others: "a, b, and 3 more".

    count: the number of all names, if `names` has only the first of them. separator: "; " suits names that
    contain commas: "a; b; and 3 more". noun: what the others are, such as "models".
    """
    more = (len(names) if count is None else count) - min(most, len(names))
    joint = " " if separator == ", " and min(most, len(names)) < 2 else separator
    return separator.join(names[:most]) + (f"{joint}and {more} more {noun}".rstrip() if more else "")


def shown(value: Any, longest: int = SHOWN) -> str:
    """Return a value as JSON, shortened if it is long."""
    if isinstance(value, str) and len(value) > longest:
        return json.dumps(f"{value[:longest]}…", ensure_ascii=False)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if isinstance(value, str) or len(text) <= longest else f"{text[:longest]}…"
