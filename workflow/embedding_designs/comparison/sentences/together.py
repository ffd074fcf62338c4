"""Says which designs could be the best if the best sets of all categories are to be right at once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from ..results import Comparison
from ..results_of_best_sets import BestOverRuns, BestOverTasks
from .best_set import clauses

Best = TypeVar("Best", BestOverTasks, BestOverRuns)


def in_all_categories(comparison: Comparison, alpha: float) -> Iterator[str]:
    """Yield what is left of a category's verdict after a correction for the number of categories, if any."""
    alone, together = clauses(comparison), clauses(_together(comparison))
    if comparison.these_checkpoints.best_by_score.best_set_together is None or not alone:
        return
    number = comparison.these_checkpoints.gate.categories
    categories = "both categories" if number == 2 else f"all {number} categories"
    where = f"at {100 * (1 - alpha):g}% confidence in {categories} at once (Bonferroni's correction)"
    if alone == together:
        yield f"This also holds {where}."
    else:
        yield f"This is about this category alone; {where}, {together}."


def _together(comparison: Comparison) -> Comparison:
    """Return the comparison with the best sets that are right in all categories at once."""
    over_tasks, over_runs = comparison.these_checkpoints, comparison.these_designs
    by_score, by_rank = _corrected(over_tasks.best_by_score), _corrected(over_tasks.best_by_rank)
    best = over_runs.best and _corrected(over_runs.best)
    return replace(
        comparison,
        these_checkpoints=replace(over_tasks, best_by_score=by_score, best_by_rank=by_rank),
        these_designs=replace(over_runs, best=best),
    )


def _corrected(best: Best) -> Best:
    return replace(best, best_set=best.best_set_together or best.best_set)
