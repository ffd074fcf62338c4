"""The designs that could be the best in newly trained runs: Hsu's multiple comparisons with the best."""

from typing import Any

import numpy as np
import pandas as pd

from .finite import finite
from .runs import NO_SPREAD, run_variance, stack_runs, why_no_design_claim
from .studentized import critical_value, dunnett_upper_sf


@finite
def best_over_runs(runs: pd.DataFrame, alpha: float) -> dict[str, Any] | None:
    """Return each design's mean score minus that of the best other one, with intervals, and the best set.

    Hsu (1984), Annals of Statistics 12:1136; Hsu (1996), Multiple Comparisons, section 4.1. All intervals
    hold at once, and they are constrained: low is at most 0 and high at least 0. A design with high = 0 is
    ruled out as the best; best_set has the others, the best observed one first. p: the smallest level at
    which a design is ruled out. None if there are too few runs to test. The runs of all designs are
    assumed to have the same spread.
    """
    if why_no_design_claim(runs):
        return None
    designs, scores = stack_runs(runs)
    means = scores.mean(axis=2)
    order = [designs[index] for index in np.argsort(-means.mean(axis=1), kind="stable")]
    gaps = _behind_best_other(means.mean(axis=1))
    variance, df = run_variance(means)
    if variance == 0:
        rows = [{"difference": float(gap), "low": None, "high": None, "p": None} for gap in gaps]
        found = dict(zip(designs, rows, strict=True))
        return {"best_set": order, "designs": found, "reason": NO_SPREAD}
    k, n = means.shape
    error = np.sqrt(2 * variance / n)
    margin = critical_value(dunnett_upper_sf, alpha, k, df) * error
    p_values = dunnett_upper_sf(-gaps / error, k, df)
    found = {
        design: {
            "difference": float(gap),
            "low": float(min(0, gap - margin)),
            "high": float(max(0, gap + margin)),
            "p": float(p),
        }
        for design, gap, p in zip(designs, gaps, p_values, strict=True)
    }
    could_be = dict(zip(designs, gaps + margin > 0, strict=True))
    return {"best_set": [name for name in order if could_be[name]], "designs": found}


def _behind_best_other(means: np.ndarray) -> np.ndarray:
    """Return each mean minus the largest of the others."""
    second, first = np.sort(means)[-2:]
    return means - np.where(np.arange(len(means)) == means.argmax(), second, first)
