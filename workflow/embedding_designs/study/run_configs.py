"""Configs: the small JSON texts through which a rule gets exactly the part of the study that it depends on.

A changed key of the study changes only the configs that hold it, and so replans only what depends on it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from ..common.places import found
from .adaptation import adaptation_recipe, adaptations, adapted_design
from .budget import design_steps, tuning_steps, with_steps
from .data_config import sources_of
from .design_on_base import finetuning
from .docstring_task_names import task_name
from .encoders import encoder_config, models_of, with_encoder
from .inputs import UNVARIED
from .layers import layers_config
from .run_config import RunConfig
from .task_sizes import batches_by_size
from .tuning import design_tuning, tuned, tuning_points, tuning_recipe, tuning_runs


def config(study: Mapping[str, Any], name: str) -> Any:
    """Return the content of the config with a name such as "study" or "runs/mini/eos-causal/seed1"."""
    match name.split("/"):
        case ["study"]:
            return dict(study)
        case ["scores"]:
            return study["scores"]
        case ["data"]:
            return data_config(study)
        case ["docstring_tasks"]:
            return study["evaluation"]["docstring_tasks"]
        case ["bases", base]:
            return base_config(study, base)
        case ["runs", base, design, seed]:
            return run_config(study, base, design, int(seed.removeprefix("seed"))).to_json()
        case ["adaptations", base, adaptation]:
            return adaptation_config(study, base, adaptation).to_json()
        case ["points", base, design, point]:
            return point_config(study, base, design, point).to_json()
        case ["tuning", base, design]:
            return design_tuning(tuning_of(study, base, design), study["designs"][design])
        case ["tasks", batch]:
            return task_config(study, batch)
        case ["layers"]:
            return layers_config(study["layers"], task_config(study, "all"))
        case ["fetched", batch]:
            return {"tasks": mteb_tasks(study, batch), "benchmark": study["evaluation"]["benchmark"]}
        case _:
            raise ValueError(f"no config is called {name}")


def config_text(study: Mapping[str, Any], name: str) -> str:
    """Return the content of a config's file, without the final line break."""
    return json.dumps(config(study, name), ensure_ascii=False)


def config_mark(study: Mapping[str, Any], name: str) -> str:
    """Return a path: a config's name, and the hash of its content and of the state of files it names."""
    parts = [config_text(study, name), *map(file_states, named_files(study, name))]
    if name == "data":  # other versions of the packages have other docstrings
        parts.append(found("requirements.lock").read_text(encoding="utf-8"))
    content = "".join(parts)
    return f"{name}/{hashlib.sha256(content.encode(errors='surrogateescape')).hexdigest()[:16]}"


def named_files(study: Mapping[str, Any], name: str) -> list[Path]:
    """Return the user's files and folders that a config names; what is on a hub is neither."""
    match name.split("/"):
        case ["scores"]:
            paths = [study["scores"].get(key) for key in ("path", "labels")]
        case ["data"]:
            sources = sources_of(study["data"]).values()
            paths = [source.get(key) for source in sources for key in ("path", "dataset")]
        case ["runs" | "points", base, design, _]:
            encoder = study["designs"][design].get("contextual")
            paths = [models_of(study)[name].get("model") for name in (base, encoder) if name]
        case ["bases" | "adaptations", base, *_]:
            paths = [models_of(study)[base].get("model")]
        case _:
            paths = []
    return [path for path in map(found, filter(None, paths)) if path.exists()]


@cache
def file_states(path: Path) -> str:
    """Return name, size and time of change of a file, or of each file in a folder, hidden ones left out.

    Snakemake does not see a file that was replaced by an older one, nor a change deep inside a folder. Times
    are in seconds, because an archive keeps no more of them.
    """
    files = [path]
    if path.is_dir():
        files = []
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files += [Path(folder, name) for name in names if not name.startswith(".")]
    states = [(file, file.stat()) for file in sorted(files) if file.is_file()]
    return "".join(
        f"\n{file.relative_to(path)} {state.st_size} {int(state.st_mtime)}" for file, state in states
    )


def config_names(study: Mapping[str, Any]) -> list[str]:
    """Return the names of all configs of a study."""
    if "scores" in study:
        return ["study", "scores"]
    return [
        *("study", "data", "tasks/all"),
        *(["docstring_tasks"] if "docstring_tasks" in study["evaluation"] else []),
        *(["layers"] if "layers" in study else []),
        *(f"bases/{base}" for base in models_of(study)),
        *(f"adaptations/{base}/{adaptation}" for base, adaptation in adapted(study)),
        *(f"runs/{base}/{design}/seed{seed}" for base, design, seed in runs(study)),
        *(f"points/{base}/{design}/{point}" for base, design, point in tuning_runs(study)),
        *(f"tuning/{base}/{design}" for base, design in tuned(study)),
        *(f"tasks/{batch}" for batch in task_batches(study) if batch != "all"),
        *(f"fetched/{batch}" for batch in task_batches(study) if mteb_tasks(study, batch)),
    ]


def runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Return base, design and seed of each run."""
    return product(study["bases"], study["designs"], study["seeds"])


def adapted(study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the base and the name of each adaptation of the study."""
    return product(study["bases"], adaptations(study))


