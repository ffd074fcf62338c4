"""Reads and checks a study: the one YAML file that defines an experiment.

python -m embedding_designs.study quickstart
"""

import argparse
import contextlib
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from .cards import source_card, tasks_by_category
from .command import BadInput, command
from .designs import complete_design

SCHEMA = Path(__file__).parents[1] / "schemas" / "study.schema.yaml"
TRAINED = (
    "bases",
    "data",
    "designs",
    "evaluation",
)  # keys that every study needs, unless it begins at scores
ANYWHERE = ("description", "scores", "statistics")  # keys of a study that begins at scores
PUBLISHED = "resources/published/mteb-english-scores.csv.gz"
SOURCE_KEYS = {"docstrings": "train_packages", "file": "path", "hub": "dataset"}


class StudyLoader(yaml.SafeLoader):
    """Reads 1e-5 as a number, as YAML 1.2 does; YAML 1.1 wants 1.0e-5 and takes the other for text."""


StudyLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def study_path(named: str) -> Path:
    """Return the file of a study that is named by its path, or by its name in config/studies/."""
    return Path(named) if named.endswith((".yaml", ".yml")) else Path(f"config/studies/{named}.yaml")


def load_study(path: str | Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a study with its name and every default filled in.

    overrides: keys that replace those of the file, merged key by key (Snakemake's `--config`).
    Raises BadInput with one line that names file, key, value and what is allowed.
    """
    path = Path(path)
    file, overrides = _read_yaml(path), typed(overrides or {})
    study = without_prompts_of_left_out_tasks(merged(file, overrides), file, overrides)
    schema = study_schema()
    for error in jsonschema.Draft202012Validator(schema).iter_errors(study):
        raise BadInput(f"{path}: {_explain(error)}")
    for problem in _check_kind(study):
        raise BadInput(f"{path}: {problem}")
    study = with_defaults(study, schema)
    for problem in _complete_and_check_scores(study) if "scores" in study else _complete_and_check(study):
        raise BadInput(f"{path}: {problem}")
    return {"name": path.stem, **study}


@cache
def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def typed(value: Any) -> Any:
    """Return `value` with numbers and booleans in place of their texts, at every depth.

    Snakemake's `--config` gives all nested values as text.
    """
    if isinstance(value, Mapping):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    with contextlib.suppress(TypeError, ValueError):
        return json.loads(value)
    return value


def merged(below: Any, above: Any) -> Any:
    """Return `below` with the keys of `above` laid over it, mapping by mapping."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return deepcopy(above)
    replaced = {key: merged(below.get(key), value) for key, value in above.items()}
    return deepcopy(dict(below)) | replaced


def without_prompts_of_left_out_tasks(
    study: dict[str, Any], file: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a study without the prompts of those tasks of its file that the overrides leave out."""
    left_out = set(_task_names(file)) - set(_task_names(study)) - set(_evaluation(overrides, "prompts"))
    prompts = _evaluation(study, "prompts")
    if not left_out & set(prompts):
        return study
    kept = {name: prompt for name, prompt in prompts.items() if name not in left_out}
    return {**study, "evaluation": {**study["evaluation"], "prompts": kept}}


def _task_names(study: Mapping[str, Any]) -> list[str]:
    groups = _evaluation(study, "tasks").values()
    return [name for group in groups if isinstance(group, list) for name in group if isinstance(name, str)]


def _evaluation(study: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a mapping of a study's evaluation; an empty one where it has none, or something else."""
    evaluation = study.get("evaluation")
    value = evaluation.get(key) if isinstance(evaluation, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return `value` with the schema's defaults in place of missing keys, at every depth.

    What the schema marks `partial` stays as it is: its missing keys are filled from elsewhere.
    """
    schema = _resolved(schema)
    if not isinstance(value, Mapping) or schema.get("partial"):
        return value
    properties = schema.get("properties", {})
    known = {key: _resolved(sub) for key, sub in properties.items()}
    defaults = {
        key: sub["default"] for key, sub in known.items() if "default" in sub and "partial" not in sub
    }
    filled = deepcopy(defaults) | dict(value)
    others = schema.get("additionalProperties", {}) or {}
    return {key: with_defaults(item, known.get(key, others)) for key, item in filled.items()}


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        study = yaml.load(path.read_text(encoding="utf-8"), StudyLoader)
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
        raise BadInput(f"{path}: no such study; studies there: {known}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(study, dict):
        raise BadInput(f"{path}: a study is a mapping of keys, not {type(study).__name__}")
    return study


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    return {**study_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]], **schema}


def _explain(error: jsonschema.ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in known)
        return f"{'.'.join(filter(None, [key, str(unknown)]))} is not known; {_nearest(unknown, known)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{'.'.join(filter(None, [key, missing]))} is missing"
    value = json.dumps(error.instance, ensure_ascii=False)
    if error.validator == "enum":
        return f"{key} {value} is not known; {_nearest(error.instance, error.validator_value)}"
    limits = {"type": "must be of type", "minimum": "must be at least", "exclusiveMinimum": "must be above",
              "exclusiveMaximum": "must be below", "minItems": "needs items, at least",
              "minProperties": "needs entries, at least", "pattern": "must match",
              "uniqueItems": "must hold no value twice: uniqueItems is"}  # fmt: skip
    rule = limits.get(error.validator, f"breaks the rule {error.validator}")
    return f"{key or 'the study'} {value[:200]} {rule} {error.validator_value}"


def _nearest(name: Any, known: list[Any]) -> str:
    choices = [str(choice) for choice in known]
    allowed = ", ".join(choices)
    close = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.5)
    return f"did you mean {close[0]}? allowed: {allowed}" if close else f"choose from {allowed}"


def missing_files(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each file or folder that a study begins at and that is not there."""
    for section, key in (("scores", "path"), ("scores", "labels"), ("data", "path")):
        file = study.get(section, {}).get(key)
        if file and not Path(file).exists():
            yield f"{section}.{key} {file}: no such file or folder"


def _check_kind(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is missing or too much in a study that trains, or in one that begins at scores."""
    if "scores" not in study:
        yield from (f"{key} is missing" for key in TRAINED if key not in study)
        return
    for key in study:
        if key not in ANYWHERE:
            yield f"{key} belongs to a study that trains; one with scores has {', '.join(ANYWHERE)}"


def _complete_and_check_scores(study: dict[str, Any]) -> Iterator[str]:
    """Fill in what a study that begins at scores does not have, and yield what the schema cannot say."""
    source = study["scores"]
    if source["from"] == "published":
        source.setdefault("path", PUBLISHED)
    if "path" not in source:
        yield f'scores.path is missing: scores.from "{source["from"]}" needs it'
    for name, pool in source["pools"].items():
        if "where" in pool and "labels" not in source:
            yield f"scores.pools.{name}.where needs scores.labels"
    del study["training"]
    study |= {"bases": {}, "designs": {}, "seeds": [], "references": []}


def _complete_and_check(study: dict[str, Any]) -> Iterator[str]:
    """Fill in the defaults that depend on other keys, and yield what the schema cannot say."""
    for name, base in study["bases"].items():
        yield from _check_base(name, base, study)
    for name, design in study["designs"].items():
        yield from complete_design(name, design, study["bases"])
    yield from _check_data(study)
    yield from _check_tasks(study)
    if len(study["designs"]) < 2:
        yield f"designs holds {next(iter(study['designs']))} alone; a comparison needs two or more"
    baseline = study["statistics"].setdefault("baseline", next(iter(study["designs"])))
    if baseline not in study["designs"]:
        yield (f'statistics.baseline "{baseline}" is no design of this study; '
               f"{_nearest(baseline, list(study['designs']))}")  # fmt: skip


def _check_base(name: str, base: dict[str, Any], study: dict[str, Any]) -> Iterator[str]:
    if ("model" in base) == ("pretrain" in base):
        yield f"bases.{name} needs either model or pretrain"
    if "pretrain" in base and study["data"]["source"] != "docstrings":
        yield f'bases.{name}.pretrain needs data.source "docstrings", not "{study["data"]["source"]}"'
    if "pretrain" in base and base["pretrain"]["hidden_size"] % (2 * base["pretrain"]["heads"]):
        yield (f"bases.{name}.pretrain.hidden_size {base['pretrain']['hidden_size']} must be a multiple of "
               f"2 x heads = {2 * base['pretrain']['heads']}")  # fmt: skip
    revision = base.get("revision", "")
    if base["trust_remote_code"] and not re.fullmatch("[0-9a-f]{40}", revision):
        yield (f"bases.{name}.trust_remote_code true needs a pinned revision, a commit of 40 hexadecimal "
               f'digits; "{revision}" is none')  # fmt: skip
    overridden = any(design.get("finetuning") == "lora" for design in study["designs"].values())
    if base["finetuning"] == "full" and not overridden:
        del base["lora"]


def _check_data(study: dict[str, Any]) -> Iterator[str]:
    data = study["data"]
    needed = SOURCE_KEYS[data["source"]]
    if needed not in data:
        yield f'data.{needed} is missing: data.source "{data["source"]}" needs it'
    for source, key in SOURCE_KEYS.items():
        if source != data["source"] and key in data:
            yield f'data.{key} belongs to data.source "{source}", not "{data["source"]}"'


def _check_tasks(study: dict[str, Any]) -> Iterator[str]:
    tasks = tasks_by_category(study)
    names = [name for group in tasks.values() for name in group]
    if not names:
        yield "evaluation needs docstring_tasks or tasks"
    if len(names) == 1:
        yield f"evaluation names the task {names[0]} alone; a comparison needs two or more"
    for name in names:
        if names.count(name) > 1:
            yield f"evaluation.tasks names {name} twice"
    for name in study["evaluation"]["prompts"]:
        if name not in tasks and name not in names:
            yield (f"evaluation.prompts.{name} is no task or category of this study; "
                   f"{_nearest(name, [*tasks, *names])}")  # fmt: skip
    shared = set(study["data"].get("train_packages", [])) & set(source_card(study)["eval_packages"])
    for package in sorted(shared):
        yield f"data.train_packages {package} is also in evaluation.docstring_tasks.packages; keep them apart"


@command
def main() -> None:
    """Print a study with all its defaults."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("study", type=study_path, help="name, or path of a YAML file")
    print(yaml.safe_dump(load_study(parser.parse_args().study), sort_keys=False))


if __name__ == "__main__":
    main()
