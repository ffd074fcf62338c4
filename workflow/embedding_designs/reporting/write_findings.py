"""Writes the findings page: one self-contained HTML file, which needs no network.

python -m embedding_designs.reporting.write_findings results/quickstart --output findings.html
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.wording import counted
from .page.contents import gather

TEMPLATE = "findings.html.jinja"


def render(page: Mapping[str, Any]) -> str:
    """Return the page as HTML; every text in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"counted": counted, "parts": parts}
    return environment.get_template(TEMPLATE).render(page)


def parts(name: str) -> list[str]:
    """Return the parts of a name such as PairClassification, between which a browser can break it."""
    return re.split(r"(?<=[a-z])(?=[A-Z])", name)


@command
def main() -> None:
    """Write the findings page of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("results", type=Path, help="folder of the study's results, results/{study}")
    parser.add_argument("--output", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args()
    if not arguments.results.is_dir():
        raise BadInput(
            f"{arguments.results}: no such folder; give a study's results, such as results/quickstart"
        )
    page = render(gather(arguments.results))
    with atomic(arguments.output) as part:
        part.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
