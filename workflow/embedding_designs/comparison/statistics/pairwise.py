"""Compares all pairs of designs over the tasks: Wilcoxon's signed-rank test, and the paper's rule.

The findings are about these checkpoints on these tasks.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .finite import finite
from .ranks import DECIMALS, holm, why_untestable
from .shaffer import shaffer

EXACT = 50  # most differences with an exact p; with more, the normal approximation near .05 is within 8%


@finite
def wilcoxon(scores: pd.DataFrame, alpha: float, correction: str = "holm") -> list[dict[str, Any]]:
    """Return Wilcoxon's signed-rank test for each pair of designs, uncorrected and with Holm's correction.

    correction "shaffer" adds p_shaffer and significant_shaffer, with Shaffer's static correction.

    Two-sided. Differences are rounded to the recorded precision; zeros are ranked and split between the two
    sides (Demsar 2006). p is exact if the two differ on up to 50 tasks, given the observed ties and zeros
    (Pratt 1959), and the normal approximation if they differ on more. rank_biserial is (R+ - R-) / (R+ + R-),
    which is positive if `first` is better.
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
    if correction == "shaffer":
        corrected = [None] * len(pairs) if reason else shaffer(p, scores.shape[1]).tolist()
        columns["p_shaffer"] = corrected
        columns["significant_shaffer"] = [one is not None and one <= alpha for one in corrected]
    if reason:
        columns |= {"rank_biserial": [None] * len(pairs), "reason": [reason] * len(pairs)}
    rows = zip(*columns.values(), strict=True)
    return [
        {"first": first, "second": second, **dict(zip(columns, row, strict=True))}
        for (first, second), row in zip(pairs, rows, strict=True)
    ]


@finite
def pair_differences(scores: pd.DataFrame) -> np.ndarray:
    """Return first minus second for each pair, rounded to the recorded precision: (pairs, tasks)."""
    values = scores.to_numpy(dtype=float).T
    first, second = np.triu_indices(len(values), 1)  # in the order of combinations(columns, 2)
    return (values[first] - values[second]).round(DECIMALS) + 0.0  # no negative zeros


@finite
def signed_rank_p(differences: np.ndarray) -> np.ndarray:
    """Return the two-sided p of Wilcoxon's signed-rank test for each row of (pairs, tasks).

    Zeros are ranked and split between the two sides. For up to 50 differences other than zero, p is exact,
    given the observed ties and zeros; for more, it is the normal approximation with the same variance.
    """
    p = np.ones(len(differences))  # if all differences are zero
    n_differing = np.count_nonzero(differences, axis=1)
    for chosen, method in (
        ((n_differing > 0) & (n_differing <= EXACT), _count_sign_changes),
        (n_differing > EXACT, _approximate),
    ):
        if chosen.any():
            p[chosen] = method(differences[chosen])
    return p


def _approximate(differences: np.ndarray) -> np.ndarray:
    """Return the normal approximation for each row, without a continuity correction.

    Its variance is that of the sign changes, the sum of the squared ranks of differences other than zero
    (Pratt 1959). The variance for ranks without ties and zeros would be too large.
    """
    signed = np.sign(differences) * stats.rankdata(abs(differences), axis=1)
    z = signed.sum(axis=1) / np.sqrt(np.square(signed).sum(axis=1))
    return 2 * stats.norm.sf(abs(z))


def _count_sign_changes(differences: np.ndarray) -> np.ndarray:
    """Return for each row the share of sign changes with a rank sum at least as extreme as the observed one.

    A zero has a rank but no sign to change, so it adds the same to both rank sums (Pratt 1959, J. Am. Stat.
    Assoc. 54:655). Twice the ranks are integers, so the number of ways to reach each sum can be counted rank
    by rank (the shift algorithm of Streitberg and Roehmel 1986), up to the smaller of the two observed sums.
    """
    doubled = (2 * stats.rankdata(abs(differences), axis=1)).astype(int) * (differences != 0)
    positive = (doubled * (differences > 0)).sum(axis=1)
    smaller = np.minimum(positive, doubled.sum(axis=1) - positive)
    rows = zip(np.sort(doubled, axis=1), smaller, strict=True)
    tails = [_ways_to_reach(ranks[ranks > 0], most) for ranks, most in rows]
    return np.minimum(2 * np.array(tails) / 2.0 ** np.count_nonzero(differences, axis=1), 1)


def _ways_to_reach(ranks: np.ndarray, most: int) -> float:
    """Return how many sets of ranks have a sum of at most `most`; exact, because it is below 2^53."""
    ways = np.zeros(most + 1)
    ways[0] = 1
    for rank in ranks[ranks <= most]:
        ways[rank:] += ways[: most + 1 - rank].copy()
    return float(ways.sum())


@finite
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
