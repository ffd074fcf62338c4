"""Counts and lists in words, for error messages and sentences."""

from collections.abc import Sequence


def listing(names: Sequence[str], most: int | None = None) -> str:
    """Return "A", "A and B", "A, B and C"; with more than `most` names "A, B and 3 more"."""
    if most and len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """Return "1 task", "8 tasks"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


NAMED = 5  # of a long list, what an error names; the rest is counted


def few(names: Sequence[str]) -> str:
    """Return the first of some names and the number of the others, for an error message."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
