"""Reads a folder of MTEB results, or a local clone of the results repository, with mteb's own ResultCache."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..command import BadInput
from .tasks import few, mteb_benchmark, mteb_task, nearest

LAYOUT = "{model}/{revision}/{task}.json, there or under results/"


def read_mteb_results(
    path: Path, benchmark: str | None, names: Sequence[str], models: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the main scores in a folder of MTEB results or a clone of the results repository.

    mteb's ResultCache reads them, old formats included. A task counts with the splits and subsets that the
    benchmark counts; without a benchmark, with all of its own. Where several revisions of a model have a
    task, mteb's join_revisions chooses.
    """
    with _result_cache(path) as cache:
        _check_models(path, cache, models)
        if benchmark:
            tasks = [task for task in mteb_benchmark(benchmark) if not names or task.metadata.name in names]
        else:
            found = names or sorted(cache.get_task_names(require_model_meta=False))
            tasks = [mteb_task(name) for name in found]
        results = _load(path, cache, tasks, list(models) or None).join_revisions()
    cells = [(m.model_name, task.task_name, _main_score(task)) for m in results for task in m.task_results]
    if not cells:
        raise BadInput(f"{path}: no results of {few([task.metadata.name for task in tasks])}")
    return pd.DataFrame(cells, columns=["model", "task", "score"]).assign(seed="0")


@contextlib.contextmanager
def _result_cache(path: Path) -> Iterator[Any]:
    """Yield mteb's ResultCache of a folder with results, there or under results/ or remote/results/."""
    if not path.is_dir():
        raise BadInput(f"{path}: no such folder; needed: a folder of MTEB results, {LAYOUT}")
    inside = [folder for folder in ("results", "remote/results") if any(path.glob(f"{folder}/*/*/*.json"))]
    if not inside and not any(path.glob("*/*/*.json")):
        raise BadInput(f"{path}: holds no MTEB results; needed: {LAYOUT}")
    import mteb  # takes seconds, and the other sources need none of it

    with tempfile.TemporaryDirectory() as folder:
        if not inside:
            (Path(folder) / "results").symlink_to(path.resolve(), target_is_directory=True)
        yield mteb.ResultCache(path if inside else folder)


def _check_models(path: Path, cache: Any, models: Sequence[str]) -> None:
    folders = [folder.replace("__", "/") for folder, _ in cache.get_models(require_model_meta=False)]
    for model in models:
        if model not in folders:
            raise BadInput(f"{path}: no results of model {model}; {nearest(model, folders)}")


def _load(path: Path, cache: Any, tasks: list[Any], models: list[str] | None) -> Any:
    try:
        return cache.load_results(
            models, tasks, require_model_meta=False, validate_and_filter=True, only_main_score=True
        )
    except Exception as error:  # whatever a broken file makes json, pydantic or mteb raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise BadInput(f"{path}: {_broken_file(path, cache, tasks)}: no MTEB results: {reason}") from None


def _broken_file(path: Path, cache: Any, tasks: list[Any]) -> str:
    from mteb.results import TaskResult

    for file in cache.get_cache_paths(tasks=tasks, require_model_meta=False):
        try:
            TaskResult.from_disk(file)
        except Exception:
            return "/".join(file.parts[-3:])
    return "a model_meta.json"


def _main_score(result: Any) -> float:
    """Return the mean over splits and subsets, as mteb's get_score; NaN where one of them is missing."""
    scores = [entry["main_score"] for entries in result.scores.values() for entry in entries]
    return float(np.mean([np.nan if score is None else score for score in scores]))
