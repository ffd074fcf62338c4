"""Claims about these designs: tests in which the trained run, not the task, is the replicate.

A run is scored on every task, so the luck of its training affects all of its scores. Tests over tasks cannot
separate that luck from the design; tests over runs can, if a design was trained several times. `runs` has one
row per design and seed and one column per task, without missing cells and with the same number of seeds for
every design. Runs are treated as independent: seed 1 of two designs has nothing in common.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ...common.wording import counted
from .finite import finite
from .mean_squares import NOISE, f_test
from .quasi_f import all_differences, quasi_f
from .studentized import critical_value, dunnett_sf, tukey_sf

NEEDED_SEEDS = 3  # with two runs, a design's spread has one degree of freedom: too few for a claim
FEWEST_RANKED = 10  # at alpha .05, the F of ranks rejects in 10% of cases with 6 runs, and in 8.5% with 9
NO_SPREAD = (
    "Runs that differ only in the seed have the same mean score, so there is no variance to test against."
)


@finite
def stack_runs(runs: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the designs in order, and the scores as an array (designs, seeds, tasks)."""
    position, designs = pd.factorize(runs.index.get_level_values(0))
    values = runs.to_numpy(dtype=float)[np.argsort(position, kind="stable")]
    return list(designs), values.reshape(len(designs), -1, runs.shape[1])


@finite
def why_no_design_claim(runs: pd.DataFrame) -> str | None:
    """Return why nothing can be claimed about the designs, in one sentence, or None if it can."""
    designs, scores = stack_runs(runs)
    n_seeds = scores.shape[1]
    if len(designs) < 2:
        return "There is only one, so there is nothing to compare."
    if n_seeds < NEEDED_SEEDS:
        return (
            f"With {counted(n_seeds, 'seed')}, nothing can be said about newly trained checkpoints, only "
            f"about these: that would take at least {NEEDED_SEEDS} seeds."
        )
    if np.ptp(scores) == 0:
        return "All runs score the same on every task, so there is nothing to test."
    return None


@finite
def design_claim(runs: pd.DataFrame, control: str, alpha: float) -> dict[str, Any]:
    """Return what the runs say about the designs, or in `refused` why they say nothing.

    one_way: analysis of variance of the runs' mean scores: do the designs differ on these tasks?
    welch: the same, allowing for designs whose runs spread more than others' (Welch 1951).
    one_way_on_ranks: the same on the ranks of the runs (Conover and Iman 1981).
    quasi_f: do they differ on tasks like these, if the tasks are a random sample as well?
    pairs: all pairs by Tukey's HSD; against_control: each other design against the control by Dunnett's test.
    run_spread: the standard deviation of the runs' mean scores within a design, pooled over the designs.
    All but welch assume that the runs of all designs have the same spread. If one design's spread is three
    times the others', they reject in 10% of studies without a difference at alpha .05 (five designs, three
    seeds), and welch in 7%.
    """
    designs, scores = stack_runs(runs)
    refused = why_no_design_claim(runs)
    result: dict[str, Any] = {"refused": refused, "n_seeds": scores.shape[1]}
    if refused:
        nothing = dict.fromkeys(["one_way", "welch", "one_way_on_ranks", "quasi_f", "run_spread"])
        return result | nothing | {"pairs": [], "against_control": []}
    means = scores.mean(axis=2)
    spread, _ = run_variance(means)
    return result | {
        "one_way": one_way(means),
        "welch": _welch(designs, means),
        "one_way_on_ranks": _one_way_on_ranks(means),
        "quasi_f": quasi_f(scores, all_differences(len(designs))),
        "run_spread": float(np.sqrt(spread)),
        "pairs": _tukey(designs, means, alpha),
        "against_control": _dunnett(designs, means, control, alpha),
    }


@finite
def run_variance(means: np.ndarray) -> tuple[float, int]:
    """Return the variance of the runs within designs, pooled over the designs, and its degrees of freedom.

    means: (designs, seeds). The variance is 0.0 if only floating-point noise is left.
    """
    df = means.shape[0] * (means.shape[1] - 1)
    within = float(np.square(means - means.mean(axis=1, keepdims=True)).sum())
    return (within / df if within > NOISE else 0.0), df