def results_of_another_study(study: Mapping[str, Any]) -> str | None:
    """Return one line if the study's results folder belongs to another study file of the same name."""
    config_file = Path("results", study["name"], "configs", "study.json")
    try:
        before = Path(json.loads(config_file.read_text(encoding="utf-8"))["made_by"]["study"])
    except (OSError, ValueError, TypeError, KeyError):  # no results yet, or none that name their study
        return None
    now = Path(study["made_by"]["study"])
    if not before.exists() or before.samefile(now):
        return None
    return (
        f"results/{study['name']} has the results of {before}, and {now} has the same name; "
        f"rename one of the two files, or move results/{study['name']}"
    )


def tasks_by_category(study: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the study's tasks by MTEB category: docstring tasks first, then MTEB's own."""
    evaluation = study["evaluation"]
    tasks: dict[str, list[str]] = {}
    docstrings = evaluation.get("docstring_tasks", {"categories": [], "packages": []})
    for category in docstrings["categories"]:
        tasks.setdefault(category, []).extend(task_name(category, name) for name in docstrings["packages"])
    for category, names in evaluation["tasks"].items():
        tasks.setdefault(category, []).extend(names)
    return tasks


def task_batches(study: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return which tasks one process evaluates: batch name -> category -> task names.

    A study that begins at scores evaluates none.
    """
    if "evaluation" not in study:
        return {}
    tasks = tasks_by_category(study)
    match study["evaluation"]["batch_by"]:
        case "run":
            return {"all": tasks}
        case "category":
            return {category: {category: names} for category, names in tasks.items()}
        case "size":
            small = set(names_of(tasks)) - set(names_of(study["evaluation"]["tasks"]))
            return batches_by_size(tasks, small, study["evaluation"].get("benchmark"))
        case _:
            return {name: {category: [name]} for category, names in tasks.items() for name in names}


def names_of(tasks: Mapping[str, list[str]]) -> list[str]:
    """Return the names of tasks by category."""
    return [name for names in tasks.values() for name in names]


def mteb_tasks(study: Mapping[str, Any], batch: str) -> list[str]:
    """Return the names of MTEB's own tasks in a batch, whose data come from the hub."""
    own = names_of(study["evaluation"]["tasks"])
    return [name for name in names_of(task_batches(study)[batch]) if name in own]


def data_config(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines the training data: the study's data with the packages it must stay clear of."""
    docstrings = study["evaluation"].get("docstring_tasks", {"packages": []})
    return {**study["data"], "eval_packages": docstrings["packages"]}


def task_config(study: Mapping[str, Any], batch: str) -> dict[str, Any]:
    """Return what defines one batch of tasks: names by category, prompts, encoding."""
    evaluation = study["evaluation"]
    tasks = tasks_by_category(study) if batch == "all" else task_batches(study)[batch]
    named = {*tasks, *(name for names in tasks.values() for name in names)}
    return {
        "tasks": tasks,
        "prompts": {name: prompt for name, prompt in evaluation["prompts"].items() if name in named},
        "max_seq_length": evaluation["max_seq_length"],
        "batch_size": evaluation["batch_size"],
        "benchmark": evaluation["benchmark"],
    }


def base_config(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what defines a base, or an encoder of contextual tokens."""
    if name in study["bases"]:
        return {"name": name, **finetuning(study["bases"][name], {})}
    return encoder_config(study, name)


def run_config(study: Mapping[str, Any], base: str, design: str, seed: int) -> RunConfig:
    """Return everything that influences one trained model, beside its data."""
    settings = with_encoder(study, design)
    own = {
        key: value
        for key, value in settings.items()
        if key not in ("finetuning", "lora") and value != UNVARIED.get(key)
    }
    training = with_steps(study["training"], design_steps(study, base, design))
    return RunConfig(
        base={"name": base, **finetuning(study["bases"][base], settings)},
        design={"name": design, **own},
        seed=seed,
        training={**training, **batches(study)},
    )


def batches(study: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of a recipe that says how batches are drawn, if it is not the default."""
    return {"batches": study["data"]["batches"]} if "batches" in study["data"] else {}


def adaptation_config(study: Mapping[str, Any], base: str, adaptation: str) -> RunConfig:
    """Return everything that influences one adapted base, besides the texts; an adapter is always merged."""
    design = adapted_design(study, adaptation)
    settings = finetuning(study["bases"][base], {})
    lora = {"lora": {**settings["lora"], "save": "merged"}} if "lora" in settings else {}
    recipe = adaptation_recipe(study, adaptation)
    seed = recipe.pop("seed")
    return RunConfig(base={"name": base, **settings, **lora}, design=design, seed=seed, training=recipe)


def point_config(study: Mapping[str, Any], base: str, design: str, point: str) -> RunConfig:
    """Return everything that influences one tuning run, beside its data."""
    tuning = tuning_of(study, base, design)
    settings = tuning_points(tuning, study["designs"][design])[point]
    run = run_config(study, base, design, tuning["seed"])
    training = with_steps(study["training"], study["training"]["steps"]) | batches(study)
    return replace(run, training=tuning_recipe(training, tuning, settings))


def tuning_of(study: Mapping[str, Any], base: str, design: str) -> dict[str, Any]:
    """Return a study's tuning with the steps of a design's tuning runs."""
    return {**study["tuning"], "steps": tuning_steps(study, base, design)}
