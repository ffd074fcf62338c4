"""Selects the models of each pool from published scores, or from the user's own."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...common.errors import BadInput
from ...common.names import NO_BASE
from ...common.near_names import nearest
from ...common.places import found
from ...common.wording import counted, few
from ..not_used import NotUsed, not_used
from ..score_table import COLUMNS, check_consistent
from .labels import LABELS, read_labels, unused_labels, with_labels, with_revisions
from .revisions import short_forms
from .sources import Found, read_source

EVERY_MODEL: dict[str, dict[str, Any]] = {NO_BASE: {}}  # the pools of a study that defines none


def published_scores(source: Mapping[str, Any]) -> Found:
    """Return scores.csv of a study that starts from scores: base = pool, design = the model's short name.

    Also returns the report on what was not used, and the revision of each model. source: the study's
    `scores`. A missing score is NaN; the comparison decides whether to drop its task. Raises BadInput that
    names what is unknown or unusable.
    """
    pools = source["pools"]
    labels = read_labels(found(source["labels"])) if "labels" in source else pd.DataFrame(columns=LABELS)
    # "" for a pool that lists no models: then all models have to be read
    listed = [name for rule in pools.values() for name in rule.get("models", [""])]
    (rows, left, revisions), tasks = read_source(source, listed)
    labels = with_revisions(labels, revisions)
    left += unused_labels(source, labels, rows)
    if "base" not in rows:
        rows, outside = in_pools(rows, pools or EVERY_MODEL, labels, tasks, source["path"])
        left += outside
    elif pools:
        raise BadInput(f"{source['path']}: has a column base, but the study has scores.pools; keep only one")
    present = set(rows.loc[rows["score"].notna(), "task"])
    if absent := [task for task in tasks if task not in present]:
        raise BadInput(
            f"{source['path']}: none of the compared models has a score on {few(absent)}"
            f"{why_missing(left, absent[0])}; compare other tasks"
        )
    rows = with_labels(rows, labels)
    check_consistent(rows.drop(columns="model"))
    compared = set(rows["model"])
    return Found(rows[COLUMNS], left, {name: of for name, of in revisions.items() if name in compared})


def why_missing(left: Sequence[NotUsed], task: str) -> str:
    """Return what a task's first incomplete file lacks, in parentheses, or an empty string if none is."""
    of_task = (e for e in left if e.what == "score" and e.names[0].endswith(f" on {task}"))
    return next((f" ({entry.reason})" for entry in of_task), "")


def in_pools(
    rows: pd.DataFrame,
    pools: Mapping[str, Any],
    labels: pd.DataFrame,
    tasks: Sequence[str],
    source: str,
) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return the rows of each pool's models, ordered by pool and model, with the pool as base.

    Also returns the report on models that were left out. source: what errors call the scores.
    """
    rows = rows.sort_values(["category", "task"], kind="stable")
    of_model = dict(list(rows.groupby("model", sort=False)))
    cells = len(tasks) * rows["seed"].nunique()
    full = {model for model, own in of_model.items() if own["score"].notna().sum() == cells}
    parts, left, named = [], [], set()
    for pool, rule in pools.items():
        models = members(f"scores.pools.{pool}", rule, list(of_model), labels)
        incomplete = [model for model in models if rule.get("complete") and model not in full]
        if incomplete:
            left += not_used("model", incomplete, _why_incomplete(pool))
            named.update(incomplete)
            models = [model for model in models if model in full]
        if len(models) < 2:
            complete = f" complete on {len(tasks)} tasks" if rule.get("complete") else ""
            lacking = f" (incomplete: {few(incomplete)})" if incomplete else ""
            few_models = f"{counted(len(models), 'model')}{complete}{lacking}"
            which = f"{source}:" if pool == NO_BASE else f"scores.pools.{pool} has"
            raise BadInput(f"{which} {few_models}; a comparison needs two or more")
        _check_present(pool, rule, models, of_model)
        parts += [of_model[model].assign(base=pool) for model in models]
        named.update(models)
    outside = [model for model in of_model if model not in named]
    return pd.concat(parts, ignore_index=True), left + not_used("model", outside, "in no pool")


def _why_incomplete(pool: str) -> str:
    only_complete = "" if pool == NO_BASE else f", and pool {pool} has only complete models"
    return f"a score is missing{only_complete}"


def members(key: str, rule: Mapping[str, Any], known: Sequence[str], labels: pd.DataFrame) -> list[str]:
    """Return the full names of a pool's models: those it lists, or all, filtered by its labels."""
    models = list(known)
    if "models" in rule:
        listed = [_full_name(f"{key}.models", name, known, labels) for name in rule["models"]]
        models = list(dict.fromkeys(listed))
    elif "where" in rule:
        models = list(labels.index)
    for column, wanted in rule.get("where", {}).items():
        values = [wanted] if isinstance(wanted, str) else wanted
        if column not in labels:
            raise BadInput(
                f"{key}.where.{column} is not a column of scores.labels; {nearest(column, labels)}"
            )
        for value in values:
            if value not in set(labels[column]):
                hint = nearest(value, set(labels[column]) - {""})
                raise BadInput(f'{key}.where.{column} "{value}" is not a label of a model; {hint}')
        models = [model for model in models if model in labels.index and labels.at[model, column] in values]
    return models


def _full_name(key: str, name: str, known: Sequence[str], labels: pd.DataFrame) -> str:
    """Return the model that is meant by its full name, its label, or the part after the "/"."""
    names = {model: short_forms(model) for model in [*known, *labels.index]}
    for model in labels.index:
        names[model] |= {labels.at[model, "name"]} - {""}
    meant = [model for model in names if name in names[model]]
    if name in meant or len(meant) == 1:
        return name if name in meant else meant[0]
    revisions = [model for model in names if any(form.startswith(f"{name}@") for form in names[model])]
    if meant or revisions:
        raise BadInput(f'{key} "{name}" is ambiguous; choose from {", ".join(meant or revisions)}')
    raise BadInput(
        f'{key} "{name}" is not a model of the source; {nearest(name, set().union(*names.values()))}'
    )


def _check_present(
    pool: str, rule: Mapping[str, Any], models: Sequence[str], present: Mapping[str, Any]
) -> None:
    if absent := [model for model in models if model not in present]:
        raise BadInput(
            f"scores.pools.{pool}: the source has no scores for {few(absent)}; "
            "set complete: true to keep only models with all scores"
        )
