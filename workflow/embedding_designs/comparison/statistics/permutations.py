"""Friedman's p from permutations, which needs no approximation: for categories of few tasks.

If the designs do not differ, each order of a task's ranks is equally likely. The findings are about these
checkpoints on these tasks.
"""

from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from .finite import finite
from .ranks import rank_designs, why_untestable

MOST = 2_000_000  # sums of ranks computed in all when all permutations are counted; about 3 seconds
DRAWS = 9_999  # random permutations if that is not enough; a p near .05 is then within .005 of the exact one


@finite
def friedman_permutation(scores: pd.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Return the share of permutations within tasks whose Friedman chi-square is at least the observed one.

    p_permutation is exact if all permutations can be counted, and `draws` is then None. Otherwise it is
    (1 + extreme ones) / (1 + draws) of random permutations (Phipson and Smyth 2010). Ties in the scores stay
    ties.
    """
    if why_untestable(scores):
        return {"p_permutation": None, "draws": None}
    ranks = np.rint(2 * rank_designs(scores).to_numpy()).astype(int)  # doubled, so that ties are integers
    observed = np.square(ranks.sum(axis=0)).sum()  # chi-square grows with it, and with nothing else
    if counted := _all_sums(ranks):
        sums, chances = counted
        p = chances[np.square(sums).sum(axis=1) >= observed].sum()
        return {"p_permutation": min(float(p), 1.0), "draws": None}
    drawn = np.square(_random_sums(ranks, seed)).sum(axis=1)
    return {"p_permutation": float((1 + (drawn >= observed).sum()) / (1 + DRAWS)), "draws": DRAWS}


def _all_sums(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return each possible set of rank sums, sorted, (sets, designs), and its probability; None if too many.

    The sums are built task by task. Their order among the designs does not matter, because the next task's
    ranks are permuted anyway.
    """
    n_designs = ranks.shape[1]
    if factorial(n_designs) > MOST:
        return None
    sums, chances, work = np.sort(ranks[:1], axis=1), np.ones(1), 0
    for row in ranks[1:]:
        orders = np.array(list(set(permutations(row.tolist()))))
        work += len(sums) * len(orders)
        if work > MOST:
            return None
        reached = np.sort((sums[:, None] + orders).reshape(-1, n_designs), axis=1)
        sums, place = np.unique(reached, axis=0, return_inverse=True)
        chances = np.bincount(place.ravel(), np.repeat(chances, len(orders))) / len(orders)
    return sums, chances


def _random_sums(ranks: np.ndarray, seed: int) -> np.ndarray:
    """Return the rank sums of each random permutation: (draws, designs)."""
    random = np.random.default_rng(seed)
    sums = np.zeros((DRAWS, ranks.shape[1]), dtype=int)
    for row in ranks:
        sums += random.permuted(np.tile(row, (DRAWS, 1)), axis=1)
    return sums
