"""Loads MTEB tasks, the study's docstring tasks or MTEB's own, and evaluates a model on them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mteb
import pandas as pd

from ..command import BadInput, note, progress, read_json, whole
from ..docstring_tasks import load_task
from ..hub.fetched import in_cache
from ..published.tasks import nearest
from ..scores import SCORE_DIGITS
from ..task_sizes import misplaced

COLUMNS = ["task", "category", "metric", "score"]


def check_names(study: str | Path, tasks: Mapping[str, Sequence[str]], benchmark: str | None) -> None:
    """Raise BadInput, naming the study, where MTEB has no such benchmark, or no such task in a category.

    tasks: names by category; "*" stands for any category.
    """
    benchmarks = [known.name for known in mteb.get_benchmarks()]
    if benchmark and benchmark not in benchmarks:
        raise BadInput(
            f'{study}: evaluation.benchmark "{benchmark}" is not a benchmark of MTEB {version("mteb")}; '
            f"{nearest(benchmark, benchmarks)}"
        )
    known = {task.metadata.name: task.metadata.type for task in mteb.get_tasks(exclude_superseded=False)}
    for category, names in tasks.items():
        for name in names:
            if name not in known:
                named = f"{study}: evaluation.tasks.{category} {name}"
                raise BadInput(f"{named} is not a task of MTEB {version('mteb')}; {nearest(name, known)}")
            if category not in ("*", known[name]):
                raise BadInput(f"{study}: {misplaced(name, category, known[name])}")


def load(name: str, docstring_tasks: Path | None, benchmark: str | None = None) -> mteb.AbsTask:
    """Return a fresh task object; a used one scores differently, because its sampling goes on."""
    if docstring_tasks and name in read_json(docstring_tasks / "tasks.json"):
        return load_task(docstring_tasks, name)
    return in_cache(mteb_task(name, benchmark))


def mteb_task(name: str, benchmark: str | None = None) -> mteb.AbsTask:
    """Return a task of MTEB with what a benchmark counts of it: splits and subsets.

    Without a benchmark, or where it does not have the task: all test splits, and the subsets in English
    alone, or those with English where there are none.
    """
    for task in mteb.get_benchmark(benchmark).tasks if benchmark else ():
        if task.metadata.name == name:
            return mteb.get_task(name, hf_subsets=task.hf_subsets, eval_splits=task.eval_splits)
    try:
        return mteb.get_task(name, languages=["eng"], exclusive_language_filter=True)
    except ValueError:  # no such subset
        return mteb.get_task(name, languages=["eng"])


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
        if not is_intact(done):
            task = load(name, docstring_tasks, card.get("benchmark"))
            row = {"task": name, "category": category, **score(model, task)}
            with whole(done) as part:
                part.write_text(json.dumps(row), encoding="utf-8")
        finish([name for _, name in batch[: number + 1]])
        rows.append(read_json(done))
    return pd.DataFrame(rows, columns=COLUMNS)


def is_intact(done: Path) -> bool:
    """Return whether the file of a finished task exists and can be read; a note names one that cannot."""
    if not done.exists():
        return False
    try:
        read_json(done, keys=COLUMNS)
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
        cause = "are all embeddings equal, as when a prompt fills evaluation.max_tokens?"
        raise BadInput(f"{task.metadata.name}: its {task.metadata.main_score} is not defined; {cause}")
    return {"metric": task.metadata.main_score, "score": round(main_score, SCORE_DIGITS)}
