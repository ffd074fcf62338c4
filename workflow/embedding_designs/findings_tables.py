"""The tables of the findings page: pure functions from results to texts in rows and columns.

Nothing is tested here: statistics come from statistics.json; only means are taken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

DASH = "–"
LONG = 12  # longer tables are folded away
NUMBER = re.compile(r"[<−-]?\s?\d[\d.,]*%?( ± .*)?")


@dataclass(frozen=True)
class Row:
    """One row: its label and the texts of its cells; `best` are the cells to print bold."""

    label: str
    cells: list[str]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Table:
    """A table with a caption; `header` names the label's column too; `aside` rows stand apart, titled."""

    caption: str
    header: list[str]
    rows: list[Row]
    aside: list[Row] = field(default_factory=list)
    aside_title: str = ""

    @property
    def numeric(self) -> list[bool]:
        """Whether each column of cells holds numbers only, and so is set flush right."""
        columns = zip(*(row.cells for row in [*self.rows, *self.aside]), strict=True)
        return [all(cell == DASH or NUMBER.fullmatch(cell) for cell in column) for column in columns]

    @property
    def long(self) -> bool:
        """Whether the table is better folded away."""
        return len(self.rows) > LONG


def summary(comparisons: Sequence[Mapping[str, Any]], alpha: float) -> Table:
    """Return one row for each category: tasks, leading design, tests."""
    header = ["Category", "Tasks", "Best average rank", "Friedman p", "Pairs separated by Nemenyi",
              "Decidable by Wilcoxon–Holm?"]  # fmt: skip
    return Table(
        "What the tests found in each category", header, [_summary_row(c, alpha) for c in comparisons]
    )


def _summary_row(comparison: Mapping[str, Any], alpha: float) -> Row:
    pairs = comparison["nemenyi"]["pairs"]
    best = min(comparison["average_ranks"].values())
    tested = comparison["friedman"]["p"] is not None
    separated = f"{sum(pair['significant'] for pair in pairs)} of {len(pairs)}"
    doubt = (
        ""
        if separates(comparison, alpha) or separated.startswith("0")
        else ", but Friedman finds no difference"
    )
    return Row(comparison["category"], [
        str(comparison["n_tasks"]),
        f"{', '.join(leaders(comparison))} ({best:.2f})",
        p_value(comparison["friedman"]["p"]),
        separated + doubt if tested else DASH,
        _decidable(comparison, tested),
    ])  # fmt: skip


def _decidable(comparison: Mapping[str, Any], tested: bool) -> str:
    if comparison["decidable_by_wilcoxon_holm"]:
        return "yes"
    return "no: too few tasks" if tested else "no: not testable"


def separates(comparison: Mapping[str, Any], alpha: float) -> bool:
    """Return whether Friedman's test finds a difference and Nemenyi's at least one pair that differs."""
    p = comparison["friedman"]["p"]
    return (
        p is not None and p <= alpha and any(pair["significant"] for pair in comparison["nemenyi"]["pairs"])
    )


def leaders(comparison: Mapping[str, Any]) -> list[str]:
    """Return the designs with the best average rank, more than one where they tie."""
    ranks = comparison["average_ranks"]
    best = min(ranks.values())
    return [name for name, rank in ranks.items() if rank - best < 1e-9]


def scores(comparisons: Sequence[Mapping[str, Any]], references: pd.DataFrame) -> Table:
    """Return mean scores over tasks and seeds, ± the seeds' spread: designs, then references, by category."""
    designs = comparisons[0]["designs"]
    best = {name: set() for name in designs}
    for column, comparison in enumerate(comparisons):
        printed = {name: f"{comparison['mean_scores'][name]:.3f}" for name in designs}
        highest = max(printed.values(), key=float)
        for name in designs:
            if printed[name] == highest:
                best[name].add(column)
    rows = [
        Row(
            name,
            [_score(c["mean_scores"][name], c["seed_spread"][name]) for c in comparisons],
            frozenset(best[name]),
        )
        for name in designs
    ]
    means = [
        Row(name, [_reference_mean(own, c["tasks"]) for c in comparisons])
        for name, own in references.groupby("reference", sort=False)
    ]
    header = ["Design", *(f"{c['category']} ({c['n_tasks']})" for c in comparisons)]
    caption = "Mean score over tasks and seeds; ± standard deviation over seeds; number of tasks in brackets"
    return Table(caption, header, rows, means, "References, not part of any test")


def _score(mean: float, spread: float | None) -> str:
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def _reference_mean(own: pd.DataFrame, tasks: Sequence[str]) -> str:
    """Return the mean over `tasks`; a dash where the reference has no score on some: it would mislead."""
    by_task = own.set_index("task")["score"].reindex(tasks)
    return DASH if by_task.isna().any() else f"{by_task.mean():.3f}"


def tasks(comparisons: Sequence[Mapping[str, Any]], scores: pd.DataFrame, references: pd.DataFrame) -> Table:
    """Return one row for each task: category, metric, each design's mean over seeds, each reference."""
    designs = comparisons[0]["designs"]
    means = scores.pivot_table(index="task", columns="design", values="score", aggfunc="mean")[designs]
    beside = references.pivot_table(index="task", columns="reference", values="score", sort=False)
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
    header = ["Task", "Category", "Metric", *designs, *(f"{name} (reference)" for name in beside.columns)]
    return Table("Score on each task, mean over seeds", header, rows)


def _cell(table: pd.DataFrame, row: str, column: str) -> str:
    value = table[column].get(row)
    return DASH if value is None or pd.isna(value) else f"{value:.3f}"


def pairs(comparisons: Sequence[Mapping[str, Any]]) -> Table:
    """Return one row for each category and pair of designs with three p-values, bold where significant."""
    header = ["Category", "First", "Second", "Mean difference", "Wins / losses / ties", "Rank-biserial",
              "Wilcoxon p, uncorrected", "Wilcoxon p, Holm", "Nemenyi p"]  # fmt: skip
    rows = []
    for comparison in comparisons:
        nemenyi = {(pair["first"], pair["second"]): pair for pair in comparison["nemenyi"]["pairs"]}
        rows += [
            _pair_row(comparison["category"], pair, nemenyi[pair["first"], pair["second"]])
            for pair in comparison["wilcoxon"]
        ]
    caption = (
        "Each pair of designs, first minus second (rank-biserial 1: first always better); bold: significant"
    )
    return Table(caption, header, rows)


def _pair_row(category: str, wilcoxon: Mapping[str, Any], nemenyi: Mapping[str, Any]) -> Row:
    cells = [
        wilcoxon["first"],
        wilcoxon["second"],
        _signed(wilcoxon["mean_difference"]),
        f"{wilcoxon['wins']} / {wilcoxon['losses']} / {wilcoxon['ties']}",
        _signed(wilcoxon.get("rank_biserial")),
        p_value(wilcoxon["p_uncorrected"]),
        p_value(wilcoxon["p_holm"]),
        p_value(nemenyi["p"]),
    ]
    significant = [wilcoxon["significant_uncorrected"], wilcoxon["significant_holm"], nemenyi["significant"]]
    return Row(category, cells, frozenset(5 + place for place, is_so in enumerate(significant) if is_so))


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}".replace("-", "−")


def p_value(p: float | None) -> str:
    """Return a p-value as a table prints it; a dash where there is none."""
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def counted(number: int, noun: str) -> str:
    """Return "1 task", "8 tasks"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
