"""The verdicts of one base at a glance: its designs, all tasks and each category, and what could be the best.

The findings page, a figure, and the model cards show it; nothing is computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .results import Comparison
from .results_of_best_sets import BestOverRuns, BestOverTasks

Verdict = Literal["best", "worse", "undecided"]
MARKS = {"over_tasks": "●", "over_runs": "◆"}
HOLLOW = {"over_tasks": "○", "over_runs": "◇"}  # ruled out, but not after correction


@dataclass(frozen=True)
class Cell:
    """A design in one category: whether it could be the best, by each kind of claim; None: not tested.

    doubtful: the kinds of claim that rule it out here, but not if all categories are to be right at once.
    """

    score: float
    over_tasks: bool | None
    over_runs: bool | None
    verdict: Verdict
    doubtful: tuple[str, ...] = ()

    @property
    def marks(self) -> str:
        """The marks of the kinds of claim by which the design could be the best, hollow ones included."""
        return "".join(map(self.mark, MARKS))

    def mark(self, claim: str) -> str:
        """Return the mark of one kind of claim, or nothing if it rules the design out."""
        return MARKS[claim] if getattr(self, claim) else HOLLOW[claim] if claim in self.doubtful else ""


@dataclass(frozen=True)
class Column:
    """One category, or "All"."""

    category: str
    n_tasks: int
    cells: dict[str, Cell]

    @property
    def claims(self) -> list[str]:
        """The kinds of claim that are tested here."""
        first = next(iter(self.cells.values()))
        return [claim for claim in MARKS if getattr(first, claim) is not None]


@dataclass(frozen=True)
class VerdictMatrix:
    """The designs of one base, the highest mean over all tasks first; columns: All, then the categories.

    ranks: for each design, the [best, worst] rank that it could have by mean score over all tasks, all of
    these at once; None if nothing can be ruled out.
    """

    base: str
    unit: str
    designs: list[str]
    columns: list[Column]
    ranks: dict[str, list[int]] | None

    @property
    def claims(self) -> list[str]:
        """The kinds of claim that are tested anywhere."""
        return [claim for claim in MARKS if any(claim in column.claims for column in self.columns)]

    @property
    def doubtful(self) -> list[str]:
        """The kinds of claim with a hollow mark anywhere."""
        cells = [cell for column in self.columns for cell in column.cells.values()]
        return [claim for claim in MARKS if any(claim in cell.doubtful for cell in cells)]

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that occur, the best first."""
        seen = {cell.verdict for column in self.columns for cell in column.cells.values()}
        order: list[Verdict] = ["best", "undecided", "worse"]
        return [verdict for verdict in order if verdict in seen]


def verdict_matrix(comparisons: Sequence[Comparison]) -> VerdictMatrix:
    """Return the matrix of one base. comparisons: those of the base; a single category is left out."""
    overall = next(comparison for comparison in comparisons if comparison.category == "All")
    categories = [comparison for comparison in comparisons if comparison.category != "All"]
    shown = [overall, *(categories if len(categories) > 1 else [])]
    by_score = overall.these_checkpoints.best_by_score
    designs = sorted(overall.designs, key=lambda name: -overall.mean_scores[name])
    return VerdictMatrix(
        overall.base,
        overall.unit,
        designs,
        [_column(comparison, designs) for comparison in shown],
        None if by_score.reason else by_score.ranks,
    )


def _column(comparison: Comparison, designs: Sequence[str]) -> Column:
    by_score, over_runs = comparison.these_checkpoints.best_by_score, comparison.these_designs.best
    tasks = None if by_score.reason else by_score.best_set
    runs = None if over_runs is None or over_runs.reason else over_runs.best_set
    sets = [names for names in (tasks, runs) if names is not None]
    doubtful = {"over_tasks": _added(by_score), "over_runs": _added(over_runs)}
    decides = any(len(names) < len(designs) for names in sets)
    cells = {
        name: Cell(
            comparison.mean_scores[name],
            None if tasks is None else name in tasks,
            None if runs is None else name in runs,
            _verdict([name in names for names in sets]) if decides else "undecided",
            tuple(claim for claim, names in doubtful.items() if name in names),
        )
        for name in designs
    }
    return Column(comparison.category, comparison.n_tasks, cells)


def _added(best: BestOverTasks | BestOverRuns | None) -> set[str]:
    """Return the designs that could be the best only if all categories are to be right at once."""
    return set() if best is None else set(best.best_set_together or ()) - set(best.best_set)


def _verdict(could_be_best: Sequence[bool]) -> Verdict:
    """Return the verdict on a design; the kinds of claim may disagree."""
    if all(could_be_best):
        return "best"
    return "undecided" if any(could_be_best) else "worse"
