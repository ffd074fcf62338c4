"""Tests whether two designs are practically equivalent, with a Bayesian signed-rank test.

A test that finds no difference does not show that there is none; this one can. Its verdicts are about these
checkpoints on tasks like these.
"""

from itertools import combinations, count
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from .finite import finite
from .pairwise import pair_differences
from .ranks import DECIMALS

PROBABILITY = 0.95  # threshold for a decision in Benavoli et al. (2017)
SAMPLES = 10_000  # from the posterior; a probability of .95 is then within .005 of the exact one
PRIOR = 0.5  # weight of the prior's one pseudo-task with difference 0 (baycomp's default)
FEWEST_TO_DECIDE = next(  # tasks for a verdict: enough to outweigh the pseudo-task, whatever its difference
    n for n in count(1) if special.betainc(PRIOR, n, 1 - 0.5**0.5) > PROBABILITY
)  # its weight w is Beta(PRIOR, n); neither of two tasks drawn is the pseudo-task with probability (1 - w)^2
AT_ONCE = 500_000  # products of weights held in memory at a time
PAIRS_AT_ONCE = 500


@finite
def equivalence(
    scores: pd.DataFrame, rope: float, seed: int = 0, n_samples: int = SAMPLES
) -> list[dict[str, Any]]:
    """Return for each pair the probabilities that one is better by more than `rope`, or neither is.

    rope: the largest score difference that does not matter, in units of the score. The test is the Bayesian
    signed-rank test of Benavoli et al. (2014, ICML; 2017, JMLR 18(77), section 4.2): each probability is the
    share of posterior samples in which that outcome is the most probable of the three. verdict: the outcome
    with more than .95, "undecided", or "too few tasks" (with fewer than six, the prior's pseudo-task could
    decide).
    """
    if len(scores.columns) < 2:
        return []
    differences = pair_differences(scores)
    weights = dirichlet_weights(len(scores), n_samples, seed)
    parts = range(0, len(differences), PAIRS_AT_ONCE)
    probabilities = [_probabilities(differences[s : s + PAIRS_AT_ONCE], rope, weights) for s in parts]
    pairs = zip(combinations(scores.columns, 2), np.concatenate(probabilities).tolist(), strict=True)
    return [
        {
            "first": first,
            "second": second,
            "p_first_better": p_first,
            "p_equivalent": p_equivalent,
            "p_second_better": p_second,
            "verdict": _verdict(p_first, p_equivalent, p_second, len(scores)),
        }
        for (first, second), (p_first, p_equivalent, p_second) in pairs
    ]


@finite
def dirichlet_weights(n_tasks: int, n_samples: int, seed: int) -> np.ndarray:
    """Return posterior weights of the prior's pseudo-task and of each task: (samples, 1 + tasks).

    They come from the same random stream as baycomp's for one pair; all pairs share them.
    """
    return np.random.RandomState(seed).dirichlet([PRIOR] + [1.0] * n_tasks, n_samples)


def _probabilities(differences: np.ndarray, rope: float, weights: np.ndarray) -> np.ndarray:
    """Return the share of samples in which each outcome is the most probable: (pairs, 3)."""
    beyond = beyond_rope(differences, rope)
    first_wins, second_wins = np.zeros((2, len(differences)))
    step = max(1, AT_ONCE // weights.shape[1] ** 2)
    for start in range(0, len(weights), step):
        first, equivalent, second = outcomes(*beyond, weights[start : start + step])
        first_wins += np.count_nonzero(first >= np.maximum(equivalent, second), axis=0)  # as baycomp's argmax
        second_wins += np.count_nonzero(second > np.maximum(equivalent, first), axis=0)
    first_wins, second_wins = first_wins / len(weights), second_wins / len(weights)
    if rope == 0:  # if nothing differs, each sample is a tie
        undivided = ~differences.any(axis=1)
        first_wins[undivided] = second_wins[undivided] = 0.5
    equivalent_wins = np.clip(1 - first_wins - second_wins, 0, 1)
    return np.column_stack([first_wins, equivalent_wins, second_wins])


@finite
def beyond_rope(differences: np.ndarray, rope: float) -> tuple[np.ndarray, np.ndarray]:
    """Return for every two tasks whether their mean difference is above the rope, and whether it is below.

    Shape of each: (two tasks, pairs), including the prior's pseudo-task and each task with itself. The edge
    counts as one half. With a rope of 0, there is only above and below.
    """
    units = np.rint(differences * 10**DECIMALS)  # integers, so that sums on the edge are exact
    observed = np.pad(units, ((0, 0), (1, 0)))  # the pseudo-task first: (pairs, 1 + tasks)
    one, other = np.triu_indices(observed.shape[1])
    sums = (observed[:, one] + observed[:, other]).T
    edge = 2 * round(rope * 10**DECIMALS, 3)
    above = (sums > edge) + 0.5 * (sums == edge)
    return above, (sums < -edge) + 0.5 * (sums == -edge)


@finite
def outcomes(above: np.ndarray, below: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the probabilities of first better, equivalent and second better: (3, samples, pairs).

    The numbers equal those of baycomp.SignedRankTest.sample: every two tasks, weighted by the product of
    their weights, count for the outcome of their mean difference. baycomp loops over the samples in Python,
    which takes a second per pair; here, all samples and pairs are one matrix product.
    """
    one, other = np.triu_indices(weights.shape[1])
    products = weights[:, one] * weights[:, other] * np.where(one == other, 1, 2)  # (samples, two tasks)
    first, second = products @ above, products @ below
    return np.stack([first, 1 - first - second, second])


def _verdict(p_first: float, p_equivalent: float, p_second: float, n_tasks: int) -> str:
    if n_tasks < FEWEST_TO_DECIDE:
        return "too few tasks"
    if p_first > PROBABILITY:
        return "first better"
    if p_second > PROBABILITY:
        return "second better"
    return "equivalent" if p_equivalent > PROBABILITY else "undecided"
