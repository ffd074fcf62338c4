"""Shaffer's static correction for all pairs: as Holm's, but of hypotheses that can all be true together.

If two designs differ, so does at least one of them from any third. So once a pair of k designs is found to
differ, no more than (k - 1)(k - 2)/2 of the others can be equal, and Holm's factors are too large. This
presumes that equality is transitive, as that of means is, so the differences must be symmetric.
"""

from functools import cache

import numpy as np

from ...common.errors import BadInput
from .finite import finite


@finite
def shaffer(p_values: list[float] | np.ndarray, n_designs: int) -> np.ndarray:
    """Return the p-values of all pairs of k designs corrected by Shaffer's static method, in the order given.

    The i-th smallest p is multiplied by the largest possible number of true hypotheses that is at most
    k(k - 1)/2 - i + 1 (Shaffer 1986, J. Am. Stat. Assoc. 81:826; Garcia and Herrera 2008, section 2.1).
    BadInput if there is not one p for each pair.
    """
    values = np.asarray(p_values, dtype=float)
    if len(values) != (pairs := n_designs * (n_designs - 1) // 2):
        raise BadInput(
            f"shaffer: p_values has {len(values)} values; n_designs {n_designs} means {pairs} pairs"
        )
    possible = np.array(true_hypotheses(n_designs))
    at_most = np.arange(len(values), 0, -1)
    factors = possible[np.searchsorted(possible, at_most, side="right") - 1]
    order = np.argsort(values)
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * factors)
    return np.minimum(corrected, 1)


@cache
def true_hypotheses(n_designs: int) -> list[int]:
    """Return how many of the pairs of k designs can be equal, ascending: S(k) of Shaffer (1986).

    S(k) is the union over j = 1, ..., k of j(j - 1)/2 + S(k - j), where j designs equal each other and differ
    from the rest.
    """
    sets = [1]  # bit s of sets[k] is 1 if s is in S(k)
    for k in range(1, n_designs + 1):
        bits = 0
        for equal in range(1, k + 1):
            bits |= sets[k - equal] << equal * (equal - 1) // 2
        sets.append(bits)
    return [number for number in range(sets[-1].bit_length()) if sets[-1] >> number & 1]
