"""Reads the JSON files that commands are given: objects whose keys have the right types."""

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

from .command import BadInput, read_json

Kind = type | UnionType
WORDS = {dict: "an object", list: "an array", str: "a string", int: "an integer", float: "a number",
         NoneType: "null"}  # fmt: skip
STUDY: dict[str, Kind] = {  # types of a study's keys, all optional
    "name": str, "description": str, "bases": dict, "designs": dict, "seeds": list, "references": list,
    "evaluation": dict, "statistics": dict, "scores": dict,
}  # fmt: skip
SETTINGS: dict[str, Kind] = {  # of a study's statistics
    "alpha": int | float, "rope": int | float, "missing": str, "baseline": str,
}  # fmt: skip
STATISTICS: dict[str, Kind] = {"alpha": int | float, "rope": int | float, "designs": list, "unit": str,
                               "scope": str, "comparisons": list}  # fmt: skip
COMPARISON: dict[str, Kind] = {"base": str, "category": str, "designs": list, "tasks": list, "seeds": list}
TASK_CARD: dict[str, Kind] = {"tasks": dict, "prompts": dict, "max_tokens": int, "batch_size": int}
REPORT: dict[str, Kind] = {"sha256": dict, "not_used": list, "revisions": dict}
ENTRY: dict[str, Kind] = {"what": str, "count": int, "names": list, "reason": str}

NO_REPORT: dict[str, Any] = {"sha256": {}, "not_used": [], "revisions": {}}


def read_object(path: Path, needed: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the content of a JSON file, an object that has these keys, of these types.

    Raises BadInput that names the file, and the key that is missing or of another type.
    """
    content = read_json(path, keys=tuple(needed))
    check_kinds(str(path), content, needed)
    return content


def check_kinds(named: str, content: Any, kinds: Mapping[str, Kind]) -> None:
    """Raise BadInput where `content` is not an object, or a key in it has another type."""
    if not isinstance(content, dict):
        raise BadInput(f"{named}: not a JSON object")
    for key, kind in kinds.items():
        if key in content and not isinstance(content[key], kind):
            allowed = " or ".join(WORDS[part] for part in getattr(kind, "__args__", (kind,)))
            raise BadInput(f"{named}: {key} is not {allowed}")


def read_study(path: Path, *needed: str) -> dict[str, Any]:
    """Return a validated study from study.json, an object with at least the keys `needed`."""
    study = read_object(path, {key: STUDY[key] for key in needed})
    check_kinds(str(path), study, STUDY)
    check_kinds(f"{path}: statistics", study.get("statistics", {}), SETTINGS)
    for key in ("bases", "designs"):
        check_kinds(f"{path}: {key}", study.get(key, {}), dict.fromkeys(study.get(key, {}), dict))
    return study


def read_task_card(path: Path) -> dict[str, Any]:
    """Return what defines a batch of tasks: names by category, prompts, encoding."""
    card = read_object(path, TASK_CARD)
    check_kinds(f"{path}: tasks", card["tasks"], dict.fromkeys(card["tasks"], list))
    return card


def read_statistics(path: Path) -> dict[str, Any]:
    """Return the content of statistics.json."""
    statistics = read_object(path, STATISTICS)
    for comparison in statistics["comparisons"]:
        _check_all(f"{path}: comparisons", comparison, COMPARISON)
    return statistics | _checked_report(path, NO_REPORT | statistics)


def read_report(path: Path) -> dict[str, Any]:
    """Return the report of a collection: what was not used, revisions, and the hashes of its tables."""
    return _checked_report(path, read_object(path, REPORT))


def _checked_report(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    report = {key: content[key] for key in REPORT}
    check_kinds(str(path), report, REPORT)
    for entry in report["not_used"]:
        _check_all(f"{path}: not_used", entry, ENTRY)
    return report


def _check_all(named: str, content: Any, kinds: Mapping[str, Kind]) -> None:
    check_kinds(named, content, kinds)
    for key in kinds:
        if key not in content:
            raise BadInput(f"{named}: {key} is missing")
