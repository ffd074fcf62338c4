"""Rank tests over tasks: do any of these checkpoints differ, and which ones?

`scores` has one row per task and one column per design; higher is better, and seeds have been averaged. The
findings are therefore about these checkpoints on these tasks. If a test cannot be computed, its numbers are
None, never NaN, and "reason" says why.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .finite import finite

DECIMALS = 6  # the precision of scores.csv; differences are rounded to it, so that true ties stay ties
MOST_CLIQUES = 1000  # more bars would be unreadable; only contrived graphs have this many


@finite
def why_untestable(scores: pd.DataFrame) -> str | None:
    """Return why no rank test can be computed on these scores, in one sentence, or None if one can."""
    n_tasks, n_designs = scores.shape
    if n_designs < 2:
        return "There is only one, so there is nothing to compare."
    if n_tasks < 2:
        return "With a single task there is nothing to test."
    values = scores.round(DECIMALS).to_numpy()
    if (values == values[:, :1]).all():
        return "All score the same on every task, so there is nothing to test."
    return None


@finite
def rank_designs(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the ranks of the designs within each task: (tasks, designs), 1 = best, ties averaged."""
    return scores.round(DECIMALS).rank(axis="columns", ascending=False, method="average")


@finite
def friedman(scores: pd.DataFrame, correct_ties: bool = True) -> dict[str, Any]:
    """Return Friedman's chi-square, its degrees of freedom and p, Kendall's W, and the treatment of ties.

    W is the between-design share of the ranks' sum of squares, and chi-square = N(k - 1) W. correct_ties:
    divide by the actual sum of squares of the ranks (Conover 1999, section 5.8; also scipy and R); if False,
    by that of ranks without ties, as in Demsar (2006), eq. 6.
    """
    ties = "corrected" if correct_ties else "uncorrected"
    if reason := why_untestable(scores):
        nothing = {"chi_square": None, "df": None, "p": None, "kendall_w": None}
        return nothing | {"ties": ties, "reason": reason}
    ranks = rank_designs(scores).to_numpy()
    n, k = ranks.shape
    between = n * np.square(ranks.mean(axis=0) - (k + 1) / 2).sum()
    total = np.square(ranks - (k + 1) / 2).sum() if correct_ties else n * k * (k**2 - 1) / 12
    kendall_w = min(float(between / total), 1.0)
    chi_square = n * (k - 1) * kendall_w
    p = float(stats.chi2.sf(chi_square, k - 1))
    return {"chi_square": chi_square, "df": k - 1, "p": p, "kendall_w": kendall_w, "ties": ties}


@finite
def iman_davenport(chi_square: float | None, n_tasks: int, n_designs: int) -> dict[str, Any]:
    """Return Iman and Davenport's F for a Friedman chi-square (Demsar 2006, eq. 7).

    If all tasks rank the designs identically (W = 1), F is infinite and there is no p.
    """
    if chi_square is None:
        reason = "Without Friedman's chi-square there is no F."
        return {"f": None, "df1": None, "df2": None, "p": None, "reason": reason}
    df1, df2 = n_designs - 1, (n_designs - 1) * (n_tasks - 1)
    residual = n_tasks * (n_designs - 1) - chi_square
    if residual < 1e-9:
        reason = "All tasks give the same ranking, so F is infinite."
        return {"f": None, "df1": df1, "df2": df2, "p": None, "reason": reason}
    f = (n_tasks - 1) * chi_square / residual
    return {"f": f, "df1": df1, "df2": df2, "p": float(stats.f.sf(f, df1, df2))}


@finite
def critical_difference(n_designs: int, n_tasks: int, alpha: float) -> float:
    """Return Nemenyi's critical difference between average ranks, q sqrt(k(k + 1) / 6N).

    q: upper quantile of the studentized range of k groups with infinite degrees of freedom, over sqrt(2)
    (Demsar 2006, section 3.2.2).
    """
    return _nemenyi_quantile(n_designs, alpha) * rank_error(n_designs, n_tasks)


@cache
def _nemenyi_quantile(n_designs: int, alpha: float) -> float:
    return float(stats.studentized_range.ppf(1 - alpha, n_designs, np.inf) / np.sqrt(2))


@finite
def rank_error(n_designs: int, n_tasks: int) -> float:
    """Return the standard error of the difference of two average ranks if no designs differ."""
    return float(np.sqrt(n_designs * (n_designs + 1) / (6 * n_tasks)))


