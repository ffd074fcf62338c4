"""Rank tests over tasks: pure functions of one wide table of scores.

`scores` has one row a task and one column a design; higher is better, and seeds are averaged before. What
the tests find therefore speaks of these checkpoints over these tasks. Where a test has nothing to work on
its numbers are None, never NaN, and `why_untestable` says why.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

DECIMALS = 6  # the precision of scores.csv; differences are rounded to it, so that true ties stay ties


def why_untestable(scores: pd.DataFrame) -> str | None:
    """Return why no rank test can be computed on these scores, in one sentence, or None where one can."""
    n_tasks, n_designs = scores.shape
    if n_designs < 2:
        return "With a single design there is nothing to compare."
    if n_tasks < 2:
        return "With a single task there is nothing to test: at least two are needed."
    if (scores.nunique(axis="columns") == 1).all():
        return "All designs score the same on every task: there is nothing to test."
    return None


def rank_designs(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the ranks of the designs within each task: (tasks, designs), 1 = best, ties averaged."""
    return scores.round(DECIMALS).rank(axis="columns", ascending=False, method="average")


def friedman(scores: pd.DataFrame, correct_ties: bool = True) -> dict[str, float | int | None]:
    """Return Friedman's chi-square, its degrees of freedom and p, and Kendall's W.

    W is the share of the ranks' sum of squares that lies between the designs, and chi-square = N(k - 1) W.
    correct_ties: divide by the sum of squares of the ranks as they are (Conover 1999, section 5.8; scipy
    and R do so); False: by that of ranks without ties, as in Demsar (2006), eq. 6.
    """
    if why_untestable(scores):
        return {"chi_square": None, "df": None, "p": None, "kendall_w": None}
    ranks = rank_designs(scores).to_numpy()
    n, k = ranks.shape
    between = n * np.square(ranks.mean(axis=0) - (k + 1) / 2).sum()
    total = np.square(ranks - (k + 1) / 2).sum() if correct_ties else n * k * (k**2 - 1) / 12
    kendall_w = min(float(between / total), 1.0)
    chi_square = n * (k - 1) * kendall_w
    p = float(stats.chi2.sf(chi_square, k - 1))
    return {"chi_square": chi_square, "df": k - 1, "p": p, "kendall_w": kendall_w}


def iman_davenport(chi_square: float | None, n_tasks: int, n_designs: int) -> dict[str, float | int | None]:
    """Return Iman and Davenport's F for a Friedman chi-square (Demsar 2006, eq. 7).

    Where all tasks rank alike (W = 1) F is infinite: it is given as None, with its limit p = 0.
    """
    if chi_square is None:
        return {"f": None, "df1": None, "df2": None, "p": None}
    df1, df2 = n_designs - 1, (n_designs - 1) * (n_tasks - 1)
    residual = n_tasks * (n_designs - 1) - chi_square
    if residual < 1e-9:
        return {"f": None, "df1": df1, "df2": df2, "p": 0.0}
    f = (n_tasks - 1) * chi_square / residual
    return {"f": f, "df1": df1, "df2": df2, "p": float(stats.f.sf(f, df1, df2))}


def critical_difference(n_designs: int, n_tasks: int, alpha: float) -> float:
    """Return Nemenyi's critical difference between average ranks, q sqrt(k(k + 1) / 6N).

    q: upper quantile of the studentized range of k groups with infinite degrees of freedom, over sqrt(2)
    (Demsar 2006, section 3.2.2).
    """
    q = stats.studentized_range.ppf(1 - alpha, n_designs, np.inf) / np.sqrt(2)
    return float(q * _rank_error(n_designs, n_tasks))


