"""Which designs are efficient: mean score against the compute of a training, and of encoding a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..study.budget import run_compute
from ..study.compute import encoding_operations
from ..study.design_on_base import model_of
from .results import Comparison


@dataclass(frozen=True)
class ScoreAgainstCost:
    """What the designs of a base cost, in FLOPs, and which of them are efficient, the cheapest first.

    what: "training" (one run with its adaptation) or "encoding" (one text of `tokens` tokens).
    """

    what: str
    costs: dict[str, float]
    efficient: list[str]
    tokens: int


def score_against_cost(study: Mapping[str, Any], comparison: Comparison) -> list[ScoreAgainstCost]:
    """Return the kinds of cost in which the designs of a base differ by design, not by a budget.

    comparison: over all tasks. Empty if the study trains nothing, or the sizes of the base are not known.
    """
    base, designs = comparison.base, comparison.designs
    training = training_costs(study, base, designs)
    if not training:
        return []
    costs = {"encoding": encoding_costs(study, base, designs)}
    if "flops" not in study["training"].get("budget", {}):  # then equal, but for the last step's remainder
        costs = {"training": training, **costs}
    tokens = study["evaluation"]["max_seq_length"]
    return [
        ScoreAgainstCost(what, of_kind, efficient(of_kind, comparison.mean_scores), tokens)
        for what, of_kind in costs.items()
    ]


def training_costs(study: Mapping[str, Any], base: str, designs: Sequence[str]) -> dict[str, float]:
    """Return the FLOPs of one run of each design, its adaptation included.

    Empty if the study trains nothing, or the sizes of the base are not known.
    """
    if base not in study.get("bases", {}) or not model_of(study, base, designs[0]):
        return {}
    return {design: run_compute(study, base, design).operations for design in designs}


def encoding_costs(study: Mapping[str, Any], base: str, designs: Sequence[str]) -> dict[str, float]:
    """Return the FLOPs of encoding a document of `evaluation.max_seq_length` tokens with each design."""
    tokens = study["evaluation"]["max_seq_length"]
    models = [(design, model_of(study, base, design)) for design in designs]
    return {design: encoding_operations(model, tokens, "document") for design, model in models if model}


def efficient(costs: Mapping[str, float], scores: Mapping[str, float]) -> list[str]:
    """Return the designs that no other one beats, the cheapest first.

    One beats another if it costs at most as much and is at least as good, and is not equal in both.
    """

    def beats(one: str, other: str) -> bool:
        differ = (costs[one], scores[one]) != (costs[other], scores[other])
        return costs[one] <= costs[other] and scores[one] >= scores[other] and differ

    kept = [design for design in costs if not any(beats(other, design) for other in costs)]
    return sorted(kept, key=costs.__getitem__)
