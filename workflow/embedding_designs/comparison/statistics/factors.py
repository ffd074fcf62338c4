"""Pooling and attention as factors: main effects, interaction, and simple effects outside a full cross.

`contrasts` finds what the study's designs can estimate. This module estimates and tests it, over tasks for
these checkpoints and over runs for these designs.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from .contrasts import (
    Contrast,
    Cross,
    crossed_effects,
    group_cells,
    largest_cross,
    refusals,
    simple_effects,
    why_no_cross,
)
from .finite import finite
from .mean_squares import f_test
from .pairwise import signed_rank_p
from .quasi_f import crossed_differences, quasi_f
from .ranks import DECIMALS, holm
from .runs import NO_SPREAD, run_variance, stack_runs, why_no_design_claim


@finite
def factor_effects(runs: pd.DataFrame, factors: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Return main effects of pooling and attention and their interaction, and which contrasts are refused.

    factors: the pooling and the attention of each design. crossed: the largest full cross, or None (`reason`
    then says why). anova and aligned_ranks (Wobbrock et al. 2011) use the cross's runs, averaged over tasks,
    and quasi_f treats the tasks as random as well (Clark 1973); they are None with too few runs,
    and `designs_refused` then says why. effects: each difference between two levels, averaged over the other
    factor, and each difference of such differences; simple: pairs of designs that differ in one factor and
    are not both in the cross. For each of them, `checkpoints` is Wilcoxon's test over tasks, `designs` a t
    test over runs, and `designs_and_tasks` a quasi-F with tasks and runs random. The last two use the spread
    of the cross's runs for an effect (so with two levels, they are the tests of its factor) and that of all
    runs for a simple one. p_holm is Holm's correction within the effects of one factor, or within the simple
    ones.
    """
    designs, scores = stack_runs(runs)
    labels = factors.loc[designs]
    cells = group_cells(labels)
    cross = largest_cross(cells)
    unclaimable = why_no_design_claim(runs)
    crossed = cross.designs if cross else []
    inside = scores[[designs.index(name) for name in crossed]]
    effects = [_measure(c, crossed, inside, unclaimable, alpha) for c in crossed_effects(cross)]
    simple = [_measure(c, designs, scores, unclaimable, alpha) for c in simple_effects(cells, cross)]
    for family in ("pooling", "attention", "interaction"):
        _correct([row for row in effects if row["effect"] == family])
    _correct(simple)
    means: Any = (
        inside.mean(axis=2).reshape(len(cross.poolings), len(cross.attentions), -1) if cross else None
    )
    analysed = cross is not None and unclaimable is None
    levels = cross and {"poolings": cross.poolings, "attentions": cross.attentions, "designs": cross.designs}
    return {
        "crossed": levels,
        "anova": _anova(means) if analysed else None,
        "aligned_ranks": _aligned_ranks(means) if analysed else None,
        "quasi_f": _quasi_f(cross, inside) if analysed else None,
        "effects": effects,
        "simple": simple,
        "refused": refusals(labels, cells, cross),
        "designs_refused": unclaimable,
        "reason": None if cross else why_no_cross(cells),
    }


def _measure(
    contrast: Contrast, designs: list[str], scores: np.ndarray, unclaimable: str | None, alpha: float
) -> dict[str, Any]:
    """Return a contrast's estimate with its tests. scores: (designs, seeds, tasks)."""
    weights = contrast.weights(designs)
    over_tasks = (weights @ scores.mean(axis=1)).round(DECIMALS)
    estimate = float(weights @ scores.mean(axis=(1, 2)))
    tested = len(over_tasks) >= 2
    return {
        "effect": contrast.effect,
        "name": contrast.name,
        "plus": contrast.plus,
        "minus": contrast.minus,
        "estimate": estimate,
        "checkpoints": {
            "wins": int((over_tasks > 0).sum()),
            "losses": int((over_tasks < 0).sum()),
            "p": float(signed_rank_p(over_tasks[None])[0]) if tested else None,
        }
        | ({} if tested else {"reason": "With a single task there is nothing to test."}),
        "designs": None if unclaimable else _t_test(estimate, weights, scores.mean(axis=2), alpha),
        "designs_and_tasks": None if unclaimable else _contrast_f(weights, scores),
    }


def _t_test(estimate: float, weights: np.ndarray, means: np.ndarray, alpha: float) -> dict[str, Any]:
    """Return p and interval of a contrast of design means, from the pooled variance of `means`."""
    variance, df = run_variance(means)
    if variance == 0:
        return {"p": None, "low": None, "high": None, "reason": NO_SPREAD}
    error = float(np.sqrt(variance * np.square(weights).sum() / means.shape[1]))
    margin = special.stdtrit(df, 1 - alpha / 2) * error
    p = 2 * special.stdtr(df, -abs(estimate) / error)
    return {"p": float(p), "low": float(estimate - margin), "high": float(estimate + margin)}


def _contrast_f(weights: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Return the quasi-F of a single contrast."""
    test = quasi_f(scores, weights[None] / np.linalg.norm(weights))
    del test["variances"]
    return test


def _quasi_f(cross: Cross | None, scores: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the quasi-F of both factors and their interaction. scores: of the cross's designs."""
    sizes = (len(cross.poolings), len(cross.attentions)) if cross else (1, 1)
    return {name: quasi_f(scores, contrasts) for name, contrasts in crossed_differences(*sizes).items()}


def _correct(rows: list[dict[str, Any]]) -> None:
    """Add p_holm to the tests of one family."""
    for claim in ("checkpoints", "designs", "designs_and_tasks"):
        tests = [row[claim] for row in rows if row[claim]]
        tested = [test for test in tests if test["p"] is not None]
        for test in tests:
            test["p_holm"] = None
        for test, p in zip(tested, holm([test["p"] for test in tested]), strict=True):
            test["p_holm"] = float(p)


def _decompose(means: np.ndarray) -> dict[str, np.ndarray]:
    """Return the estimated effects of (poolings, attentions, seeds), in shapes that broadcast."""
    cell = means.mean(axis=2, keepdims=True)
    pooling, attention = means.mean(axis=(1, 2), keepdims=True), means.mean(axis=(0, 2), keepdims=True)
    grand = means.mean()
    return {
        "pooling": pooling - grand,
        "attention": attention - grand,
        "interaction": cell - pooling - attention + grand,
    }


def _anova(means: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the two-way analysis of variance of the runs' mean scores (poolings, attentions, seeds)."""
    p, a, _ = means.shape
    df = {"pooling": p - 1, "attention": a - 1, "interaction": (p - 1) * (a - 1)}
    error, df2 = run_variance(means.reshape(p * a, -1))
    tests = {}
    for name, effect in _decompose(means).items():
        square = float(np.square(np.broadcast_to(effect, means.shape)).sum())
        share = square / (square + error * df2) if error else None
        tests[name] = f_test(square / df[name], df[name], error, df2, NO_SPREAD)
        tests[name]["partial_eta_squared"] = share
    return tests


def _aligned_ranks(means: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the same three tests by the aligned rank transform (Wobbrock et al. 2011, CHI '11:143).

    For each effect, the other two effects are removed from the runs, the results are ranked, and only that
    effect's F is taken from the analysis of the ranks.
    """
    residuals = means - means.mean(axis=2, keepdims=True)
    tests = {}
    for name, effect in _decompose(means).items():
        ranks = stats.rankdata((residuals + effect).round(12)).reshape(means.shape)
        tests[name] = _anova(ranks)[name]
        del tests[name]["partial_eta_squared"]
    return tests
