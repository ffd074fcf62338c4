"""MTEB tasks and benchmarks by name; tasks that read their data from the hub's cache."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mteb
from huggingface_hub import constants

from ..common.errors import BadInput
from ..common.near_names import nearest
from ..study.task_sizes import misplaced
from .fetched import folder_of
from .hub import cached


@cache
def categories() -> dict[str, str]:
    """Return the category of each MTEB task by name, those that a newer one supersedes included."""
    return {task.metadata.name: task.metadata.type for task in mteb.get_tasks(exclude_superseded=False)}


def check_names(study: str | Path, tasks: Mapping[str, Sequence[str]], benchmark: str | None) -> None:
    """Raise BadInput, naming the study, if MTEB has no such benchmark, or no such task in a category.

    tasks: names by category; "*" stands for any category.
    """
    known = categories()
    if benchmark:
        counted = tasks_of_benchmark(benchmark, f"{study}: evaluation.benchmark")
        known = {task.metadata.name: task.metadata.type for task in counted}
    for category, names in tasks.items():
        for name in names:
            if name not in categories():
                raise BadInput(f"{study}: evaluation.tasks.{category} {unknown_task(name)}")
            if name not in known:
                raise BadInput(f"{study}: evaluation.tasks.{category} {not_in(benchmark, name, known)}")
            if category not in ("*", categories()[name]):
                raise BadInput(f"{study}: {misplaced(name, category, categories()[name])}")
            if (embedded := mteb.get_task(name).metadata.modalities) != ["text"]:
                what = " and ".join(sorted(embedded))
                raise BadInput(f"{study}: evaluation.tasks.{category} {name} embeds {what}, not only text")


def not_in(benchmark: str | None, name: str, known: Collection[str]) -> str:
    """Return what to say of a task that a benchmark of the installed mteb does not have."""
    return f"{name} is not a task of {benchmark} (mteb {version('mteb')}; {nearest(name, known)})"


def unknown_task(name: str) -> str:
    """Return what to say of a name that no MTEB task has."""
    return f"{name} is not an MTEB task (mteb {version('mteb')}; {nearest(name, categories())})"


def tasks_of_benchmark(benchmark: str, key: str) -> list[mteb.AbsTask]:
    """Return the tasks of an MTEB benchmark with the splits and subsets that it counts.

    key: of the study, for the error if there is no such benchmark.
    """
    known = [known.name for known in mteb.get_benchmarks()]
    if benchmark not in known:
        raise BadInput(f'{key} "{benchmark}" is not an MTEB benchmark; {nearest(benchmark, known)}')
    return list(mteb.get_benchmark(benchmark).tasks)


def find_task(name: str) -> mteb.AbsTask | None:
    """Return an MTEB task with all its splits and subsets, or None if there is no such task."""
    try:
        return mteb.get_task(name)
    except KeyError:
        return None


def mteb_task(name: str, benchmark: str | None = None) -> mteb.AbsTask:
    """Return a task of MTEB with what a benchmark counts of it: splits and subsets.

    Without a benchmark: all test splits, and the subsets in English alone, or those with English if there
    are none, or all of them. BadInput if the benchmark does not have the task.
    """
    if benchmark:
        tasks = {task.metadata.name: task for task in tasks_of_benchmark(benchmark, "evaluation.benchmark")}
        if name not in tasks:
            raise BadInput(f"evaluation.tasks: {not_in(benchmark, name, tasks)}")
        return mteb.get_task(name, hf_subsets=tasks[name].hf_subsets, eval_splits=tasks[name].eval_splits)
    for exclusive in (True, False):
        with contextlib.suppress(ValueError):  # no such subset
            return mteb.get_task(name, languages=["eng"], exclusive_language_filter=exclusive)
    return mteb.get_task(name)


def parts(task: Any) -> Sequence[Any]:
    """Return the tasks that an MTEB task is made of: mostly itself alone."""
    return getattr(task, "tasks", None) or [task]


def in_cache(task: Any) -> Any:
    """Return an MTEB task that reads its data from the hub's cache if they were fetched.

    Others are left unchanged if there is network access or a folder of that name; otherwise raises BadInput.
    """
    for part in parts(task):
        data = part.metadata.dataset
        if Path(data["path"]).is_dir():
            continue
        folder = cached(data["path"], data.get("revision"))
        if folder is None and constants.HF_HUB_OFFLINE:
            folder = folder_of(data["path"], data.get("revision"), f"task {part.metadata.name}")
        if folder is not None:
            part.metadata = part.metadata.model_copy(update={"dataset": {**data, "path": str(folder)}})
    return task
