"""Reads the report of a collection of scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.json_files import Kind, check_object, read_json

REPORT: dict[str, Kind] = {"sha256": dict, "not_used": list, "revisions": dict}
ENTRY: dict[str, Kind] = {"what": str, "count": int, "names": list, "reason": str}
NO_REPORT: dict[str, Any] = {"sha256": {}, "not_used": [], "revisions": {}}


def read_report(path: Path) -> dict[str, Any]:
    """Return the report of a collection: what was not used, revisions, and the hashes of its tables."""
    return checked_report(path, read_json(path))


def checked_report(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a report from the content of a file; BadInput names what is wrong."""
    check_object(str(path), content, REPORT)
    for entry in content["not_used"]:
        check_object(f"{path}: not_used", entry, ENTRY)
    return {key: content[key] for key in REPORT}
