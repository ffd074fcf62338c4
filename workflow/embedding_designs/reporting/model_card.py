"""The model card of one run: what it is, its data, its training, its scores, and how to load it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCardData

from ..common.collapse import collapse_in_words
from ..study.base_folder import MODULES, gguf_file_of
from ..study.data_config import sources_of
from ..study.designs import attention_name, embedding_dimensions
from ..study.run_config import RunConfig

TEMPLATE = "model_card.md.jinja"
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
TAGS = ["sentence-transformers", "sentence-similarity", "feature-extraction"]


def model_card(facts: Mapping[str, Any]) -> str:
    """Return the model card as Markdown, with the YAML header that model hubs read.

    facts: "study", its name; "run", a RunConfig; "source" and "tasks", the configs of its data and tasks;
    "data", the data report; "training", the last line of the training log; "scores", rows of task, category,
    metric, and score; "settings" of the pooling module; "versions" of the packages; "code", the names of the
    code files; "commit"; "verdict", a ModelVerdict or None. The card contains no path of this machine.
    """
    run: RunConfig = facts["run"]
    base = run.base
    hub_base = base["model"] if is_hub_name(base.get("model")) else None
    sources = sources_of(facts["source"])
    datasets = [source["dataset"] for source in sources.values() if "dataset" in source]
    title = f"{run.design['name']} on {base['name']}, seed {run.seed}"
    header = ModelCardData(
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=TAGS + ["mteb"] * bool(facts["scores"]),
        base_model=hub_base,
        datasets=list(dict.fromkeys(datasets)) or None,
        model_name=title,
        eval_results=[_result(row) for row in facts["scores"]] or None,
    )
    ours = {file.name for file in MODULES.glob("*.py")}
    code = {
        "own_code": [file for file in facts["code"] if file in ours],
        "base_code": [file for file in facts["code"] if file not in ours],
    }
    named = {"title": title, "hub_base": hub_base, "made_from": gguf_file_of(base), "sources": sources}
    named["encoder"] = encoder_name(run.design.get("contextual"))
    named["attention"] = attention_name(run.design["attention"])
    named["dimensions"] = embedding_dimensions(run.design, facts["settings"]["dimension"])
    training = facts["training"]
    collapsed = collapse_in_words(training["heldout_documents"]) if training.get("collapsed") else ""
    text = _template().render(facts, **code, **named, means=means(facts["scores"]), collapsed=collapsed)
    return f"---\n{header.to_yaml()}\n---\n\n{text}"


def is_hub_name(model: str | None) -> bool:
    """Return whether a base has the form of a hub name and is not a local folder."""
    return model is not None and HUB_NAME.fullmatch(model) is not None and not Path(model).is_dir()


def encoder_name(encoder: Mapping[str, Any] | None) -> str | None:
    """Return what a card calls the encoder of a contextual token: its public source, or its name."""
    if encoder is None:
        return None
    if package := encoder.get("package"):
        return f"{encoder['name']} ({package['name']} {package['version']})"
    if not is_hub_name(model := encoder["model"]):
        return encoder["name"]
    revision = f" at {encoder['revision']}" if "revision" in encoder else ""
    return f"[{model}](https://huggingface.co/{model}){revision}"


def means(scores: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean score of each category and, last, of all tasks."""
    categories = dict.fromkeys(row["category"] for row in scores)
    by_category = {
        category: fmean(row["score"] for row in scores if row["category"] == category)
        for category in categories
    }
    return by_category | ({"All tasks": fmean(row["score"] for row in scores)} if scores else {})


def _result(row: Mapping[str, Any]) -> EvalResult:
    return EvalResult(
        task_type=row["category"],
        dataset_type=row["task"],
        dataset_name=row["task"],
        metric_type=row["metric"],
        metric_value=row["score"],
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": _cell, "quoted": _quoted}
    return environment.get_template(TEMPLATE)


def _cell(value: Any) -> str:
    """Return a value as a cell of a Markdown table."""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key.replace('_', ' ')} {_cell(item)}" for key, item in value.items())
        case list():
            return ", ".join(map(_cell, value))
        case int():
            return f"{value:,}" if value >= 10_000 else str(value)
        case float():
            return f"{value:g}"
        case _:
            return " ".join(str(value).split()).replace("|", r"\|")


def _quoted(prompt: str) -> str:
    """Return a prompt as a Python string for a table, so that a trailing space is visible."""
    return json.dumps(prompt, ensure_ascii=False).replace("|", r"\|")