def nemenyi(scores: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Return the critical difference and, for each pair of designs, Nemenyi's p and whether p <= alpha."""
    pairs = list(combinations(scores.columns, 2))
    if why_untestable(scores):
        undecided = [{"first": a, "second": b, "p": None, "significant": False} for a, b in pairs]
        return {"critical_difference": None, "pairs": undecided}
    n, k = scores.shape
    ranks = rank_designs(scores).mean()
    gaps = np.array([abs(ranks[a] - ranks[b]) for a, b in pairs])
    p_values = stats.studentized_range.sf(gaps / _rank_error(k, n) * np.sqrt(2), k, np.inf)
    results = [
        {"first": a, "second": b, "p": float(p), "significant": bool(p <= alpha)}
        for (a, b), p in zip(pairs, p_values, strict=True)
    ]
    return {"critical_difference": critical_difference(k, n, alpha), "pairs": results}


def _rank_error(k: int, n: int) -> float:
    return np.sqrt(k * (k + 1) / (6 * n))


def cliques(order: Sequence[str], differing: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the maximal runs of neighbours in `order` within which no pair differs, of two designs or more.

    order: the designs from the best average rank to the worst; differing: the pairs that differ.
    """
    position = {name: index for index, name in enumerate(order)}
    conflict = [len(order)] * len(order)  # each design's nearest lower one that differs from it
    for pair in differing:
        upper, lower = sorted(position[name] for name in pair)
        conflict[upper] = min(conflict[upper], lower)
    found, reached = [], 0
    for start in range(len(order)):
        stop = min(conflict[start:])
        if stop - start >= 2 and stop > reached:
            found.append(list(order[start:stop]))
            reached = stop
    return found


def wilcoxon(scores: pd.DataFrame, alpha: float) -> list[dict[str, Any]]:
    """Return Wilcoxon's signed-rank test for each pair of designs, uncorrected and with Holm's correction.

    Two-sided. Differences are rounded to the recorded precision; zeros are ranked and split between the two
    sides. p is exact up to 50 tasks without ties or zeros, exact by all sign changes up to 13 tasks with
    them, and else from the normal approximation (scipy's "auto"). rank_biserial is (R+ - R-) / (R+ + R-):
    positive where `first` is better.
    """
    import pingouin  # here, because it takes seconds to import

    pairs = [_compare_pair(scores, first, second) for first, second in combinations(scores.columns, 2)]
    if why_untestable(scores):
        nothing = {"p_uncorrected": None, "p_holm": None, "rank_biserial": None}
        return [pair | nothing for pair in pairs]
    _, p_holm = pingouin.multicomp([pair["p_uncorrected"] for pair in pairs], method="holm")
    for pair, p in zip(pairs, p_holm, strict=True):
        pair["p_holm"] = float(p)
        pair["significant_uncorrected"] = pair["p_uncorrected"] <= alpha
        pair["significant_holm"] = pair["p_holm"] <= alpha
    return pairs


def _compare_pair(scores: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
    difference = (scores[first] - scores[second]).round(DECIMALS).to_numpy()
    ranks = stats.rankdata(np.abs(difference))
    p = stats.wilcoxon(difference, zero_method="zsplit").pvalue if difference.any() else 1.0
    return {
        "first": first,
        "second": second,
        "p_uncorrected": float(p),
        "p_holm": None,
        "significant_uncorrected": False,
        "significant_holm": False,
        "mean_difference": float(difference.mean()),
        "rank_biserial": float((np.sign(difference) * ranks).sum() / ranks.sum()),
        "wins": int((difference > 0).sum()),
        "losses": int((difference < 0).sum()),
        "ties": int((difference == 0).sum()),
    }


def smallest_attainable_p(n_tasks: int, n_designs: int) -> dict[str, float]:
    """Return the smallest two-sided p of Wilcoxon's exact test, alone and with Holm over all pairs.

    All N differences have one sign in 2 of 2^N equally likely cases; Holm multiplies by k(k - 1)/2 pairs.
    """
    alone = min(1.0, 2.0 ** (1 - n_tasks))
    return {"wilcoxon": alone, "wilcoxon_holm": min(1.0, alone * n_designs * (n_designs - 1) / 2)}
