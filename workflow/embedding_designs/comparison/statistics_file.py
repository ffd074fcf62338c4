"""Reads statistics.json."""

from pathlib import Path
from typing import Any

from ..common.json_files import Kind, check_object, read_object
from ..scores.report_file import NO_REPORT, checked_report

STATISTICS: dict[str, Kind] = {"alpha": int | float, "rope": int | float, "designs": list, "unit": str,
                               "scope": str, "comparisons": list}  # fmt: skip
COMPARISON: dict[str, Kind] = {"base": str, "category": str, "designs": list, "tasks": list, "seeds": list}


def read_statistics(path: Path) -> dict[str, Any]:
    """Return the content of statistics.json."""
    statistics = read_object(path, STATISTICS)
    for comparison in statistics["comparisons"]:
        check_object(f"{path}: comparisons", comparison, COMPARISON)
    return statistics | checked_report(path, NO_REPORT | statistics)
