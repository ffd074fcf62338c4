"""Reads a folder of MTEB results or a local clone of the results repository, using mteb's TaskResult."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ...common.command import progress
from ...common.errors import BadInput, reason
from ...common.json_files import read_json
from ...common.near_names import nearest
from ...common.wording import few, shown
from ..not_used import NotUsed, not_used
from ..score_table import WHERE, why_no_score
from .revisions import Result, ResultFile, one_revision_each
from .tasks import KEY

LAYOUT = "{model}/{revision}/{task}.json, directly or under results/"
INSIDE = ("results", "remote/results")  # where a clone or mteb's own cache keeps its results
META = "model_meta.json"


def read_mteb_results(
    path: Path, benchmark: str | None, names: Sequence[str], models: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[NotUsed], dict[str, str]]:
    """Return the main scores in a folder of MTEB results or a clone of its repository, as rows of texts.

    Also returns the report on what was not used, and the revision of each model. A task's score covers the
    splits and subsets that the benchmark counts, or all of them without a benchmark. models: the names in
    pools ("" for a pool that lists none); if all are hub names, only these models are read, and
    "model@revision" selects a revision.
    """
    files, left = _result_files(path)
    tasks = _tasks(benchmark, names, {file.task for file in files})
    if all("/" in name for name in models):
        _check_models(path, files, models)
        wanted = {name.split("@")[0] for name in models}
    else:
        wanted = set()
    compared = [file for file in files if file.task in tasks and (not wanted or file.model in wanted)]
    left += _not_compared(path, files, tasks, wanted, named=bool(benchmark or names))
    if not compared:
        raise BadInput(f"{path}: no results for {few(list(tasks) or sorted({file.task for file in files}))}")
    read = [_read(file, tasks[file.task]) for file in progress(compared, description="read MTEB results")]
    results, revisions, others = one_revision_each(read, models)
    left += others + _incomplete(results)
    rows = [
        (name, result.file.task, "" if result.missing else repr(result.score), str(result.file.path))
        for name, own in results.items()
        for result in own
    ]
    table = pd.DataFrame(rows, columns=["model", "task", "score", WHERE]).assign(seed="0")
    return table, left, revisions


def _result_files(path: Path) -> tuple[list[ResultFile], list[NotUsed]]:
    """Return the files in the layout of MTEB results, and the report on other JSON files."""
    if not path.is_dir():
        raise BadInput(f"{path}: no such folder; expected a folder of MTEB results, {LAYOUT}")
    inside = [path / folder for folder in INSIDE if any((path / folder).glob("*/*/*.json"))]
    found: dict[tuple[str, str, str], ResultFile] = {}
    copies, laid_out = [], set()
    for folder in inside or [path]:
        for file in sorted(folder.glob("*/*/*.json")):
            laid_out.add(file)
            if file.name != META and not file.name.startswith("."):
                key = (_model_name(file.parent), file.parent.name, file.stem)
                first = found.setdefault(key, ResultFile(file, *key))
                copies += [file] if first.path != file else []
    if not found:
        raise BadInput(f"{path}: no MTEB results; expected {LAYOUT}")
    strays = [file for file in sorted(path.rglob("*.json")) if file not in laid_out and file.name != META]
    return list(found.values()), [
        *_files_not_used(path, strays, f"not in the layout {LAYOUT}"),
        *_files_not_used(path, copies, "another file has the same model, revision and task"),
    ]


@cache
def _model_name(revision: Path) -> str:
    """Return the hub name of the model that a revision's folder belongs to."""
    if not (revision / META).exists():
        return revision.parent.name.replace("__", "/")
    name = read_json(revision / META, keys=("name",))["name"]
    if not isinstance(name, str):
        raise BadInput(f"{revision / META}: name {shown(str(name))} is not a string")
    return name


def _files_not_used(path: Path, files: Sequence[Path], reason: str) -> list[NotUsed]:
    return not_used("result file", [str(file.relative_to(path)) for file in files], reason)


def _tasks(benchmark: str | None, names: Sequence[str], found: Collection[str]) -> dict[str, Any]:
    """Return the task objects to compare by name: those selected, else all that have results."""
    from ...fetching.mteb_tasks import find_task, tasks_of_benchmark, unknown_task  # mteb takes seconds

    if benchmark:
        tasks = {task.metadata.name: task for task in tasks_of_benchmark(benchmark, KEY)}
        return {name: task for name, task in tasks.items() if not names or name in names}
    tasks = {name: find_task(name) for name in names or sorted(found)}
    if unknown := [name for name in names if tasks[name] is None]:
        raise BadInput(f"scores.tasks {unknown_task(unknown[0])}")
    return {name: task for name, task in tasks.items() if task is not None}


def _not_compared(
    path: Path, files: Sequence[ResultFile], tasks: Collection[str], wanted: Collection[str], named: bool
) -> list[NotUsed]:
    """Return the report on files of other tasks, and on files of models in no pool."""
    others = [file.path for file in files if file.task not in tasks]
    why = "not among the compared tasks" if named else "not named after an MTEB task"
    models = {file.model: None for file in files if wanted and file.model not in wanted}
    scored = {file.model for file in files if file.task in tasks} | set(models)
    unscored = {file.model: None for file in files if file.model not in scored}
    return [
        *_files_not_used(path, others, why),
        *not_used("model", list(models), "in no pool"),
        *not_used("model", list(unscored), "no results on the compared tasks"),
    ]


def _check_models(path: Path, files: Sequence[ResultFile], models: Sequence[str]) -> None:
    known = {file.model for file in files}
    for model in models:
        if model.split("@")[0] not in known:
            raise BadInput(f"{path}: no results for model {model}; {nearest(model, known)}")


def _read(file: ResultFile, task: Any) -> Result:
    """Return the mean over splits and subsets, like mteb's get_score, or no score if any is missing."""
    from mteb.results import TaskResult  # slow to import, and other sources do not need it

    try:
        result = TaskResult.from_disk(file.path)
        found = list(_main_scores(file, result.validate_and_filter_scores(task).scores))
    except BadInput:
        raise
    except Exception as error:  # whatever json, pydantic, or mteb raise for a broken file
        failure = f"{type(error).__name__}: {reason(error)}"
        raise BadInput(f"{file.path}: cannot be read as MTEB results: {failure}") from None
    if result.task_name != file.task:
        raise BadInput(f"{file.path}: contains results for {result.task_name}; name the file after that task")
    missing = [part for part, score in found if score is None] or ([] if found else ["any subset"])
    scores = [score for _, score in found if score is not None]
    return Result(file, None if missing else sum(scores) / len(scores), missing)


def _main_scores(file: ResultFile, scores: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield each subset of each split with its main score, or None if the score is missing or NaN."""
    seen = set()
    for split, entries in scores.items():
        for entry in entries:
            part, score = f"subset {entry['hf_subset']} of split {split}", entry["main_score"]
            if part in seen:
                raise BadInput(f"{file.path}: {part} appears twice")
            seen.add(part)
            absent = score is None or score != score  # NaN
            if not absent and (why := why_no_score(repr(score))):
                raise BadInput(f"{file.path}: main_score {shown(str(score))} of {part} {why}")
            yield part, None if absent else score


def _incomplete(results: Mapping[str, Sequence[Result]]) -> list[NotUsed]:
    """Return the report on files that lack a score on a subset or split that counts."""
    return [
        entry
        for name, own in results.items()
        for result in own
        if result.missing
        for entry in not_used(
            "score", [f"{name} on {result.file.task}"], f"{result.file.path}: no {few(result.missing)}"
        )
    ]
