"""The models that could be the best on tasks like these, and confidence sets of all ranks.

The best set inverts one-sided tests: a model is ruled out if another one leads it by more than would happen
in `alpha` of the cases if no other model were better (Mogstad, Romano, Shaikh, and Wilhelm 2024, Rev. Econ.
Studies 91:476; R package csranks). The null distribution of the largest lead comes from sign changes of all
scores of a task (Romano 1990, J. Am. Stat. Assoc. 85:686), not from a bootstrap, which is far too narrow with
few tasks: see docs/statistics.md. It keeps the level with any number of tasks if the tasks are independent
and the models' deviations are symmetric (for average ranks, those of the ranks), whatever their spread, ties,
and dependence between models.
"""

from typing import Any

import numpy as np
import pandas as pd

from ...common.wording import counted
from .finite import finite
from .ranks import DECIMALS, rank_designs, why_untestable
from .sign_changes import TOLERANCE, leads, smallest_p


@finite
def best_by_score(scores: pd.DataFrame, alpha: float, seed: int = 0) -> dict[str, Any]:
    """Return which models could have the highest mean score, and confidence sets of the ranks of these means.

    scores: (tasks, models). best_set: the models that are not ruled out, the best observed one first;
    whichever model is the best, it is in the set with probability 1 - alpha, and so is each of several that
    tie. p: of the test that no other model is better. ranks: [best, worst] rank of each model; with
    probability 1 - alpha, all of these intervals are right at once. If nothing can be ruled out, `reason`
    says why.
    """
    return _could_be_best(scores, scores, alpha, seed)


@finite
def best_by_rank(scores: pd.DataFrame, alpha: float, seed: int = 0) -> dict[str, Any]:
    """Return the same as best_by_score for the average rank over the tasks, among these models."""
    return _could_be_best(scores, -rank_designs(scores), alpha, seed)


def _could_be_best(scores: pd.DataFrame, values: pd.DataFrame, alpha: float, seed: int) -> dict[str, Any]:
    names = list(values.columns)
    order = values.mean().sort_values(ascending=False, kind="stable").index.tolist()
    if reason := why_untestable(scores) or _too_few(len(scores), alpha):
        anywhere = {name: [1, len(names)] for name in names}
        return {"best_set": order, "p": dict.fromkeys(names), "ranks": anywhere, "reason": reason}
    observed, largest = leads(np.rint(values.to_numpy(dtype=float) * 10**DECIMALS), seed)
    p = dict(zip(names, (largest >= largest[0] - TOLERANCE).mean(axis=0).tolist(), strict=True))
    ahead = observed > _critical(largest.max(axis=1), alpha)
    bounds = zip(1 + ahead.sum(axis=1), len(names) - ahead.sum(axis=0), strict=True)
    return {
        "best_set": [name for name in order if p[name] > alpha],
        "p": p,
        "ranks": {name: [int(best), int(worst)] for name, (best, worst) in zip(names, bounds, strict=True)},
    }


def _critical(largest: np.ndarray, alpha: float) -> float:
    """Return the lead that at most a share alpha of the draws exceeds or reaches."""
    allowed = int(np.floor(alpha * len(largest) + TOLERANCE))
    return float(np.sort(largest)[::-1][allowed]) + TOLERANCE


def _too_few(n_tasks: int, alpha: float) -> str | None:
    p = smallest_p(n_tasks)
    if p <= alpha:
        return None
    return (
        f"With {counted(n_tasks, 'task')}, nothing can be ruled out as the best: whatever the scores, p of a "
        f"test by sign changes is at least {p:g}."
    )
