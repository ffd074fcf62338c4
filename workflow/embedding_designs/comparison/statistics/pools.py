"""Checks whether Nemenyi's verdicts depend on which other designs are compared.

The average ranks of two designs and the critical difference depend on the other designs in the pool, so a
verdict on two designs can change although their scores do not (Benavoli, Corani, and Mangili 2016, JMLR
17(5)). A verdict that flips in many sub-pools says little about the two.
"""

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from .finite import finite
from .ranks import critical_difference, nemenyi, rank_designs, why_untestable

MOST_SUB_POOLS = 2**18  # if there are more, they are sampled; reached with 20 designs
DRAWS = 10_000  # size of that sample; a share is then within .01 of the true one
AT_ONCE = 1_000_000  # gaps held in memory at a time


@finite
def pool_dependence(
    scores: pd.DataFrame, alpha: float, others: int | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Return for each pair of designs the share of the sub-pools in which Nemenyi's verdict flips.

    A sub-pool contains the pair and some, but not all, of the other designs; `others` fixes their number.
    "flips" is the share of sub-pools in which the verdict on the pair differs from that among all designs,
    and "called" the share in which the pair is called significant. "exhaustive" says whether all sub-pools
    were evaluated; if there are too many, DRAWS of them are drawn uniformly (each other design is included
    with probability 1/2).
    """
    pairs = list(combinations(scores.columns, 2))
    n_others = len(scores.columns) - 2
    reason = why_untestable(scores)
    if not reason and (n_others < 1 if others is None else n_others <= others):
        size = "" if others is None else f" of a pair and {others} others"
        reason = f"A pool of {n_others + 2} has no smaller pools{size}."
    if reason:
        nothing = {"sub_pools": 0, "flips": None, "called": None, "exhaustive": True, "reason": reason}
        return [{"first": first, "second": second} | nothing for first, second in pairs]
    n_sub_pools, exhaustive, called = _verdicts_in_sub_pools(scores, alpha, others, seed)
    among_all = [pair["significant"] for pair in nemenyi(scores, alpha)["pairs"]]
    flips = np.where(among_all, 1 - called, called)
    common = {"sub_pools": n_sub_pools, "exhaustive": exhaustive}
    return [
        {"first": first, "second": second, "flips": float(flipped), "called": float(share)} | common
        for (first, second), flipped, share in zip(pairs, flips, called, strict=True)
    ]


def _verdicts_in_sub_pools(
    scores: pd.DataFrame, alpha: float, others: int | None, seed: int
) -> tuple[int, bool, np.ndarray]:
    """Return the number of sub-pools evaluated, whether these are all, and the share that calls each pair."""
    n_tasks, n_designs = scores.shape
    n_others = n_designs - 2
    critical = np.array([critical_difference(k, n_tasks, alpha) for k in range(2, n_designs + 1)])
    needed = np.ceil(2 * n_tasks * critical)  # in the units of _rank_gaps, by the number of others
    itself, added = _rank_gaps(scores)
    n_sub_pools = 2**n_others - 1 if others is None else comb(n_others, others)
    if n_sub_pools > MOST_SUB_POOLS:
        return DRAWS, False, _share_called(itself, added, needed, _drawn(n_others, others, seed))
    if others is None:
        return n_sub_pools, True, _share_called_in_all(itself, added, needed)
    return n_sub_pools, True, _share_called(itself, added, needed, _chosen(n_others, others))


def _rank_gaps(scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the gap between the ranks of each pair alone, and what each other design adds to it.

    Shapes: (pairs,) and (pairs, others). A design's rank is one more than the number of designs that beat it,
    with ties counting one half, so the gap of a pair in a pool is the sum of what the pair and the other
    designs contribute. In integers, in units of 1 / 2N.
    """
    ranks = rank_designs(scores).to_numpy()  # (tasks, designs)
    above, below = ranks[:, :, None], ranks[:, None, :]
    beats = (2 * (above < below) + (above == below)).sum(axis=0)  # [c, a]: how often c beats a
    n_designs = len(beats)
    itself, added = [], []
    for first, second in combinations(range(n_designs), 2):
        others = np.delete(np.arange(n_designs), [first, second])
        itself.append(beats[second, first] - beats[first, second])
        added.append(beats[others, first] - beats[others, second])
    return np.array(itself, dtype=np.int32), np.array(added, dtype=np.int32)


def _share_called_in_all(itself: np.ndarray, added: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Return the share of all sub-pools in which each pair's gap reaches the critical one.

    Each further design doubles the sub-pools: those without it, and the same with what it adds to the gap.
    """
    n_others = added.shape[1]
    sizes, gaps = np.zeros((2, 2**n_others), dtype=np.int32)
    for other in range(n_others):
        sizes[1 << other : 2 << other] = sizes[: 1 << other] + 1
    enough = needed.astype(np.int32)[sizes]
    enough[-1] = np.iinfo(np.int32).max  # all designs: not a sub-pool
    called = np.empty(len(itself))
    for pair, (gap, additions) in enumerate(zip(itself, added, strict=True)):
        gaps[0] = gap
        for other, addition in enumerate(additions):
            np.add(gaps[: 1 << other], addition, out=gaps[1 << other : 2 << other])
        called[pair] = np.count_nonzero(np.abs(gaps, out=gaps) >= enough)
    return called / (2**n_others - 1)


def _share_called(
    itself: np.ndarray, added: np.ndarray, needed: np.ndarray, members: np.ndarray
) -> np.ndarray:
    """Return the share of these sub-pools in which each pair's gap reaches the critical one: (pairs,)."""
    called = np.zeros(len(itself))
    step = max(1, AT_ONCE // len(itself))
    for start in range(0, len(members), step):
        part = members[start : start + step].T  # (others, sub-pools)
        gaps = itself[:, None] + added.astype(float) @ part  # (pairs, sub-pools)
        called += np.count_nonzero(np.abs(gaps, out=gaps) >= needed[part.sum(axis=0).astype(int)], axis=1)
    return called / len(members)


def _chosen(n_others: int, others: int) -> np.ndarray:
    """Return which other designs are in each sub-pool of this size: (sub-pools, others), 1 or 0."""
    return _marked(np.array(list(combinations(range(n_others), others)), dtype=int), n_others)


def _drawn(n_others: int, others: int | None, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if others is None:
        drawn = random.integers(0, 2, (2 * DRAWS, n_others))
        return drawn[~drawn.all(axis=1)][:DRAWS].astype(float)
    return _marked(random.random((DRAWS, n_others)).argpartition(others, axis=1)[:, :others], n_others)


def _marked(chosen: np.ndarray, n_others: int) -> np.ndarray:
    members = np.zeros((len(chosen), n_others))
    np.put_along_axis(members, chosen, 1, axis=1)
    return members
