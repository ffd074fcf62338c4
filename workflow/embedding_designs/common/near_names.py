"""The known names that are most similar to an unknown one, for error messages."""

import difflib
from collections.abc import Iterable, Set
from typing import Any

FEW = 20  # names that an error lists; of more it names the most similar ones alone
LONGEST = 100  # characters of a name that are compared


def nearest(name: Any, known: Iterable[Any]) -> str:
    """Return the end of an error message: the known names most similar to an unknown one, or all of them."""
    choices = [str(choice) for choice in (sorted(known) if isinstance(known, Set) else dict.fromkeys(known))]
    few, allowed = len(choices) <= FEW, ", ".join(choices)
    close = difflib.get_close_matches(str(name)[:LONGEST], choices, n=1 if few else 3, cutoff=0.5)
    if few:
        return f"did you mean {close[0]}? allowed: {allowed}" if close else f"choose from {allowed}"
    return f"did you mean {' or '.join(close)}?" if close else f"none of {len(choices)} names is like it"
