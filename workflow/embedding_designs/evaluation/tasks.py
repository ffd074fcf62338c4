"""Loads MTEB tasks, the study's docstring tasks or MTEB's own, and evaluates a model on them."""

import difflib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mteb
import pandas as pd

from ..command import BadInput, progress, read_json, whole
from ..docstring_tasks import load_task
from ..hub.fetched import in_cache
from ..scores import SCORE_DIGITS


def check_task_names(study: str | Path, tasks: Mapping[str, Sequence[str]]) -> None:
    """Raise BadInput, naming the study, where MTEB has no task of a name. tasks: names by category."""
    known = {task.metadata.name for task in mteb.get_tasks(exclude_superseded=False)}
    for category, names in tasks.items():
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f"did you mean {close[0]}?" if close else "its documentation lists them"
                named = f"{study}: evaluation.tasks.{category} {name}"
                raise BadInput(f"{named} is no task of MTEB {version('mteb')}; {hint}")


def load(name: str, docstring_tasks: Path | None) -> mteb.AbsTask:
    """Return a fresh task object; a used one scores differently, because its sampling goes on."""
    if docstring_tasks and name in read_json(docstring_tasks / "tasks.json"):
        return load_task(docstring_tasks, name)
    return in_cache(mteb.get_task(name, languages=["eng"]))


def evaluate(
    model: Any,
    card: dict[str, Any],
    docstring_tasks: Path | None,
    partial: Path,
    description: str,
    finish: Callable[[list[str]], None] = lambda done: None,
) -> pd.DataFrame:
    """Return one row for each task of a task card: task, category, metric, score.

    model: what `mteb.evaluate` takes. A task that has its file in the folder `partial` is not evaluated
    again; each task's file is written when it is done. finish: called after each task with all that are done.
    """
    rows = []
    batch = [(category, name) for category, names in card["tasks"].items() for name in names]
    for number, (category, name) in enumerate(progress(batch, description=f"evaluate {description}")):
        done = partial / f"{name}.json"
        if not done.exists():
            row = {"task": name, "category": category, **score(model, load(name, docstring_tasks))}
            with whole(done) as part:
                part.write_text(json.dumps(row), encoding="utf-8")
        finish([name for _, name in batch[: number + 1]])
        rows.append(read_json(done))
    return pd.DataFrame(rows, columns=["task", "category", "metric", "score"])


def score(model: Any, task: mteb.AbsTask) -> dict[str, Any]:
    """Return the task's main metric and its score, averaged over test splits and subsets."""
    result = mteb.evaluate(
        model, task, cache=None, co2_tracker=False, show_progress_bar=False, encode_kwargs={"batch_size": 32}
    )
    main_score = float(result.task_results[0].get_score())
    if math.isnan(main_score):
        cause = "are all embeddings equal, as when a prompt fills evaluation.max_tokens?"
        raise BadInput(f"{task.metadata.name}: its {task.metadata.main_score} is not defined; {cause}")
    return {"metric": task.metadata.main_score, "score": round(main_score, SCORE_DIGITS)}