@finite
def nemenyi_p(gaps: np.ndarray, n_designs: int, n_tasks: int) -> np.ndarray:
    """Return Nemenyi's p for each gap between two average ranks, accurate to 1e-14; smaller ones may be 0."""
    distinct, back = np.unique(gaps, return_inverse=True)
    studentized = distinct / rank_error(n_designs, n_tasks) * np.sqrt(2)
    p = stats.studentized_range.sf(studentized, n_designs, np.inf)
    return np.clip(p, 0, 1)[back]


@finite
def nemenyi(scores: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Return the critical difference and, for each pair of designs, Nemenyi's p and whether p <= alpha."""
    pairs = list(combinations(scores.columns, 2))
    if reason := why_untestable(scores):
        undecided = [{"first": a, "second": b, "p": None, "significant": False} for a, b in pairs]
        return {"critical_difference": None, "pairs": undecided, "reason": reason}
    n, k = scores.shape
    ranks = rank_designs(scores).mean().to_numpy()
    first, second = np.triu_indices(k, 1)  # in the order of `pairs`
    p_values = nemenyi_p(abs(ranks[first] - ranks[second]).round(9), k, n)
    results = [
        {"first": a, "second": b, "p": float(p), "significant": bool(p <= alpha)}
        for (a, b), p in zip(pairs, p_values, strict=True)
    ]
    return {"critical_difference": critical_difference(k, n, alpha), "pairs": results}


@finite
def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p-values corrected by Holm's (1979) step-down method, in the order given."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return np.minimum(corrected, 1)


@finite
def open_categories(p_by_category: Mapping[str, float | None], alpha: float) -> dict[str, dict[str, Any]]:
    """Return which categories are open: those whose Friedman test is significant with Holm's correction.

    The family is the testable categories; one without a p (None) is not part of it and stays closed.
    """
    tested = {category: p for category, p in p_by_category.items() if p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    gates: dict[str, dict[str, Any]] = {}
    for category in p_by_category:
        p = float(corrected[category]) if category in corrected else None
        gates[category] = {"p_holm": p, "open": p is not None and p <= alpha}
        if p is None:
            gates[category]["reason"] = "Nothing could be tested in this category."
    return gates


def cliques(order: Sequence[str], differing: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the maximal sets of at least two designs in which no pair differs.

    order: the designs from the best average rank to the worst; differing: the pairs that differ. A clique
    need not be contiguous: if significance is not monotone along the order, as with Wilcoxon's test, a design
    inside its span may not be a member. Each clique is listed in `order`, and cliques are sorted by the
    positions of their members. If there are more than MOST_CLIQUES, not all are listed, but every pair that
    does not differ is together in at least one.
    """
    position = {name: index for index, name in enumerate(order)}
    everyone = (1 << len(order)) - 1
    alike = [everyone & ~(1 << index) for index in range(len(order))]  # sets of positions, as bits
    for first, second in differing:
        alike[position[first]] &= ~(1 << position[second])
        alike[position[second]] &= ~(1 << position[first])
    found = []
    for clique in _maximal_cliques(alike):
        found.append(clique)
        if len(found) > MOST_CLIQUES:
            found = _covering_cliques(alike)
            break
    members = sorted(list(_positions(clique)) for clique in found if clique.bit_count() > 1)
    return [[order[index] for index in clique] for clique in members]


def _maximal_cliques(alike: Sequence[int]) -> Iterator[int]:
    """Yield the maximal cliques (Bron and Kerbosch 1973, with the pivot of Tomita et al. 2006)."""
    waiting = [(0, (1 << len(alike)) - 1, 0)]
    while waiting:
        clique, candidates, done = waiting.pop()
        if not candidates | done:
            yield clique
            continue
        pivot = max(_positions(candidates | done), key=lambda index: (candidates & alike[index]).bit_count())
        for index in _positions(candidates & ~alike[pivot]):
            bit = 1 << index
            waiting.append((clique | bit, candidates & alike[index], done & alike[index]))
            candidates &= ~bit
            done |= bit


def _covering_cliques(alike: Sequence[int]) -> list[int]:
    """Return maximal cliques, each grown from a pair that no clique before it holds."""
    found: list[int] = []
    missing = list(alike)  # per position: those alike that share no clique with it yet
    for index in range(len(alike)):
        while missing[index]:
            clique = 1 << index
            candidates, wanted = alike[index], missing[index]
            while candidates:
                choice = candidates & wanted or candidates
                bit = choice & -choice
                clique |= bit
                candidates &= alike[bit.bit_length() - 1]
            for member in _positions(clique):
                missing[member] &= ~clique
            found.append(clique)
    return found


def _positions(members: int) -> Iterator[int]:
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest
