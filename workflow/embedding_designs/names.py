"""Names that become parts of paths, of patterns and of commands: one rule for all of them."""

import json
import re

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)"  # in the schema too; "$" alone lets a last newline pass
LONGEST_NAME = 64  # characters; a file system allows 255 bytes, and names are joined


def check_name(what: str, name: str) -> str | None:
    """Return one line on why a name cannot be used, or None where it can.

    what: what it names, for the line: "study name", or the key that holds it.
    """
    shown = json.dumps(name[:LONGEST_NAME], ensure_ascii=False)
    if len(name) > LONGEST_NAME:
        return f"{what} {shown}… has {len(name)} characters; at most {LONGEST_NAME} are allowed"
    if not re.search(NAME_PATTERN, name):
        return f'{what} {shown} must begin with a letter or digit; after it ".", "_" and "-" are allowed too'
    return None
