"""Parts of a study that a command or a notebook is given by themselves: checked, and with their defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.errors import BadInput
from ..common.json_files import read_json
from .data_config import check_columns, check_needed, sources_of, without_keys_of_sources
from .schema import defaults, schema_problems
from .source_checks import check_shares


def read_data_config(path: str | Path) -> dict[str, Any]:
    """Return the data config in a file, with defaults; BadInput if a key is missing or not allowed.

    Its packages to evaluate on, `eval_packages`, are not a key of the study's data.
    """
    content = read_json(path)
    evaluated = {"eval_packages": content.pop("eval_packages", [])} if isinstance(content, dict) else {}
    config = _checked(content, "data", f"{path}: ")
    for source in sources_of(config).values():
        for problem in (*check_needed(source), *check_columns(source)):
            raise BadInput(f"{path}: {problem}")
    for problem in check_shares(config):
        raise BadInput(f"{path}: {problem}")
    return without_keys_of_sources(config) | evaluated


def read_docstring_tasks_config(path: str | Path) -> dict[str, Any]:
    """Return a file's config of docstring tasks, with defaults; BadInput names what is not allowed."""
    return _checked(read_json(path), "docstring_tasks", f"{path}: ")


def statistics_settings(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's `statistics` with defaults; BadInput names what is not allowed."""
    return _checked(study.get("statistics", {}), "statistics")


def _checked(given: Mapping[str, Any], part: str, file: str = "") -> dict[str, Any]:
    for problem in schema_problems(given, part):
        raise BadInput(f"{file}{problem}")
    return defaults(part, given)
