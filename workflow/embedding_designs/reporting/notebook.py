"""What `compare` returns in a notebook: the verdict, tables, figures, and the findings page."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.atomic_writes import atomic
from ..common.errors import BadInput
from ..common.near_names import nearest
from ..common.wording import counted
from ..comparison import results
from ..comparison.statistics.intervals import pair_intervals
from ..comparison.tables import table_of
from ..scores.not_used import in_words
from .figures.study_figures import compared_scores
from .notebook_figures import Figures
from .results_folder import Failed, not_computed, run_step, verdict, write_for_page

SHOWN = 20  # models in the small table
SMALL = [
    "mean_score", "average_rank", "best_rank_by_score", "worst_rank_by_score", "could_be_best_by_score",
    "could_be_best_over_runs",
]  # fmt: skip
OF_RANKS = ["average_rank", "rank_low", "rank_high", "mean_score", "seed_spread"]
OF_BEST = {  # columns of the table of best sets -> of .ranks
    "score_rank_best": "best_rank_by_score", "score_rank_worst": "worst_rank_by_score",
    "average_rank_best": "best_rank_by_rank", "average_rank_worst": "worst_rank_by_rank",
    "could_be_best_by_score": "could_be_best_by_score", "could_be_best_by_rank": "could_be_best_by_rank",
    "could_be_best_over_runs": "could_be_best_over_runs",
}  # fmt: skip
OVER_RUNS = ["difference", "low", "high", "p", "significant"]


@dataclass(frozen=True)
class BestSet:
    """The models that could be the best at the confidence 1 - alpha, the best observed one first.

    tasks: on tasks like these, by mean score; tasks_by_rank: by average rank; runs: over new trainings, on
    these tasks; None without claims over runs.
    """

    tasks: list[str]
    tasks_by_rank: list[str]
    runs: list[str] | None


@dataclass(frozen=True, repr=False)
class Comparison:
    """The models or designs of a table of scores, compared over all tasks, or over those of one category.

    statistics: everything that was computed, as in statistics.json; scores: the rows that it is computed
    from. `of` returns the comparison of one category or base.
    """

    statistics: results.Statistics
    scores: pd.DataFrame
    study: Mapping[str, Any]
    base: str | None = None
    category: str = "All"

    @property
    def bases(self) -> list[str]:
        """The bases, which are compared separately; one called "all" for a table without a column base."""
        return list(dict.fromkeys(one.base for one in self.statistics.comparisons))

    @property
    def categories(self) -> list[str]:
        """The categories of tasks, and "All"."""
        return list(dict.fromkeys(one.category for one in self.statistics.comparisons))

    def of(self, category: str = "All", base: str | None = None) -> "Comparison":
        """Return the comparison over the tasks of one category, or of one base."""
        for name, value, known in (("category", category, self.categories), ("base", base, self.bases)):
            if value is not None and value not in known:
                raise BadInput(f'{name} "{value}" is not in the table; {nearest(value, known)}')
        return replace(self, category=category, base=base or self.base)

    @property
    def tests(self) -> results.Comparison:
        """All results on one base and category, as in statistics.json (docs/statistics.md)."""
        if self.base is None and len(self.bases) > 1:
            raise BadInput(
                f'bases are compared separately: choose one of {", ".join(self.bases)}, as in .of(base="…")'
            )
        base = self.base or self.bases[0]
        for one in self.statistics.comparisons:
            if (one.base, one.category) == (base, self.category):
                return one
        raise BadInput(f"base {base} has no tasks of the category {self.category}")

    @property
    def verdict(self) -> list[str]:
        """Which models could be the best, in one sentence for each base, or why none can be named."""
        return verdict(self._kept)

    @property
    def best_set(self) -> BestSet:
        """The models that could be the best, by each kind of claim."""
        over_tasks, over_runs = self.tests.these_checkpoints, self.tests.these_designs.best
        runs = None if over_runs is None or over_runs.reason else over_runs.best_set
        return BestSet(over_tasks.best_by_score.best_set, over_tasks.best_by_rank.best_set, runs)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """All pairs, first minus second, with the difference in mean score, its interval, and each test.

        low and high are an interval for that pair alone (over runs and tasks with three seeds, else over
        tasks). p_holm is Wilcoxon's p with Holm's correction; p_equivalent the probability that the two are
        practically equal; columns that end in _over_runs are of Tukey's test.
        """
        pairs = self._table("pairs")
        found = pd.DataFrame(pair_intervals(self._runs, self.statistics.alpha))
        pairs = pairs.merge(found.drop(columns="difference"), on=["first", "second"])
        over_runs = self._table("design_pairs")
        if len(over_runs):
            renamed = {name: f"{name}_over_runs" for name in OVER_RUNS}
            pairs = pairs.merge(over_runs.rename(columns=renamed), on=["first", "second"])
        first = ["first", "second", "mean_difference", "low", "high"]
        return pairs[[*first, *(column for column in pairs if column not in first)]]

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """One row per model, the best average rank first, with intervals of ranks.

        rank_low and rank_high: interval of the average rank, each by itself; best_rank… and worst_rank…: the
        ranks that the model could have, simultaneous for all models; could_be_best…: whether it is in the
        best set.
        """
        about, best = (self._table(name).set_index("design") for name in ("designs", "best_sets"))
        joined = about[OF_RANKS].join(best[list(OF_BEST)].rename(columns=OF_BEST))
        return joined.rename_axis(self.statistics.unit).dropna(axis="columns", how="all")

    @property
    def left_out(self) -> list[str]:
        """Every model, task, column, or test that is not part of the comparison, with the reason."""
        return [*map(in_words, self.statistics.not_used), *not_computed(self.statistics)]

    @property
    def plot(self) -> Figures:
        """The figures of this comparison: functions that draw into an ax, or a new figure, and return it."""
        return Figures(self.tests, self.statistics, self._rows)

    def to_html(self, path: str | Path) -> None:
        """Write the findings page, one file that needs no network; it has all categories and bases."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_for_page(dict(self.study), self.scores, self.statistics, folder)
            try:
                for step in ("draw_figures", "write_findings"):
                    run_step(step, folder, quiet=True)
            except Failed as failure:
                raise BadInput(f"the findings page was not written: {failure}") from None
            with atomic(path) as part:
                part.write_bytes((folder / "findings.html").read_bytes())

    @property
    def _kept(self) -> list[results.Comparison]:
        """The results on this category: one for each base, or for this base only."""
        return [
            one
            for one in self.statistics.comparisons
            if one.category == self.category and self.base in (None, one.base)
        ]

    @property
    def _rows(self) -> pd.DataFrame:
        """The scores of this base and category, without dropped tasks."""
        return compared_scores(self.scores, self.tests)

    @property
    def _runs(self) -> pd.DataFrame:
        runs = self._rows.pivot(index=["design", "seed"], columns="task", values="score")
        return runs.loc[self.tests.designs]

    def _table(self, name: str) -> pd.DataFrame:
        """Return a table of this base and category; empty if there are no such results."""
        table = table_of(name, [self.tests], self.statistics)
        return table.drop(columns=["base", "category"], errors="ignore")

    def __repr__(self) -> str:
        named = counted(len({name for one in self._kept for name in one.designs}), self.statistics.unit)
        tasks = len({task for one in self._kept for task in one.tasks})
        left = f"; {counted(len(self.left_out), 'line')} in .left_out" if self.left_out else ""
        where = "" if self.category == "All" else f" of {self.category}"
        return "\n".join([f"{named} compared on {counted(tasks, 'task')}{where}{left}", *self.verdict])

    def _repr_html_(self) -> str:
        first, *sentences = repr(self).splitlines()
        said = "".join(f"<p><strong>{escape(sentence)}</strong></p>" for sentence in sentences)
        table = "" if self.base is None and len(self.bases) > 1 else self._small_table()
        return f"<div>{said}{table}<p>{escape(first)}</p></div>"

    def _small_table(self) -> str:
        shown = self.ranks.head(SHOWN).filter(SMALL).rename(columns=lambda name: name.replace("_", " "))
        more = len(self.ranks) - len(shown)
        note = f"<p>and {counted(more, f'more {self.statistics.unit}')}: see .ranks</p>" if more else ""
        return shown.to_html(float_format="{:.3f}".format, border=0, na_rep="–") + note
