"""Says in one sentence which designs could be the best, by each kind of claim."""

from collections.abc import Iterator, Sequence

from ...common.wording import listing
from ..results import Comparison
from .phrases import MANY_PAIRS as MANY_NAMES


def verdict(comparison: Comparison, alpha: float) -> str:
    """Return which designs could be the best on tasks like these, and which over new trainings."""
    reason = comparison.these_checkpoints.best_by_score.reason
    clauses = [] if reason else [f"on tasks like these, {'; '.join(_over_tasks(comparison))}"]
    clauses += _over_runs(comparison)
    claim = f"{'; '.join(clauses)} ({100 * (1 - alpha):g}% confidence)." if clauses else ""
    return " ".join(text[0].upper() + text[1:] for text in (reason, claim) if text)


def _over_tasks(comparison: Comparison) -> Iterator[str]:
    """Yield one clause for mean scores and average ranks if they agree, and two otherwise."""
    by_score, by_rank = comparison.these_checkpoints.best_by_score, comparison.these_checkpoints.best_by_rank
    if set(by_score.best_set) == set(by_rank.best_set):
        yield f"{_could_be(by_score.best_set, comparison)}, by mean score and by average rank"
        return
    yield f"{_could_be(by_score.best_set, comparison)} by mean score"
    yield f"{_could_be(by_rank.best_set, comparison)} by average rank"


def _over_runs(comparison: Comparison) -> Iterator[str]:
    """Yield what changes if the designs are trained again."""
    best = comparison.these_designs.best
    if best is None or best.reason:
        return
    before = comparison.these_checkpoints.best_by_score
    more = [name for name in best.best_set if name not in before.best_set]
    if before.reason or not set(before.best_set) <= set(best.best_set):
        yield f"over new trainings, {_could_be(best.best_set, comparison)}"
    elif more:
        yield f"over new trainings, {_names(more, comparison)} could be too"
    else:
        yield "the same holds over new trainings"


def _could_be(names: Sequence[str], comparison: Comparison) -> str:
    if len(names) == 1:
        return f"nothing but {names[0]} could be the best"
    if len(names) == comparison.n_designs > 2:
        return f"any of the {comparison.n_designs} {comparison.unit}s could be the best"
    return f"{_names(names, comparison)} could be the best"


def _names(names: Sequence[str], comparison: Comparison) -> str:
    if len(names) <= MANY_NAMES:
        return listing(names)
    return f"{len(names)} of the {comparison.n_designs} {comparison.unit}s, {names[0]} first among them,"
