"""The smallest p that each test can give: what cannot be decided, whatever the scores.

The smallest p belongs to the clearest possible outcome: all tasks rank all designs identically. It is the p
that the test would report, with the same approximation to its distribution. With ties between designs, it is
larger.
"""

from collections.abc import Callable
from itertools import count
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .finite import finite
from .pairwise import EXACT, pair_differences
from .ranks import friedman, nemenyi_p, rank_designs, rank_error, why_untestable

FEWEST_TO_TEST = 2  # tasks; no test works with fewer


@finite
def attainable(n_tasks: int, n_designs: int, alpha: float) -> dict[str, Any]:
    """Return the smallest p of each test for this many tasks and designs, and the tasks that alpha takes.

    wilcoxon_holm is corrected over all k(k - 1)/2 pairs, control_holm over the k - 1 others. A test that
    cannot reach alpha here cannot find anything significant.
    """
    smallest: dict[str, Callable[[int, int], float]] = {
        "friedman": _friedman,
        "nemenyi": _nemenyi,
        "wilcoxon": lambda n, k: _wilcoxon(n),
        "wilcoxon_holm": lambda n, k: min(1.0, _wilcoxon(n) * k * (k - 1) / 2),
        "control_holm": lambda n, k: min(1.0, _control(n, k) * (k - 1)),
    }
    families = [name for name in smallest if name != "wilcoxon"]
    if n_designs < 2:
        reason = "There is only one, so there is nothing to compare."
        return dict.fromkeys(smallest) | {"tasks_needed": dict.fromkeys(families), "reason": reason}
    result: dict[str, Any] = dict.fromkeys(smallest)
    if n_tasks >= FEWEST_TO_TEST:
        result = {name: p(n_tasks, n_designs) for name, p in smallest.items()}
    result["tasks_needed"] = {
        name: next(n for n in count(FEWEST_TO_TEST) if smallest[name](n, n_designs) <= alpha)
        for name in families
    }
    if n_tasks < FEWEST_TO_TEST:
        result["reason"] = "With a single task there is nothing to test."
    return result


@finite
def attainable_with_ties(scores: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Return the same for (tasks, designs), given which designs tie on which tasks.

    Rank tests: all tasks rank the designs identically, as far as their ties allow. Wilcoxon's test: a task on
    which two designs tie does not count, so the pair that differs on the most tasks has the smallest p.
    tasks_needed is still the number without ties.
    """
    n, k = scores.shape
    result = attainable(n, k, alpha)
    if why_untestable(scores):
        return result
    identical = pd.DataFrame(np.sort(scores.to_numpy(), axis=1))
    gap = float(np.ptp(rank_designs(identical).mean()))
    differing = np.unique(np.count_nonzero(pair_differences(scores), axis=1))
    wilcoxon = min(_wilcoxon(number) for number in differing.tolist() if number)
    return result | {
        "friedman": friedman(identical)["p"],
        "nemenyi": float(nemenyi_p(np.array([gap]), k, n)[0]),
        "wilcoxon": wilcoxon,
        "wilcoxon_holm": min(1.0, wilcoxon * k * (k - 1) / 2),
        "control_holm": min(1.0, float(2 * stats.norm.sf(gap / rank_error(k, n))) * (k - 1)),
    }


def _friedman(n: int, k: int) -> float:
    """W = 1: chi-square is N(k - 1)."""
    return float(stats.chi2.sf(n * (k - 1), k - 1))


def _nemenyi(n: int, k: int) -> float:
    """One design is always the best and another always the worst, so their ranks differ by k - 1."""
    return float(nemenyi_p(np.array([k - 1.0]), k, n)[0])


def _control(n: int, k: int) -> float:
    return float(2 * stats.norm.sf((k - 1) / rank_error(k, n)))


def _wilcoxon(n: int) -> float:
    """All N differences have one sign: 2 of 2^N equally likely cases, whether or not their sizes are tied.

    A task on which the two designs score the same does not count among the N. For more than 50, the test
    uses the normal approximation, whose z is the sum of the ranks over the root of the sum of their squares.
    It is largest, sqrt(N), if all differences are equal.
    """
    return 2.0 ** (1 - n) if n <= EXACT else float(2 * stats.norm.sf(sqrt(n)))
