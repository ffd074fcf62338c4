"""Minimum detectable differences of a study of this size, and the size that it would need.

These are planning figures, computed from the study's own spread. They do not say whether there is a
difference, and the largest observed difference, being the largest of many, is too optimistic a target.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from .finite import finite
from .runs import NEEDED_SEEDS, run_variance, stack_runs

MOST = 1_000_000  # tasks or seeds; a larger number is not a useful answer
FAR = 1e4  # noncentrality beyond which scipy's series fails and the normal part of t is negligible


@finite
def detectable(scores: pd.DataFrame, runs: pd.DataFrame, alpha: float, power: float = 0.8) -> dict[str, Any]:
    """Return the smallest difference in mean score between two designs that is detected with this power.

    Two-sided, with Bonferroni's correction over all pairs. checkpoints: paired t test over the tasks;
    `spread` is the standard deviation of a pair's differences, pooled over the pairs. designs: t test over
    the runs with their pooled spread, None with a single seed. observed: the largest difference in mean score
    between two designs; tasks_needed and seeds_needed: how many would be needed to detect it. Scores are
    assumed to differ by at most 1, or by at most 2 if some are negative.
    """
    designs, _ = stack_runs(runs)
    pairs = max(1, len(designs) * (len(designs) - 1) // 2)
    sizes = {"alpha": alpha / pairs, "power": power}
    return {
        "power": power,
        "checkpoints": _checkpoints(scores, **sizes),
        "designs": _designs(runs, **sizes),
    }


def _checkpoints(scores: pd.DataFrame, alpha: float, power: float) -> dict[str, Any]:
    n, k = scores.shape
    observed = float(np.ptp(scores.mean().to_numpy()))
    result = {"spread": None, "difference": None, "tasks_needed": None, "observed": observed}
    if k < 2 or n < 2:
        return result | {"reason": "The spread of differences needs a pair to compare and two tasks."}
    residuals = scores - scores.mean()
    residuals = residuals.sub(residuals.mean(axis="columns"), axis="index").to_numpy()
    # the mean variance of a difference over all pairs is twice the mean square of designs x tasks
    spread = float(np.sqrt(2 * np.square(residuals).sum() / ((n - 1) * (k - 1))))
    result["spread"] = spread

    def found(difference: float, n_tasks: int) -> float:
        return t_power(difference / spread * np.sqrt(n_tasks), n_tasks - 1, alpha)

    largest = 2.0 if (scores < 0).any(axis=None) else 1.0
    return result | _solve(found, spread, observed, n, "tasks", 2, power, largest)


def _designs(runs: pd.DataFrame, alpha: float, power: float) -> dict[str, Any] | None:
    _, scores = stack_runs(runs)
    k, n, _ = scores.shape
    if n < 2:
        return None
    means = scores.mean(axis=2)
    observed = float(np.ptp(means.mean(axis=1)))
    result = {"spread": None, "difference": None, "seeds_needed": None, "observed": observed}
    if k < 2:
        return result | {"reason": "There is only one, so no difference can be detected."}
    spread = result["spread"] = float(np.sqrt(run_variance(means)[0]))

    def found(difference: float, n_seeds: int) -> float:
        return t_power(difference / spread * np.sqrt(n_seeds / 2), k * (n_seeds - 1), alpha)

    largest = 2.0 if (scores < 0).any() else 1.0
    return result | _solve(found, spread, observed, n, "seeds", NEEDED_SEEDS, power, largest)


@finite
def t_power(noncentrality: float, df: int, alpha: float) -> float:
    """Return the power of a two-sided t test, not counting the wrong sign, as in R's power.t.test."""
    critical = special.stdtrit(df, 1 - alpha / 2)
    if noncentrality > FAR:
        return float(special.chdtr(df, df * (noncentrality / critical) ** 2))
    return float(stats.nct.sf(critical, df, noncentrality))


def _solve(
    found: Callable[[float, int], float],
    spread: float,
    observed: float,
    n: int,
    units: str,
    fewest: int,
    power: float,
    largest: float,
) -> dict[str, Any]:
    """Return the detectable difference with n units, and the units needed for the observed difference.

    found: the power for a difference and a number of units; fewest: the units that a test requires; largest:
    the largest possible difference between two scores.
    """
    if spread < 1e-12:
        return {"reason": f"With no spread over the {units}, every difference would be detected."}
    difference, needed, reasons = None, None, []
    if n < fewest:
        reasons.append(f"With fewer than {fewest} {units}, nothing is tested.")
    elif found(largest, n) < power:
        reasons.append(f"With {n} {units}, t tests could not detect any difference that scores can have.")
    else:
        difference = float(optimize.brentq(lambda value: found(value, n) - power, 0, largest, xtol=1e-12))
    if observed < 1e-12:
        reasons.append("All mean scores are equal, so no difference is observed.")
    else:
        needed = _units_needed(lambda units: found(observed, units), fewest, power)
        if needed is None:
            reasons.append(
                f"Detecting the largest observed difference would take more than {MOST:,} {units}."
            )
    solved = {"difference": difference, f"{units}_needed": needed}
    return solved | ({"reason": " ".join(reasons)} if reasons else {})


def _units_needed(found: Callable[[int], float], fewest: int, power: float) -> int | None:
    """Return the smallest number of units with this power, by doubling and then bisecting."""
    enough = fewest
    while found(enough) < power:
        if enough >= MOST:
            return None
        enough = min(2 * enough, MOST)
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        enough, short = (middle, short) if found(middle) >= power else (enough, middle)
    return max(enough, fewest)
