"""Says in one sentence all the designs that could be the best, by each kind of claim and each measure."""

from collections.abc import Iterator, Sequence

from ...common.wording import listing
from ..results import Comparison
from .phrases import MANY_PAIRS as MANY_NAMES


def best_set(comparison: Comparison, alpha: float) -> str:
    """Return which designs could be the best on tasks like these, and which over new trainings."""
    reason = comparison.these_checkpoints.best_by_score.reason
    clauses = [] if reason else [f"on tasks like these, {'; '.join(_over_tasks(comparison))}"]
    clauses += _over_runs(comparison)
    confidence = f"{'' if reason else 'each at '}{100 * (1 - alpha):g}% confidence"
    claim = f"{'; '.join(clauses)} ({confidence})." if clauses else ""
    return " ".join(text[0].upper() + text[1:] for text in (reason, claim) if text)


def _over_tasks(comparison: Comparison) -> Iterator[str]:
    """Yield one clause for mean scores and average ranks if they agree, and two otherwise."""
    by_score, by_rank = comparison.these_checkpoints.best_by_score, comparison.these_checkpoints.best_by_rank
    if set(by_score.best_set) == set(by_rank.best_set):
        yield f"{_could_be(by_score.best_set, comparison)}, by mean score and by average rank"
        return
    yield f"{_could_be(by_score.best_set, comparison)} by mean score"
    yield f"{_could_be(by_rank.best_set, comparison, 'best average rank')} by average rank"


def _over_runs(comparison: Comparison) -> Iterator[str]:
    """Yield what could be the best if the designs are trained again, which is about these tasks only."""
    best = comparison.these_designs.best
    if best is not None and not best.reason:
        yield f"over new trainings, on these tasks, {_could_be(best.best_set, comparison)} by mean score"


def _could_be(names: Sequence[str], comparison: Comparison, first_has: str = "highest mean") -> str:
    if not names:
        return f"no {comparison.unit} could be the best"
    if len(names) == 1:
        return f"only {names[0]} could be the best"
    if len(names) == comparison.n_designs > 2:
        return f"any of the {comparison.n_designs} {comparison.unit}s could be the best"
    if len(names) <= MANY_NAMES:
        return f"{listing(names)} could be the best"
    counted = f"{len(names)} of the {comparison.n_designs} {comparison.unit}s"
    return f"{counted} could be the best ({names[0]} has the {first_has})"
