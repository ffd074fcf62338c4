"""The tables of scores of the findings page: means by category, and the scores on each task."""

from collections.abc import Sequence

import pandas as pd

from ...common.wording import listing
from ...comparison.results import Comparison
from ...scores.collapsed_runs import design_label
from .table import DASH, Row, Table


def scores(comparisons: Sequence[Comparison], baselines: pd.DataFrame, scores: pd.DataFrame) -> Table:
    """Return mean scores by category, ± the spread over seeds: designs first, then what is not tested.

    That is baselines, and the designs that are only in `scores`, because a run of theirs collapsed.
    """
    designs = comparisons[0].designs
    best: dict[str, set[int]] = {name: set() for name in designs}
    for column, comparison in enumerate(comparisons):
        printed = {name: f"{comparison.mean_scores[name]:.3f}" for name in designs}
        highest = max(printed.values(), key=float)
        for name in designs:
            if printed[name] == highest:
                best[name].add(column)
    rows = [
        Row(
            name,
            [_score(c.mean_scores[name], c.seed_spread[name]) for c in comparisons],
            frozenset(best[name]),
        )
        for name in designs
    ]
    others = scores[~scores["design"].isin(designs)]
    collapsed = others.groupby(["design", "task"], sort=False, as_index=False)["score"].mean()
    untested = [
        *baselines.groupby("baseline", sort=False),
        *((design_label(str(name), True), own) for name, own in collapsed.groupby("design", sort=False)),
    ]
    means = [Row(name, [_untested_mean(own, c.tasks) for c in comparisons]) for name, own in untested]
    header = [
        comparisons[0].unit.capitalize(),
        *(f"{c.category} ({c.n_tasks})" for c in comparisons),
    ]
    caption = (
        "Mean score over tasks and seeds, ± standard deviation over seeds; number of tasks in parentheses"
    )
    kinds = ["baselines"] * (len(baselines) > 0) + ["designs with a collapsed run"] * (len(collapsed) > 0)
    title = f"{listing(kinds)}, not included in any test".capitalize()
    return Table(caption, header, rows, means, title)


def _score(mean: float, spread: float | None) -> str:
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def _untested_mean(own: pd.DataFrame, tasks: Sequence[str]) -> str:
    """Return the mean over `tasks`, or a dash if a score is missing: a mean over the rest would mislead."""
    by_task = own.set_index("task")["score"].reindex(tasks)
    return DASH if by_task.isna().any() else f"{by_task.mean():.3f}"


def tasks(comparisons: Sequence[Comparison], scores: pd.DataFrame, baselines: pd.DataFrame) -> Table:
    """Return one row per task: category, metric, each design's mean over seeds, and each baseline."""
    designs = comparisons[0].designs
    means = scores.pivot_table(index="task", columns="design", values="score", aggfunc="mean")[designs]
    beside = baselines.pivot_table(index="task", columns="baseline", values="score", sort=False)
    about = scores.drop_duplicates("task").set_index("task")
    rows = []
    for task in about.sort_values("category", kind="stable").index:
        printed = [f"{means.at[task, name]:.3f}" for name in designs]
        highest = max(printed, key=float)
        best = frozenset(2 + place for place, text in enumerate(printed) if text == highest)
        others = [_cell(beside, task, name) for name in beside.columns]
        rows.append(
            Row(task, [about.at[task, "category"], about.at[task, "metric"], *printed, *others], best)
        )
    header = ["Task", "Category", "Metric", *designs, *(f"{name} (baseline)" for name in beside.columns)]
    return Table("Score on each task, averaged over seeds", header, rows)


def _cell(table: pd.DataFrame, row: str, column: str) -> str:
    value = table[column].get(row)
    return DASH if value is None or pd.isna(value) else f"{value:.3f}"
