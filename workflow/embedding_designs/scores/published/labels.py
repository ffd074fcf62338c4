"""Reads the labels of published models, and gives each row the name, pooling, and attention of its model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...common.errors import BadInput
from ...common.wording import shown
from ..not_used import NotUsed, not_used
from ..text_tables import read_texts, why_not_shown
from .revisions import short_forms

UNKNOWN = "unknown"
LABELS = ["name", "pooling", "attention"]  # what labels can say about a model, in addition to other columns


def read_labels(path: str | Path) -> pd.DataFrame:
    """Return a table of labels, indexed by full model name; an empty text is an unknown label."""
    labels = read_texts(Path(path), ["model"])
    for column in {"model", *LABELS} & set(labels):
        for line, text in labels[column].items():
            if reason := why_not_shown(text):
                raise BadInput(f"{path}:{line}: {column} {shown(text)} {reason}")
    for column in {"model", "name"} & set(labels):
        repeated = labels[column][labels[column].duplicated() & (labels[column] != "")]
        if len(repeated):
            raise BadInput(f"{path}:{repeated.index[0]}: a second {column} {repeated.iloc[0]}")
    labels = labels[labels["model"] != ""].set_index("model")
    return labels.reindex(columns=dict.fromkeys([*LABELS, *labels]), fill_value="")


def with_revisions(labels: pd.DataFrame, revisions: Mapping[str, str]) -> pd.DataFrame:
    """Return the labels; each revision that counts as a model of its own gets the labels of its model."""
    plain = {name: name.removesuffix(f"@{revision}") for name, revision in revisions.items()}
    several = {name: model for name, model in plain.items() if name != model and model in labels.index}
    own = labels.loc[list(several.values())].set_axis(list(several), axis="index")
    own["name"] = [label and f"{label}@{revisions[name]}" for name, label in own["name"].items()]
    return pd.concat([labels.drop(index=set(several.values()) - set(revisions)), own])


def unused_labels(source: Mapping[str, Any], labels: pd.DataFrame, rows: pd.DataFrame) -> list[NotUsed]:
    """Return the report on labels of models without scores and on columns that no pool uses."""
    chosen = {column for rule in source["pools"].values() for column in rule.get("where", {})}
    columns = [column for column in labels if column not in {*LABELS, *chosen}]
    known = set(rows["model"])
    models = [model for model in labels.index if model not in known]
    return [
        *not_used("label", columns, f"only these are read: {', '.join([*LABELS, *sorted(chosen)])}"),
        *not_used("labeled model", models, "no scores on these tasks"),
    ]


def with_labels(rows: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with design, pooling, and attention, from the table, else the labels, else unknown."""
    names = short_names(list(dict.fromkeys(rows["model"])), labels)
    rows = rows.assign(design=[names[model] for model in rows["model"]])
    for column in ("pooling", "attention"):
        label = labels[column].to_dict()
        pairs = zip(rows.assign(**{column: rows.get(column, "")})[column], rows["model"], strict=True)
        rows[column] = [own or label.get(model, "") or UNKNOWN for own, model in pairs]
    return rows


def short_names(models: Sequence[str], labels: pd.DataFrame) -> dict[str, str]:
    """Return each model's display name: its label or shortest form if unique, otherwise its full name."""
    short = {}
    for model in models:
        label = labels.at[model, "name"] if model in labels.index else ""
        short[model] = label or min(short_forms(model), key=len)
    shown = list(short.values())
    return {model: name if shown.count(name) == 1 else model for model, name in short.items()}
