"""Loads tasks, either the study's docstring tasks or MTEB's own, and evaluates a model on them."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mteb
import pandas as pd

from ..common.atomic_writes import atomic
from ..common.command import note, progress
from ..common.errors import BadInput
from ..common.json_files import read_json
from ..common.score_files import SCORE_COLUMNS, SCORE_DIGITS
from ..data.docstrings.task_folder import load_task
from ..fetching.mteb_tasks import in_cache, mteb_task


def load(name: str, docstring_tasks: Path | None, benchmark: str | None = None) -> mteb.AbsTask:
    """Return a new task object; a used one gives other scores, because its random state has advanced."""
    if docstring_tasks and name in read_json(docstring_tasks / "tasks.json"):
        return load_task(docstring_tasks, name)
    return in_cache(mteb_task(name, benchmark))


def evaluate(
    model: Any,
    config: dict[str, Any],
    docstring_tasks: Path | None,
    partial: Path,
    description: str,
    finish: Callable[[list[str]], None] = lambda done: None,
) -> pd.DataFrame:
    """Return one row for each task of a task config: task, category, metric, score.

    model: any model that `mteb.evaluate` accepts. partial: folder with a file per finished task, which is
    not evaluated again. finish: called after each task with the names of all finished tasks.
    """
    rows = []
    batch = [(category, name) for category, names in config["tasks"].items() for name in names]
    for number, (category, name) in enumerate(progress(batch, description=f"evaluate {description}")):
        done = partial / f"{name}.json"
        if not is_intact(done):
            task = load(name, docstring_tasks, config.get("benchmark"))
            row = {"task": name, "category": category, **score(model, task)}
            with atomic(done) as part:
                part.write_text(json.dumps(row), encoding="utf-8")
        finish([name for _, name in batch[: number + 1]])
        rows.append(read_json(done))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def is_intact(done: Path) -> bool:
    """Return whether the file of a finished task exists and is readable; log a note if it is damaged."""
    if not done.exists():
        return False
    try:
        read_json(done, keys=SCORE_COLUMNS)
    except BadInput as damage:
        note(f"{damage}; the task is evaluated again")
        return False
    return True


def score(model: Any, task: mteb.AbsTask) -> dict[str, Any]:
    """Return the task's main metric and its score, averaged over test splits and subsets."""
    result = mteb.evaluate(
        model, task, cache=None, co2_tracker=False, show_progress_bar=False, encode_kwargs={"batch_size": 32}
    )
    main_score = float(result.task_results[0].get_score())
    if not math.isfinite(main_score):
        cause = (
            "check whether all embeddings are equal, as if the training collapsed or a prompt fills "
            "evaluation.max_seq_length"
        )
        raise BadInput(f"{task.metadata.name}: its {task.metadata.main_score} is undefined; {cause}")
    return {"metric": task.metadata.main_score, "score": round(main_score, SCORE_DIGITS)}