@finite
def one_way(means: np.ndarray) -> dict[str, float | str | None]:
    """Return the one-way analysis of variance of the runs' mean scores (designs, seeds)."""
    k, n = means.shape
    between = n * float(np.square(means.mean(axis=1) - means.mean()).sum())
    error, df2 = run_variance(means)
    result = f_test(between / (k - 1), k - 1, error, df2, NO_SPREAD)
    total = between + error * df2
    return result | {"eta_squared": between / total if total > NOISE else None}


def _welch(designs: list[str], means: np.ndarray) -> dict[str, float | str | None]:
    """Return Welch's one-way analysis, with a separate spread for each design (Biometrika 38:330)."""
    if (means.var(axis=1) * means.shape[1] <= NOISE).any():
        reason = "Welch's test needs a spread over seeds everywhere, and some runs have the same mean score."
        return {"f": None, "df1": len(designs) - 1, "df2": None, "p": None, "reason": reason}
    import pingouin  # imported here because it takes seconds

    table = pd.DataFrame({"design": np.repeat(designs, means.shape[1]), "score": means.ravel()})
    found = pingouin.welch_anova(table, dv="score", between="design").iloc[0]
    return {
        "f": float(found["F"]),
        "df1": int(found["ddof1"]),
        "df2": float(found["ddof2"]),
        "p": float(found["p_unc"]),
    }


def _one_way_on_ranks(means: np.ndarray) -> dict[str, float | str | None]:
    """Return the one-way analysis of the runs' ranks (Conover and Iman 1981, Am. Statistician 35:124)."""
    k, n = means.shape
    if k * n < FEWEST_RANKED:
        reason = f"With fewer than {FEWEST_RANKED} runs, their ranks are too coarse for an F test."
        return {"f": None, "df1": k - 1, "df2": k * (n - 1), "p": None, "reason": reason}
    ranks = stats.rankdata(means.round(12)).reshape(means.shape)  # equal means may differ in their last bit
    result = one_way(ranks)
    del result["eta_squared"]
    return result


def _tukey(designs: list[str], means: np.ndarray, alpha: float) -> list[dict[str, Any]]:
    """Return each pair's difference (first minus second) by Tukey's HSD, with simultaneous intervals."""
    pairs = list(combinations(range(len(designs)), 2))
    differences = np.array([means[i].mean() - means[j].mean() for i, j in pairs])
    # the studentized range is of means, whose error is that of a difference divided by sqrt(2)
    tests = _compare_means(differences, means, alpha, tukey_sf, np.sqrt(2))
    names = [{"first": designs[i], "second": designs[j]} for i, j in pairs]
    return [name | test for name, test in zip(names, tests, strict=True)]


def _dunnett(designs: list[str], means: np.ndarray, control: str, alpha: float) -> list[dict[str, Any]]:
    """Return each other design's difference from the control by Dunnett's test (1955), two-sided."""
    others = [index for index, design in enumerate(designs) if design != control]
    differences = means[others].mean(axis=1) - means[designs.index(control)].mean()
    tests = _compare_means(differences, means, alpha, dunnett_sf, 1.0)
    return [{"design": designs[index]} | test for index, test in zip(others, tests, strict=True)]


def _compare_means(
    differences: np.ndarray, means: np.ndarray, alpha: float, tail: Callable[..., np.ndarray], scale: float
) -> list[dict[str, Any]]:
    k, n = means.shape
    variance, df = run_variance(means)
    if variance == 0:
        nothing = {"low": None, "high": None, "p": None, "significant": False}
        return [{"difference": float(difference)} | nothing for difference in differences]
    error = np.sqrt(2 * variance / n)
    p_values = tail(differences / error * scale, k, df)
    margin = critical_value(tail, alpha, k, df) / scale * error
    return [
        {
            "difference": float(difference),
            "low": float(difference - margin),
            "high": float(difference + margin),
            "p": float(p),
            "significant": bool(p <= alpha),
        }
        for difference, p in zip(differences, p_values, strict=True)
    ]
