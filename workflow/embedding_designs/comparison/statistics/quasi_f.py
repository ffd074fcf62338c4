"""The quasi-F: do designs, or levels of a factor, differ over new runs and over new tasks like these?

Runs are nested in designs, tasks are crossed with both, and both are random samples: runs of two designs
that have the same seed are independent. An effect is a set of orthonormal contrasts of the designs' means.
"""

from typing import Any

import numpy as np
from scipy import linalg

from .finite import finite
from .mean_squares import NOISE, f_test

NO_SPREAD = "Neither repeated runs nor tasks vary, so there is no variance to test against."
ONE_TASK = "With a single task, its effect cannot be separated from what is tested: at least two are needed."


def all_differences(k: int) -> np.ndarray:
    """Return orthonormal contrasts that span all differences between k means: (k - 1, k)."""
    return linalg.helmert(k)


def crossed_differences(n_poolings: int, n_attentions: int) -> dict[str, np.ndarray]:
    """Return the contrasts of both main effects and the interaction: (contrasts, designs), pooling first."""
    averages = [np.full((1, size), size**-0.5) for size in (n_poolings, n_attentions)]
    differences = [all_differences(size) for size in (n_poolings, n_attentions)]
    return {
        "pooling": np.kron(differences[0], averages[1]),
        "attention": np.kron(averages[0], differences[1]),
        "interaction": np.kron(*differences),
    }


@finite
def quasi_f(scores: np.ndarray, contrasts: np.ndarray) -> dict[str, Any]:
    """Return F'' = (MS_effect + MS_residual) / (MS_run + MS_effect x task) of (designs, seeds, tasks).

    contrasts: of the effect, orthonormal, (contrasts, designs). Expected mean squares, with s = residual, n
    seeds and m tasks: effect s + n et + m r + n m e, run s + m r, effect x task s + n et, residual s. So
    without an effect (e = 0), numerator and denominator have the same expected value. Degrees of freedom by
    Satterthwaite. Clark (1973), J. Verbal Learning and Verbal Behavior 12:335; Winer (1971), section 5.15.
    variances: estimates of r (run), et (design_task) and s (residual) from the mean squares, negative ones
    set to 0.
    """
    k, n, m = scores.shape
    if m < 2:
        return dict.fromkeys(["f", "df1", "df2", "p", "variances"]) | {"reason": ONE_TASK}
    cells, of_runs = scores.mean(axis=1), scores.mean(axis=2)
    of_designs = of_runs.mean(axis=1)
    residuals = scores - cells[:, None] - of_runs[:, :, None] + of_designs[:, None, None]
    squares = {
        "effect": n * m * np.square(contrasts @ of_designs).sum(),
        "run": m * np.square(of_runs - of_designs[:, None]).sum(),
        "design_task": n * np.square(contrasts @ (cells - of_designs[:, None])).sum(),
        "residual": np.square(residuals).sum(),
    }
    df = {"effect": len(contrasts), "run": k * (n - 1), "design_task": len(contrasts) * (m - 1)}
    df["residual"] = df["run"] * (m - 1)
    mean = {name: float(square) / df[name] if square > NOISE else 0.0 for name, square in squares.items()}
    above, df1 = _sum_of_mean_squares(mean, df, ("effect", "residual"))
    below, df2 = _sum_of_mean_squares(mean, df, ("run", "design_task"))
    variances = {
        "run": max(0.0, (mean["run"] - mean["residual"]) / m),
        "design_task": max(0.0, (mean["design_task"] - mean["residual"]) / n),
        "residual": mean["residual"],
    }
    return f_test(above, df1, below, df2, NO_SPREAD) | {"variances": variances}


def _sum_of_mean_squares(
    mean: dict[str, float], df: dict[str, int], names: tuple[str, ...]
) -> tuple[float, float]:
    """Return the sum of mean squares and its Satterthwaite (1946) degrees of freedom."""
    total = sum(mean[name] for name in names)
    if total == 0:
        return 0.0, float(sum(df[name] for name in names))
    return total, total**2 / sum(mean[name] ** 2 / df[name] for name in names)
