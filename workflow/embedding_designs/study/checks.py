"""Checks what the schema of a study cannot say: which keys go together, how one value limits another."""

import itertools
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.near_names import nearest
from ..common.wording import listing
from .benchmarks import complete_tasks
from .budget_checks import complete_and_check_budget
from .data_config import key_of, sources_of, without_keys_of_sources
from .design_checks import check_design
from .encoders import check_encoders
from .inputs import check_input
from .layers import check_layers
from .run_configs import data_config, tasks_by_category
from .source_checks import check_sizes, check_sources
from .task_sizes import misplaced, task_sizes
from .tuning import check_tuning
from .yaml_file import LONGEST_STUDY

TRAINED = ("bases", "data", "designs", "evaluation")  # keys of every study, unless it starts from scores
ANYWHERE = ("description", "scores", "statistics")  # keys of a study that starts from scores
RESERVED_BASES = ("embeddings", "baselines", "scores", "layers")  # folders in checkpoints/ beside the bases
TEXTS_OF_A_CLASS = 3  # a docstring task learns from one text of three


def check_kind(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each key that is missing or not allowed, before defaults are filled in."""
    if "scores" in study:
        for key in study:
            if key not in ANYWHERE:
                yield f"{key} is not allowed in a study with scores; allowed: {', '.join(ANYWHERE)}"
        return
    yield from (f"{key} is missing" for key in TRAINED if key not in study)
    yield from check_sources(study["data"])
    for name, base in study["bases"].items():
        if "gguf_file" in base and base.get("trust_remote_code"):
            yield f"bases.{name}.trust_remote_code must be false with gguf_file, which holds no code"
        yield from _check_source(f"bases.{name}", base, ("model", "pretrain", "package"))
    for name, encoder in study.get("encoders", {}).items():
        yield from _check_source(f"encoders.{name}", encoder, ("model", "package"))


def _check_source(key: str, base: Mapping[str, Any], sources: Sequence[str]) -> Iterator[str]:
    """Yield one line for each problem of where a base or encoder comes from."""
    if sum(source in base for source in sources) != 1:
        yield f"{key} must have exactly one of {listing(sources)}"
    for own in ("revision", "trust_remote_code", "gguf_file"):
        if own in base and "model" not in base:
            yield f"{key}.{own} needs {key}.model"


def complete_and_check(study: dict[str, Any]) -> Iterator[str]:
    """Fill in the defaults that depend on other keys, and yield one line for each problem."""
    return _complete_and_check_scores(study) if "scores" in study else _complete_and_check_training(study)


def check_length(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line on a study that is too long for the command that writes it to a config."""
    length = len(shlex.quote(json.dumps(study, ensure_ascii=False)).encode())
    if length > LONGEST_STUDY:
        yield f"the study with its defaults is {length:,} bytes long; at most {LONGEST_STUDY:,} are allowed"


def _complete_and_check_scores(study: dict[str, Any]) -> Iterator[str]:
    source = study["scores"]
    if "path" not in source:
        yield f'scores.path is missing: scores.from "{source["from"]}" needs it'
    for name, pool in source["pools"].items():
        if "where" in pool and "labels" not in source:
            yield f"scores.pools.{name}.where needs scores.labels"
    yield from _twins("scores.pools", source["pools"])
    del study["training"]
    study |= {"bases": {}, "designs": {}, "seeds": [], "baselines": []}


def _complete_and_check_training(study: dict[str, Any]) -> Iterator[str]:
    bases, designs = study["bases"], study["designs"]
    study["data"] = without_keys_of_sources(study["data"])
    yield from complete_tasks(study["evaluation"])
    for name, base in bases.items():
        yield from _check_base(name, base, study)
    for name, encoder in study.get("encoders", {}).items():
        yield from _check_revision(f"encoders.{name}", encoder)
    yield from check_encoders(study)
    for name, design in designs.items():
        yield from check_design(name, design, bases)
        yield from check_input(name, design, study["evaluation"]["prompts"])
    yield from itertools.chain(_twins("bases", bases), _twins("designs", designs))
    yield from _twins("encoders", study.get("encoders", ()))
    yield from _twins("data.sources", study["data"].get("sources", ()))
    yield from _check_numbers(study)
    yield from _check_tasks(study)
    yield from check_tuning(study)
    yield from complete_and_check_budget(study)
    yield from check_layers(study, tasks_by_category(study))
    if len(designs) < 2:
        yield f"designs has only {next(iter(designs))}; a comparison needs two or more"
    control = study["statistics"].setdefault("control", next(iter(designs)))
    if control not in designs:
        hint = nearest(control, [*designs])
        yield f'statistics.control "{control}" is not a design of this study; {hint}'


def _check_base(name: str, base: dict[str, Any], study: Mapping[str, Any]) -> Iterator[str]:
    if name.lower() in RESERVED_BASES:
        yield f"bases.{name}: reserved names are {', '.join(RESERVED_BASES)}; choose another"
    if "pretrain" in base:
        yield from _check_pretrain(f"bases.{name}.pretrain", base["pretrain"], study["data"])
    yield from _check_revision(f"bases.{name}", base)
    revision = base.get("revision", "")
    if base["trust_remote_code"] and not _is_folder(base) and not re.fullmatch("[0-9a-f]{40}", revision):
        yield (f"bases.{name}.trust_remote_code true needs a pinned revision, a commit of 40 hexadecimal "
               f'digits, not "{revision}"')  # fmt: skip
    overridden = any(design.get("finetuning") == "lora" for design in study["designs"].values())
    if base["finetuning"] == "full" and not overridden:
        del base["lora"]


def _check_revision(key: str, base: Mapping[str, Any]) -> Iterator[str]:
    if _is_folder(base) and base.get("revision"):
        yield f"{key}.revision: {base['model']} is a folder, which has no revisions; remove this key"


def _is_folder(base: Mapping[str, Any]) -> bool:
    return "model" in base and Path(base["model"]).is_dir()


def _check_pretrain(key: str, pretrain: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    kinds = [source["source"] for source in sources_of(data).values()]
    if "docstrings" not in kinds:
        yield f'{key} needs data.source "docstrings", not {", ".join(map(json.dumps, kinds))}'
    size, factor = pretrain["hidden_size"], 2 * pretrain["heads"]
    if size % factor:
        yield f"{key}.hidden_size {size} must be a multiple of 2 x heads = {factor}"
    if pretrain["word_vectors"]:
        yield from _at_most(f"{key}.hidden_size", size, f"{key}.vocabulary", pretrain["vocabulary"])


def _check_numbers(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each number that another number of the study does not allow."""
    training, data = study["training"], study["data"]
    adapted = {f"designs.{name}.adaptation": design.get("adaptation")
               for name, design in study["designs"].items()}  # fmt: skip
    for key, recipe in {"training": training, **adapted}.items():
        if recipe and recipe["steps"] == 1 and (warmup := recipe["warmup_steps"]):
            yield f"{key}.warmup_steps {warmup} must be 0 if {key}.steps is 1: its learning rate would be 0"
    if "train_rows" in data:
        rows = data["train_rows"]
        yield from _at_most("training.batch_size", training["batch_size"], "data.train_rows", rows)
        yield from check_sizes(data, training["batch_size"])
    sources = sources_of(data).values()
    texts = {key_of(source): source for source in sources if source["source"] == "docstrings"}
    if tasks := study["evaluation"].get("docstring_tasks"):
        key = "evaluation.docstring_tasks"
        texts[key] = tasks
        yield from _at_most(f"{key}.queries", tasks["queries"], f"{key}.documents", tasks["documents"])
        most = tasks["documents"] // TEXTS_OF_A_CLASS
        yield from _at_most(f"{key}.classes", tasks["classes"], f"a third of {key}.documents,", most)
    for key, part in texts.items():
        words = part["min_description_words"]
        yield from _at_most(f"{key}.min_description_words", words, f"{key}.max_words", part["max_words"])


def _at_most(key: str, value: int, limit: str, most: int) -> Iterator[str]:
    if value > most:
        yield f"{key} {value} must be at most {limit} {most}"


def _check_tasks(study: Mapping[str, Any]) -> Iterator[str]:
    tasks = tasks_by_category(study)
    names = [name for group in tasks.values() for name in group]
    if not names:
        yield "evaluation needs docstring_tasks, tasks, or benchmark"
    if len(names) == 1:
        yield f"evaluation has only the task {names[0]}; a comparison needs two or more"
    yield from _twins("evaluation.tasks", names)
    for category, group in study["evaluation"]["tasks"].items():
        for name in group:
            if name in task_sizes() and (own := task_sizes()[name][0].category) != category:
                yield misplaced(name, category, own)
    for name in study["evaluation"]["prompts"]:
        if name not in tasks and name not in names:
            yield (f"evaluation.prompts.{name} is not a task or category of this study; "
                   f"{nearest(name, [*tasks, *names])}")  # fmt: skip
    for source in sources_of(study["data"]).values():
        shared = set(source.get("train_packages", [])) & set(data_config(study)["eval_packages"])
        key = f"{key_of(source)}.train_packages"
        for package in sorted(shared):
            yield f"{key} {package} is also in evaluation.docstring_tasks.packages; choose one"


def _twins(key: str, names: Iterable[str]) -> Iterator[str]:
    """Yield one line for each name that repeats another one, or differs from it only in case."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.get(name.lower())
        seen[name.lower()] = name
        if twin == name:
            yield f"{key} names {name} twice"
        elif twin:
            yield f"{key} {twin} and {name} differ only in case; some file systems cannot distinguish them"
