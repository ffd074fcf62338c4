"""The rule for names that become parts of paths, patterns and commands."""

import re

from .wording import shown

# The schema repeats it. "$" alone accepts a final newline; paths such as "a..json" and "a./b" are not safe.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$(?!\n)"
NO_BASE = "all"  # the base, or pool, of scores that name none: messages and captions leave it out
LONGEST_NAME = 64  # characters; a file system allows 255 bytes, and names are joined


def on_base(base: str, before: str = " on ") -> str:
    """Return " on mini", or nothing for scores that name no base. before: what is put before the name."""
    return "" if base == NO_BASE else f"{before}{base}"


def check_name(what: str, name: str, longest: int = LONGEST_NAME) -> str | None:
    """Return one line on why a name cannot be used, or None if it can.

    what: how the line refers to it: "study name", or its key.
    """
    named = shown(name, longest)
    if len(name) > longest:
        return f"{what} {named} has {len(name)} characters; at most {longest} are allowed"
    if not re.search(NAME_PATTERN, name):
        allowed = 'letters, digits, "_", "-" and single dots inside, and must begin with a letter or digit'
        return f"{what} {named} may contain only {allowed}"
    return None
