"""Compares each design only with the control, which takes fewer tests than comparing all pairs.

The findings are about these checkpoints on these tasks.
"""

from typing import Any

import pandas as pd
from scipy import stats

from .finite import finite
from .ranks import holm, rank_designs, rank_error, why_untestable


@finite
def against_control(scores: pd.DataFrame, control: str, alpha: float) -> list[dict[str, Any]]:
    """Return the test of each other design against the control, with Holm's correction over k - 1 tests.

    z is the difference of the average ranks over its standard error sqrt(k(k + 1) / 6N), two-sided (Demsar
    2006, section 3.2.2). rank_difference and z are positive if the design is better than the control.
    """
    ranks = rank_designs(scores).mean()
    others = [design for design in scores.columns if design != control]
    differences = [float(ranks[control] - ranks[design]) for design in others]
    if reason := why_untestable(scores):
        nothing = {"z": None, "p_uncorrected": None, "p_holm": None, "significant": False, "reason": reason}
        return [
            {"design": design, "rank_difference": difference} | nothing
            for design, difference in zip(others, differences, strict=True)
        ]
    n_tasks, n_designs = scores.shape
    error = rank_error(n_designs, n_tasks)
    z = [difference / error for difference in differences]
    p_values = [float(2 * stats.norm.sf(abs(value))) for value in z]
    return [
        {
            "design": design,
            "rank_difference": difference,
            "z": value,
            "p_uncorrected": p,
            "p_holm": float(corrected),
            "significant": bool(corrected <= alpha),
        }
        for design, difference, value, p, corrected in zip(
            others, differences, z, p_values, holm(p_values), strict=True
        )
    ]
