"""How finely a set of tasks resolves the order of models: which pairs are separated, and which neighbors.

Neighbors are models that follow each other in the order of their mean scores.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .finite import finite
from .ranks import DECIMALS, why_untestable


@finite
def resolution(
    scores: pd.DataFrame,
    wilcoxon: Sequence[Mapping[str, Any]],
    nemenyi: Sequence[Mapping[str, Any]],
    ranks: Mapping[str, Sequence[int]],
    alpha: float,
) -> dict[str, Any] | None:
    """Return how many pairs each test separates, and all neighbors, the best first; None without any test.

    scores: (tasks, models). wilcoxon, nemenyi: the pairs of these tests; ranks: simultaneous intervals, which
    separate two models of which one is above the other with confidence. A neighbor is `separated` if Wilcoxon
    with Holm's correction finds the difference; tasks_needed: see `tasks_to_separate`.
    """
    if why_untestable(scores):
        return None
    called = {frozenset((pair["first"], pair["second"])) for pair in wilcoxon if pair["significant_holm"]}
    order = scores.mean().sort_values(ascending=False, kind="stable").index.tolist()
    first, second = order[:-1], order[1:]
    differences = scores[first].to_numpy() - scores[second].to_numpy()
    needed = tasks_to_separate(differences.round(DECIMALS), len(wilcoxon), alpha)
    return {
        "n_pairs": len(wilcoxon),
        "separated": {
            "wilcoxon_uncorrected": sum(pair["significant_uncorrected"] for pair in wilcoxon),
            "wilcoxon_holm": len(called),
            "nemenyi": sum(pair["significant"] for pair in nemenyi),
            "rank_intervals": sum(best - 1 for best, _ in ranks.values()),  # models above, with confidence
        },
        "neighbors": [
            {"first": a, "second": b, "difference": float(difference), "separated": {a, b} in called}
            | {"tasks_needed": tasks}
            for a, b, difference, tasks in zip(first, second, differences.mean(axis=0), needed, strict=True)
        ],
    }


@finite
def tasks_to_separate(
    differences: np.ndarray, n_pairs: int, alpha: float, power: float = 0.8
) -> list[int | None]:
    """Return the tasks that a paired t test takes to detect the mean of (tasks, pairs) with this power.

    Two-sided, with Bonferroni's correction over n_pairs, by the normal approximation (Cohen 1988). The
    observed mean and spread are taken as the true ones. None if the mean is 0: no number suffices.
    """
    mean, spread = np.abs(differences.mean(axis=0)), differences.std(axis=0, ddof=1)
    quantiles = stats.norm.isf(alpha / n_pairs / 2) + stats.norm.isf(1 - power)
    effect = np.divide(mean, spread, out=np.full_like(mean, np.inf), where=spread > 0)
    return [
        max(2, int(np.ceil((quantiles / one) ** 2))) if gap > 0 else None
        for one, gap in zip(effect, mean.round(2 * DECIMALS), strict=True)
    ]
