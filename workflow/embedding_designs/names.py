"""Names that become parts of paths, of patterns and of commands: one rule for all of them."""

import json
import re

# In the schema too. "$" alone lets a last newline pass; "a..json" and "a./b" are no paths to rely on.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$(?!\n)"
LONGEST_NAME = 64  # characters; a file system allows 255 bytes, and names are joined


def check_name(what: str, name: str, longest: int = LONGEST_NAME) -> str | None:
    """Return one line on why a name cannot be used, or None where it can.

    what: what it names, for the line: "study name", or the key that holds it.
    """
    shown = json.dumps(name[:longest], ensure_ascii=False)
    if len(name) > longest:
        return f"{what} {shown}… has {len(name)} characters; at most {longest} are allowed"
    if not re.search(NAME_PATTERN, name):
        allowed = 'letters, digits, "_", "-" and single dots inside, a letter or digit first'
        return f"{what} {shown} may only have {allowed}"
    return None
