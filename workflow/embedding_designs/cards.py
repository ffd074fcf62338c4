"""Cards: the small JSON texts through which a rule gets exactly the part of the study that it depends on.

A changed key of the study changes only the cards that hold it, and so replans only what depends on it.
"""

from collections.abc import Mapping
from typing import Any

from .docstrings.task_names import task_name
from .task_sizes import batches_by_size


def card(study: Mapping[str, Any], name: str) -> Any:
    """Return the content of the card with a name such as "study" or "runs/mini/eos-causal/seed1"."""
    match name.split("/"):
        case ["study"]:
            return dict(study)
        case ["scores"]:
            return study["scores"]
        case ["source"]:
            return source_card(study)
        case ["docstring_tasks"]:
            return study["evaluation"]["docstring_tasks"]
        case ["bases", base]:
            return {"name": base, **finetuning(study["bases"][base], {})}
        case ["runs", base, design, seed]:
            return run_card(study, base, design, int(seed.removeprefix("seed")))
        case ["tasks", batch]:
            return task_card(study, batch)
        case ["fetched", batch]:
            return mteb_tasks(study, batch)
        case _:
            raise ValueError(f"no card is called {name}")


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
            return batches_by_size(
                tasks, small=set(names_of(tasks)) - set(names_of(study["evaluation"]["tasks"]))
            )
        case _:
            return {name: {category: [name]} for category, names in tasks.items() for name in names}


def names_of(tasks: Mapping[str, list[str]]) -> list[str]:
    """Return the names of tasks by category."""
    return [name for names in tasks.values() for name in names]


def mteb_tasks(study: Mapping[str, Any], batch: str) -> list[str]:
    """Return the names of MTEB's own tasks in a batch, whose data come from the hub."""
    own = names_of(study["evaluation"]["tasks"])
    return [name for name in names_of(task_batches(study)[batch]) if name in own]


def source_card(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines the training data: the study's data with the packages it must stay clear of."""
    docstrings = study["evaluation"].get("docstring_tasks", {"packages": []})
    return {**study["data"], "eval_packages": docstrings["packages"]}


def task_card(study: Mapping[str, Any], batch: str) -> dict[str, Any]:
    """Return what defines one batch of tasks: names by category, prompts, encoding."""
    evaluation = study["evaluation"]
    tasks = tasks_by_category(study) if batch == "all" else task_batches(study)[batch]
    named = {*tasks, *(name for names in tasks.values() for name in names)}
    return {
        "tasks": tasks,
        "prompts": {name: prompt for name, prompt in evaluation["prompts"].items() if name in named},
        "max_tokens": evaluation["max_tokens"],
        "batch_size": evaluation["batch_size"],
        "benchmark": evaluation["benchmark"],
    }


def run_card(study: Mapping[str, Any], base: str, design: str, seed: int) -> dict[str, Any]:
    """Return everything that influences one trained model, beside its data."""
    settings = study["designs"][design]
    own = {key: value for key, value in settings.items() if key not in ("finetuning", "lora")}
    return {
        "base": {"name": base, **finetuning(study["bases"][base], settings)},
        "design": {"name": design, **own},
        "seed": seed,
        "training": study["training"],
    }


def finetuning(base: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base with what a design overrides in its `finetuning` and, key by key, in its `lora`."""
    settings = {
        **base,
        "finetuning": design.get("finetuning", base["finetuning"]),
        "lora": {**base.get("lora", {}), **design.get("lora", {})},
    }
    if settings["finetuning"] == "full":
        del settings["lora"]
    return settings
