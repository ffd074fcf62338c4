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
from scipy import special, stats

from ...common.wording import counted
from .finite import finite
from .studentized import critical_value, dunnett_sf, tukey_sf

NEEDED_SEEDS = 3  # with two runs, a design's spread has one degree of freedom: too few for a claim
FEWEST_RANKED = 10  # at alpha .05, the F of ranks rejects in 10% of cases with 6 runs, and in 8.5% with 9
NOISE = 1e-24  # scores have 6 decimals, so a smaller sum of squares is floating-point noise
NO_SPREAD = "The runs of each design have the same mean score: without a spread, there is no test."


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
        return "With a single design there is nothing to compare."
    if n_seeds < NEEDED_SEEDS:
        return (
            f"With {counted(n_seeds, 'seed')}, nothing can be said about the designs, only about these "
            f"checkpoints: claims about designs need at least {NEEDED_SEEDS} seeds."
        )
    if np.ptp(scores) == 0:
        return "All runs score the same on every task: there is nothing to test."
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
        "quasi_f": quasi_f(scores),
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
def f_test(
    mean_square: float, df1: float, error: float, df2: float, reason: str
) -> dict[str, float | str | None]:
    """Return F = mean_square / error with its p, or None for both and the reason if the error is 0."""
    if error == 0:
        return {"f": None, "df1": df1, "df2": df2, "p": None, "reason": reason}
    f = mean_square / error
    return {"f": float(f), "df1": df1, "df2": df2, "p": float(special.fdtrc(df1, df2, f))}


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
        reason = "The runs of some design have the same mean score: Welch's test needs a spread in each."
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


@finite
def quasi_f(scores: np.ndarray) -> dict[str, Any]:
    """Return F'' = (MS_design + MS_residual) / (MS_run + MS_design x task) of (designs, seeds, tasks).

    Runs are nested in designs, tasks crossed with both, and both are random. Expected mean squares, with
    s = residual, n seeds and m tasks: design s + n dt + m r + n m d, run s + m r, design x task s + n dt,
    residual s; so numerator and denominator have equal expectations if designs do not differ (d = 0). Degrees
    of freedom by Satterthwaite. Clark (1973), J. Verbal Learning and Verbal Behavior 12:335; Winer (1971),
    section 5.15. variances: estimates of r, dt and s from the mean squares, negative ones set to 0.
    """
    k, n, m = scores.shape
    if m < 2:
        reason = (
            "With a single task, its effect cannot be separated from the designs': at least two are needed."
        )
        return dict.fromkeys(["f", "df1", "df2", "p", "variances"]) | {"reason": reason}
    cells, of_runs, of_tasks = scores.mean(axis=1), scores.mean(axis=2), scores.mean(axis=(0, 1))
    of_designs = of_runs.mean(axis=1)
    squares = {
        "design": n * m * np.square(of_designs - scores.mean()).sum(),
        "run": m * np.square(of_runs - of_designs[:, None]).sum(),
        "design_task": n * np.square(cells - of_designs[:, None] - of_tasks + scores.mean()).sum(),
        "residual": np.square(
            scores - cells[:, None] - of_runs[:, :, None] + of_designs[:, None, None]
        ).sum(),
    }
    df = {"design": k - 1, "run": k * (n - 1), "design_task": (k - 1) * (m - 1)}
    df["residual"] = df["run"] * (m - 1)
    mean = {name: float(square) / df[name] if square > NOISE else 0.0 for name, square in squares.items()}
    above, df1 = _sum_of_mean_squares(mean, df, ("design", "residual"))
    below, df2 = _sum_of_mean_squares(mean, df, ("run", "design_task"))
    variances = {
        "run": max(0.0, (mean["run"] - mean["residual"]) / m),
        "design_task": max(0.0, (mean["design_task"] - mean["residual"]) / n),
        "residual": mean["residual"],
    }
    reason = "Neither the runs nor the tasks of a design vary: without a spread, there is no test."
    return f_test(above, df1, below, df2, reason) | {"variances": variances}


def _sum_of_mean_squares(
    mean: dict[str, float], df: dict[str, int], names: tuple[str, ...]
) -> tuple[float, float]:
    """Return the sum of mean squares and its Satterthwaite (1946) degrees of freedom."""
    total = sum(mean[name] for name in names)
    if total == 0:
        return 0.0, float(sum(df[name] for name in names))
    return total, total**2 / sum(mean[name] ** 2 / df[name] for name in names)


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
