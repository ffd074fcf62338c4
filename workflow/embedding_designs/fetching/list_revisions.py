"""Lists everything that was fetched from the hub for a study, with its commits, for the findings page.

python -m embedding_designs.fetching.list_revisions A.json B.json … --output REVISIONS.json
"""

import argparse
from pathlib import Path

from ..common.command import command
from ..common.json_files import write_json
from .fetched import read_fetched


@command
def main() -> None:
    """Put the lists of what was fetched into one."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("fetched", type=Path, nargs="+", help="JSON lists of what was fetched")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    write_json(arguments.output, [entry for file in arguments.fetched for entry in read_fetched(file)])


if __name__ == "__main__":
    main()
