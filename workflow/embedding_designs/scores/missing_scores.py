"""Finds the missing cells of the table of scores, and either drops their tasks or refuses the table."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from ..common.errors import BadInput
from ..common.names import on_base
from ..common.wording import NAMED, counted, few
from .score_table import named_cell

CELL = ["base", "design", "seed", "task"]


def complete(
    scores: pd.DataFrame, study: Mapping[str, Any], source: str = "scores", unit: str = "design"
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return the scores without missing cells, and the tasks dropped for this in each base.

    Each design of a base needs a score on every task with every seed, including designs and seeds that only
    the study lists. Nothing is imputed: a missing cell raises BadInput that names it, or its task is dropped
    (statistics.missing "drop_tasks"). source, unit: what error messages call the table, and a design.
    """
    for column in ("base", "design"):
        known = study.get(f"{column}s") or {}
        for name in scores[column].unique():
            if known and name not in known:
                raise BadInput(
                    f"{source}: {column} {name} is not in the study; choose from {', '.join(known)}"
                )
    dropping = study.get("statistics", {}).get("missing") == "drop_tasks"
    missing = list(missing_cells(scores, study))
    if missing and not dropping:
        raise BadInput(f"{source}: {_missing_in_words(missing, study)}")
    lost = pd.DataFrame(missing, columns=CELL).groupby("base", sort=False)["task"].unique()
    dropped = {base: sorted(tasks) for base, tasks in lost.items()}
    for base, tasks in dropped.items():
        if set(tasks) >= set(scores["task"]):
            fewest = pd.DataFrame(missing, columns=CELL).query("base == @base")["design"].mode()[0]
            raise BadInput(
                f"{source}: every task{on_base(base, ' of base ')} lacks a score, so none is left; "
                f"{unit} {fewest} lacks the most"
            )
    kept = [
        task not in dropped.get(base, ()) for base, task in zip(scores["base"], scores["task"], strict=True)
    ]
    return scores[kept], dropped


def missing_cells(scores: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[tuple]:
    """Yield base, design, seed, and task of each score that is missing."""
    present = set(scores.loc[scores["score"].notna(), CELL].itertuples(index=False, name=None))
    for base in dict.fromkeys([*study.get("bases", ()), *scores["base"]]):
        own = scores[scores["base"] == base]
        designs = dict.fromkeys([*(study.get("designs") or ()), *own["design"]])
        seeds = dict.fromkeys([*(study.get("seeds") or ()), *own["seed"]])
        cells = product([base], designs, seeds, scores["task"].unique())
        yield from (cell for cell in cells if cell not in present)


def _missing_in_words(missing: Sequence[tuple], study: Mapping[str, Any]) -> str:
    named = few([named_cell(dict(zip(CELL, cell, strict=True))) for cell in missing], separator="; ")
    if "scores" not in study:
        return f"{counted(len(missing), 'score')} missing: {named}"
    base, pools = missing[0][0], study["scores"].get("pools") or {"all": {}}
    ways = [
        f"leave incomplete models out (scores.pools.{base}.complete: true)",
        f"choose other models (scores.pools.{base}.models)",
        "drop these tasks (statistics.missing: drop_tasks)",
    ]
    if base not in pools:
        ways = ["add them", ways[2]]  # a table with a column base has no pools
    tasks_of: dict[tuple, list[str]] = {}
    for cell in missing:
        tasks_of.setdefault(cell[:2], []).append(cell[3])
    if len(missing) > NAMED:  # one cell per model, so that no single model fills the line
        models = [f"{model} on {few(tasks, 1)}" for (_, model), tasks in tasks_of.items()]
        named = few(models, separator="; ", noun="models")
    lacking = f"{counted(len(missing), 'score')} of {counted(len(tasks_of), 'model')} missing: {named}"
    return f"{lacking}; {', '.join(ways[:-1])} or {ways[-1]}"
