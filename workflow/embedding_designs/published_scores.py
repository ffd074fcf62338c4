"""Puts published scores, or anybody's, into the table of scores that the comparison begins with.

python -m embedding_designs.published_scores results/leaderboard/cards/scores.json --output scores.csv
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .command import BadInput, command, read_json
from .published.sources import read_source
from .published.tasks import few, nearest
from .scores import COLUMNS, write_scores

UNKNOWN = "unknown"
LABELS = [
    "name",
    "pooling",
    "attention",
]  # what a table of labels may say of a model, beside any other column
EVERY_MODEL = {"all": {"complete": True}}  # the pools of a study that names none


def published_scores(source: Mapping[str, Any]) -> pd.DataFrame:
    """Return scores.csv of a study that begins at scores: base = pool, design = the model's short name.

    source: the study's `scores`. A cell without a score has no row: whether its task may be dropped is the
    comparison's to decide. Raises BadInput that names what is unknown, or cannot be used.
    """
    labels = read_labels(source["labels"]) if "labels" in source else pd.DataFrame(columns=LABELS)
    rows, tasks = read_source(source, _hub_names(source["pools"]))
    if "base" not in rows:
        rows = in_pools(rows, source["pools"] or EVERY_MODEL, labels, tasks)
    elif source["pools"]:
        raise BadInput(f"{source['path']}: has a column base, and the study scores.pools; keep one of them")
    present = set(rows["task"])
    if absent := [task for task in tasks if task not in present]:
        raise BadInput(
            f"{source['path']}: none of the models compared has a score on {few(absent)}; "
            "name other scores.tasks"
        )
    return labelled(rows, labels)[COLUMNS]


def read_labels(path: str | Path) -> pd.DataFrame:
    """Return a table of labels, its index the full names of the models; an empty text is an unknown label."""
    try:
        labels = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path}: not a CSV table: {' '.join(str(error).split())}") from None
    if "model" not in labels:
        raise BadInput(f"{path}: column model is missing")
    for column in {"model", "name"} & set(labels):
        repeated = labels[column][labels[column].duplicated() & (labels[column] != "")]
        if len(repeated):
            raise BadInput(f"{path}, line {repeated.index[0] + 2}: a second {column} {repeated.iloc[0]}")
    labels = labels.set_index("model")
    return labels.reindex(columns=dict.fromkeys([*LABELS, *labels]), fill_value="")


def in_pools(
    rows: pd.DataFrame, pools: Mapping[str, Any], labels: pd.DataFrame, tasks: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of each pool's models, pool by pool and model by model, with the pool as base."""
    rows = rows.sort_values(["category", "task"], kind="stable")
    of_model = dict(list(rows.groupby("model", sort=False)))
    cells = len(tasks) * rows["seed"].nunique()
    whole = [model for model, own in of_model.items() if len(own) == cells]
    parts = []
    for pool, rule in pools.items():
        models = members(f"scores.pools.{pool}", rule, list(of_model), labels)
        if rule.get("complete"):
            left_out = [model for model in models if model not in whole]
            models = [model for model in models if model in whole]
            if left_out:
                print(f"{pool}: left out, because a score is missing: {', '.join(left_out)}")
        if len(models) < 2:
            complete = f" complete on {len(tasks)} tasks" if rule.get("complete") else ""
            raise BadInput(
                f"scores.pools.{pool} holds {len(models)} models{complete}; a comparison needs two"
            )
        _check_present(pool, rule, models, of_model)
        parts += [of_model[model].assign(base=pool) for model in models]
    return pd.concat(parts, ignore_index=True)


def members(key: str, rule: Mapping[str, Any], known: Sequence[str], labels: pd.DataFrame) -> list[str]:
    """Return the full names of a pool's models: those it lists, else all; of them those with its labels."""
    models = list(known)
    if "models" in rule:
        listed = [_full_name(f"{key}.models", name, known, labels) for name in rule["models"]]
        models = list(dict.fromkeys(listed))
    elif "where" in rule:
        models = list(labels.index)
    for column, wanted in rule.get("where", {}).items():
        values = [wanted] if isinstance(wanted, str) else wanted
        if column not in labels:
            raise BadInput(f"{key}.where.{column} is no column of scores.labels; {nearest(column, labels)}")
        for value in values:
            if value not in set(labels[column]):
                hint = nearest(value, set(labels[column]) - {""})
                raise BadInput(f'{key}.where.{column} "{value}" is no label of a model; {hint}')
        models = [model for model in models if model in labels.index and labels.at[model, column] in values]
    return models


def _full_name(key: str, name: str, known: Sequence[str], labels: pd.DataFrame) -> str:
    """Return the model that a full name, a name of the labels, or the part after the "/" means."""
    names = {model: {model, model.rsplit("/", 1)[-1]} for model in [*known, *labels.index]}
    for model in labels.index:
        names[model] |= {labels.at[model, "name"]} - {""}
    meant = [model for model in names if name in names[model]]
    if name in meant or len(meant) == 1:
        return name if name in meant else meant[0]
    if meant:
        raise BadInput(f'{key} "{name}" may be {" or ".join(meant)}')
    raise BadInput(f'{key} "{name}" is no model of the source; {nearest(name, set().union(*names.values()))}')


def _check_present(
    pool: str, rule: Mapping[str, Any], models: Sequence[str], present: Mapping[str, Any]
) -> None:
    if absent := [model for model in models if model not in present]:
        raise BadInput(
            f"scores.pools.{pool}: the source has no scores of {few(absent)}; "
            "complete: true keeps to models with all scores"
        )


def labelled(rows: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with design, pooling and attention: the table's own, else the labels', else unknown."""
    names = short_names(list(dict.fromkeys(rows["model"])), labels)
    rows = rows.assign(design=rows["model"].map(names))
    for column in ("pooling", "attention"):
        own = rows[column] if column in rows else pd.Series("", rows.index)
        label = rows["model"].map(labels[column].to_dict().get).fillna("").astype(str)
        rows[column] = own.where(own != "", label).replace("", UNKNOWN)
    return rows


def short_names(models: Sequence[str], labels: pd.DataFrame) -> dict[str, str]:
    """Return the name that each model is shown by: the labels', or the part after "/", where unique."""
    short = {}
    for model in models:
        label = labels.at[model, "name"] if model in labels.index else ""
        short[model] = label or model.rsplit("/", 1)[-1]
    shown = list(short.values())
    return {model: name if shown.count(name) == 1 else model for model, name in short.items()}


def _hub_names(pools: Mapping[str, Any]) -> list[str]:
    """Return the models of all pools where all are listed by hub name: then no others need to be read."""
    listed = [name for rule in pools.values() for name in rule.get("models", [""])]
    return listed if all("/" in name for name in listed) else []


@command
def main() -> None:
    """Write the table of scores of a study that begins at scores."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("card", type=Path, help="the study's `scores`, cards/scores.json")
    parser.add_argument("--output", type=Path, required=True, help="scores.csv to write")
    arguments = parser.parse_args()
    scores = published_scores(read_json(arguments.card))
    for base, own in scores.groupby("base", sort=False):
        print(f"{base}: {own['design'].nunique()} models, {own['task'].nunique()} tasks, {len(own)} scores")
    write_scores(scores, arguments.output)


if __name__ == "__main__":
    main()
