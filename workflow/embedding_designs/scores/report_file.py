"""Reads the report of a collection of scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.json_files import Kind, _check_all, check_kinds, read_object

REPORT: dict[str, Kind] = {"sha256": dict, "not_used": list, "revisions": dict}
ENTRY: dict[str, Kind] = {"what": str, "count": int, "names": list, "reason": str}
NO_REPORT: dict[str, Any] = {"sha256": {}, "not_used": [], "revisions": {}}


def read_report(path: Path) -> dict[str, Any]:
    """Return the report of a collection: what was not used, revisions, and the hashes of its tables."""
    return _checked_report(path, read_object(path, REPORT))


def _checked_report(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    report = {key: content[key] for key in REPORT}
    check_kinds(str(path), report, REPORT)
    for entry in report["not_used"]:
        _check_all(f"{path}: not_used", entry, ENTRY)
    return report
