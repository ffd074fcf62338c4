"""Reads the report of a collection of scores."""

from dataclasses import dataclass, field
from pathlib import Path

from ..common.json_files import read_json
from ..common.typed_json import from_json
from .collapsed_runs import CollapsedRun
from .not_used import NotUsed


@dataclass(frozen=True)
class Report:
    """What was not used, the models' revisions, the collected tables' hashes, and the collapsed runs.

    inferred: what was concluded about the scores of a user's own table, such as their scale.
    """

    sha256: dict[str, str]
    not_used: list[NotUsed]
    revisions: dict[str, str]
    collapsed: list[CollapsedRun] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)


NO_REPORT = Report({}, [], {})


def read_report(path: Path) -> Report:
    """Return the report of a collection."""
    return from_json(Report, read_json(path), str(path))
