"""Sentences about cost: equal compute, and which designs are efficient."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...common.wording import counted, listing
from ...study.adaptation import adaptations
from ...study.budget import budget_of, run_budget
from ...study.compute import flops_unit
from ..results import Comparison
from ..score_against_cost import ScoreAgainstCost, score_against_cost


def equal_compute(study: Mapping[str, Any], base: str) -> str | None:
    """Return that the runs on a base had equal compute, and how much, or None if they had equal steps."""
    if "budget" not in study.get("training", {}):
        return None
    kind, given = budget_of(study)
    budget = run_budget(study, base)
    size, unit = flops_unit(budget) if kind == "flops" else (1.0, "tokens")
    shown = f"{budget / size:,.3g}" if kind == "flops" else f"{budget:,.0f}"
    steps = counted(study["training"]["steps"], "step")
    as_much = f", as much as {given} costs with {steps}" if isinstance(given, str) else ""
    adapted = ", including the adaptation of its base," if adaptations(study) else ""
    return (
        f"Compute was equal, not the number of steps: each run{adapted} could cost at most {shown} {unit}"
        f"{as_much}."
    )


def cost_sentences(study: Mapping[str, Any], comparison: Comparison) -> list[str]:
    """Return whether compute was equal, and which designs are efficient; comparison: over all tasks."""
    found = score_against_cost(study, comparison)
    meant = "A design is efficient if every other with at least its mean score costs more."
    return [
        *filter(None, [equal_compute(study, comparison.base)]),
        *([f"{efficient_designs(found)} {meant}"] if found else []),
    ]


def efficient_designs(found: Sequence[ScoreAgainstCost]) -> str:
    """Return which designs are efficient: "Efficient: A and B in training; B in encoding."."""
    kinds: dict[str, list[str]] = {}
    for one in found:
        kinds.setdefault(listing(one.efficient), []).append(one.what)
    return f"Efficient: {'; '.join(f'{designs} in {listing(of)}' for designs, of in kinds.items())}."
