"""Loads docstring tasks from the folder that holds their data."""

from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import BadInput
from ...common.json_files import read_json

if TYPE_CHECKING:
    from mteb.abstasks.abstask import AbsTask

INDEX = "tasks.json"


def load_task(folder: str | Path, name: str) -> "AbsTask":
    """Return a fresh task object: a task that was evaluated once scores differently the second time."""
    from .task_classes import make_task

    index = read_json(Path(folder) / INDEX)
    if name not in index:
        raise BadInput(f'{folder}: no task "{name}"; there are {", ".join(sorted(index))}')
    return make_task(Path(folder) / name, name, index[name])
