"""The known names that are most like an unknown one, for error messages."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: the known names that are most like an unknown one."""
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    few = len(known) <= 10
    return f"choose from {', '.join(known)}" if few else f"none of {len(known)} names is like it"
