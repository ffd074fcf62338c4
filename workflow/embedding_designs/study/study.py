"""Reads and checks a study: the one YAML file that defines an experiment.

python -m embedding_designs.study.show_study quickstart
"""

import itertools
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.errors import BadInput
from ..common.names import check_name
from ..common.places import found
from .benchmarks import benchmarks, chosen_tasks
from .checks import check_kind, check_length, complete_and_check
from .data_config import key_of, sources_of
from .schema import merged, schema_problems, study_schema, typed, with_defaults
from .yaml_file import read_study_file


def study_path(named: str) -> Path:
    """Return the file of a study that is named by its path, or by its name in config/studies/."""
    return Path(named) if named.endswith((".yaml", ".yml")) else found(f"config/studies/{named}.yaml")


def load_study(path: str | Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a study with its name and every default filled in.

    overrides: keys that replace those of the file, merged key by key (Snakemake's `--config`).
    Raises BadInput with one line that names file, key, value and what is allowed.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise BadInput(f"{path}: no such study; studies in that folder: {_studies_beside(path)}")
    file = read_study_file(path)
    try:
        overrides = typed(overrides or {}, study_schema())
    except RecursionError:
        raise BadInput(f"{path}: the overrides are nested too deeply") from None
    study = without_left_out_tasks(merged(file, overrides), file, overrides)
    name_problem = filter(None, [check_name("study name", path.stem)])
    for problem in itertools.chain(name_problem, schema_problems(study), check_kind(study)):
        raise BadInput(f"{path}: {problem}")
    study = with_defaults(study, study_schema())
    for problem in itertools.chain(complete_and_check(study), check_length(study)):
        raise BadInput(f"{path}: {problem}")
    return {"name": path.stem, **study}


def _studies_beside(path: Path) -> str:
    beside = path.parent.glob("*.yaml") if os.path.isdir(path.parent) else ()
    return ", ".join(sorted(file.stem for file in beside)) or "none"


def without_left_out_tasks(
    study: dict[str, Any], file: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a study without those tasks of its file, and their prompts, that the overrides leave out."""
    left_out = set(_task_names(file)) - set(_task_names(study))
    prompts = _evaluation(study, "prompts")
    if left_out_prompts := left_out & set(prompts) - set(_evaluation(overrides, "prompts")):
        kept = {name: prompt for name, prompt in prompts.items() if name not in left_out_prompts}
        study = {**study, "evaluation": {**study["evaluation"], "prompts": kept}}
    return _without_left_out_layer_tasks(study, left_out) if "layers" not in overrides else study


def _without_left_out_layer_tasks(study: dict[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """Return a study whose `layers.tasks` names no left-out task; without that key if it names no other."""
    layers = study.get("layers")
    if not isinstance(layers, Mapping) or not isinstance(named := layers.get("tasks"), list):
        return study
    kept = [name for name in named if not (isinstance(name, str) and name in left_out)]
    if kept == named:
        return study
    others = {key: value for key, value in layers.items() if key != "tasks"}
    return {**study, "layers": {**others, "tasks": kept} if kept else others}


def _task_names(study: Mapping[str, Any]) -> list[str]:
    """Return the names of a study's categories and MTEB tasks, before the study is checked."""
    evaluation = _evaluation_of(study)
    tasks = benchmarks().get(str(evaluation.get("benchmark")), [])
    chosen = chosen_tasks(tasks, _evaluation(study, "tasks") if "tasks" in evaluation else None)
    groups = [names for names in chosen.values() if isinstance(names, list)]
    return [*chosen, *(name for group in groups for name in group if isinstance(name, str))]


def _evaluation(study: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a mapping of a study's evaluation; empty if it has none, or something else."""
    value = _evaluation_of(study).get(key)
    return value if isinstance(value, Mapping) else {}


def _evaluation_of(study: Mapping[str, Any]) -> Mapping[str, Any]:
    evaluation = study.get("evaluation")
    return evaluation if isinstance(evaluation, Mapping) else {}


def missing_files(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each file or folder that a study names and that does not exist."""
    named = [(f"scores.{key}", study.get("scores", {}).get(key)) for key in ("path", "labels")]
    sources = sources_of(study["data"]).values() if "data" in study else ()
    named += [(f"{key_of(source)}.path", source.get("path")) for source in sources]
    for key, file in named:
        if file and not found(file).exists():
            yield f"{key} {file}: no such file or folder"
