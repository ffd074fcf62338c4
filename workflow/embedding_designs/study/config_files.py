"""Reads the JSON files that commands are given: objects whose keys have the right types."""

from pathlib import Path
from typing import Any

from ..common.json_files import Kind, check_kinds, check_object, read_object

STUDY: dict[str, Kind] = {  # types of a study's keys, all optional
    "name": str, "description": str, "bases": dict, "designs": dict, "seeds": list, "baselines": list,
    "evaluation": dict, "statistics": dict, "scores": dict, "layers": dict,
    "training": dict, "tuning": dict,
}  # fmt: skip
TASK_CONFIG: dict[str, Kind] = {"tasks": dict, "prompts": dict, "max_seq_length": int, "batch_size": int}


def read_study(path: Path, *needed: str) -> dict[str, Any]:
    """Return a validated study from study.json, an object with at least the keys `needed`."""
    study = read_object(path, {key: STUDY[key] for key in needed})
    check_kinds(str(path), study, STUDY)
    for key in ("bases", "designs"):
        check_kinds(f"{path}: {key}", study.get(key, {}), dict.fromkeys(study.get(key, {}), dict))
    return study


def read_task_config(path: Path) -> dict[str, Any]:
    """Return what defines a batch of tasks: names by category, prompts, encoding."""
    config = read_object(path, TASK_CONFIG)
    check_kinds(f"{path}: tasks", config["tasks"], dict.fromkeys(config["tasks"], list))
    return config


def read_layers_config(path: Path) -> dict[str, Any]:
    """Return what defines the analysis of layers: a config of tasks, and which layers, tokens, and texts."""
    config = read_task_config(path)
    check_object(str(path), config, {"numbers": str | list, "tokens": str, "texts": int})
    return config
