"""Compares all pairs of designs over the tasks: Wilcoxon's signed-rank test, and the paper's rule.

The findings are about these checkpoints on these tasks.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .ranks import DECIMALS, holm, why_untestable

ALL_SIGN_CHANGES = 13  # most tasks for which scipy enumerates all 2^N sign changes if there are ties or zeros
EXACT = 50  # most tasks for which scipy's test without ties or zeros is exact


def wilcoxon(scores: pd.DataFrame, alpha: float) -> list[dict[str, Any]]:
    """Return Wilcoxon's signed-rank test for each pair of designs, uncorrected and with Holm's correction.

    Two-sided. Differences are rounded to the recorded precision; zeros are ranked and split between the two
    sides. p is exact for up to 50 tasks without ties or zeros and, by enumerating sign changes, for up to 13
    tasks with them; otherwise it is the normal approximation (scipy's "auto"). rank_biserial is
    (R+ - R-) / (R+ + R-), which is positive if `first` is better.
    """
    pairs = list(combinations(scores.columns, 2))
    if not pairs:
        return []
    differences = pair_differences(scores)  # (pairs, tasks)
    ranks = stats.rankdata(abs(differences), axis=1)
    reason = why_untestable(scores)
    p: Any = None if reason else signed_rank_p(differences)
    columns: dict[str, Sequence[Any]] = {
        "p_uncorrected": [None] * len(pairs) if reason else p.tolist(),
        "p_holm": [None] * len(pairs) if reason else holm(p).tolist(),
        "significant_uncorrected": [False] * len(pairs) if reason else (p <= alpha).tolist(),
        "significant_holm": [False] * len(pairs) if reason else (holm(p) <= alpha).tolist(),
        "mean_difference": differences.mean(axis=1).tolist(),
        "rank_biserial": ((np.sign(differences) * ranks).sum(axis=1) / ranks.sum(axis=1)).tolist(),
        "wins": (differences > 0).sum(axis=1).tolist(),
        "losses": (differences < 0).sum(axis=1).tolist(),
        "ties": (differences == 0).sum(axis=1).tolist(),
    }
    if reason:
        columns |= {"rank_biserial": [None] * len(pairs), "reason": [reason] * len(pairs)}
    rows = zip(*columns.values(), strict=True)
    return [
        {"first": first, "second": second, **dict(zip(columns, row, strict=True))}
        for (first, second), row in zip(pairs, rows, strict=True)
    ]


def pair_differences(scores: pd.DataFrame) -> np.ndarray:
    """Return first minus second for each pair, rounded to the recorded precision: (pairs, tasks)."""
    values = scores.to_numpy(dtype=float).T
    first, second = np.triu_indices(len(values), 1)  # in the order of combinations(columns, 2)
    return (values[first] - values[second]).round(DECIMALS) + 0.0  # no negative zeros


def signed_rank_p(differences: np.ndarray) -> np.ndarray:
    """Return the two-sided p of Wilcoxon's test for each row: scipy's with zero_method="zsplit".

    scipy gets all rows of the same kind in one call. Only sign changes of rows with ties or zeros are counted
    here, because scipy ranks each of the 2^N cases again.
    """
    n_tasks = differences.shape[1]
    sizes = np.sort(abs(differences), axis=1)
    tied = (sizes[:, 0] == 0) | (np.diff(sizes, axis=1) == 0).any(axis=1)
    p = np.ones(len(differences))  # if all differences are zero
    tested = differences.any(axis=1)
    for rows, method in [
        (tested & ~tied, "exact" if n_tasks <= EXACT else "asymptotic"),
        (tested & tied, "count" if n_tasks <= ALL_SIGN_CHANGES else "asymptotic"),
    ]:
        if rows.any() and method == "count":
            p[rows] = _count_sign_changes(differences[rows])
        elif rows.any():
            test = stats.wilcoxon(differences[rows], zero_method="zsplit", method=method, axis=1)
            p[rows] = test.pvalue
    return p


def _count_sign_changes(differences: np.ndarray) -> np.ndarray:
    """Return for each row the share of sign changes with a rank sum at least as extreme as the observed one.

    Twice the ranks are integers, so the number of ways to reach each sum can be counted rank by rank.
    """
    doubled = (2 * stats.rankdata(abs(differences), axis=1)).astype(int) * (differences != 0)
    positive = (doubled * (differences > 0)).sum(axis=1)
    totals = doubled.sum(axis=1)
    cumulated: dict[tuple[int, ...], np.ndarray] = {}  # rows with the same ranks share one distribution
    p = np.empty(len(differences))
    for row, ranks in enumerate(np.sort(doubled, axis=1)):
        key = tuple(ranks[ranks > 0].tolist())
        if key not in cumulated:
            ways = np.ones(1)
            for rank in key:
                ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
            cumulated[key] = ways.cumsum() / 2 ** len(key)
        p[row] = 2 * cumulated[key][min(positive[row], totals[row] - positive[row])]
    return np.minimum(p, 1)


def papers_rule(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the pairs that the paper's rule, uncorrected Wilcoxon, calls, and those of them that vanish.

    pairs: the result of `wilcoxon`. A pair vanishes if it is not significant with Holm's correction. The
    better design of a pair, by rank sums, comes first.
    """
    called = [pair for pair in pairs if pair["significant_uncorrected"]]
    return {
        "n_pairs": len(pairs),
        "called": [_better_first(pair) for pair in called],
        "vanish": [_better_first(pair) for pair in called if not pair["significant_holm"]],
    }


def _better_first(pair: Mapping[str, Any]) -> list[str]:
    return [pair["first"], pair["second"]][:: 1 if pair["rank_biserial"] > 0 else -1]
