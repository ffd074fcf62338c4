"""Budget: how many steps each design is trained for, if a study gives every run the same compute."""

from collections.abc import Mapping
from math import floor
from typing import Any

from .adaptation import adaptation_name, adaptation_recipe
from .compute import Compute, adaptation_compute, training_compute
from .design_on_base import finetuning, model_of
from .model_sizes import Model

COUNTED = {"flops": "operations", "tokens": "tokens"}  # kind of budget -> field of Compute


def design_steps(study: Mapping[str, Any], base: str, design: str) -> int:
    """Return the optimizer steps of a design's runs: `training.steps`, or what the budget allows."""
    if "budget" not in study["training"]:
        return study["training"]["steps"]
    left = run_budget(study, base) - counted(study, compute_of(study, base, design, 0))
    return _steps_within(left, study, base, design)


def tuning_steps(study: Mapping[str, Any], base: str, design: str) -> int:
    """Return the optimizer steps of a design's tuning runs: as many as their share of the budget allows.

    At least one. Adaptations are not counted: all points of the grid start from the same adapted base.
    """
    steps = study["tuning"]["steps"]
    if "budget" not in study["training"]:
        return steps
    return max(1, _steps_within(_share(study, base, steps), study, base, design))


def with_steps(training: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Return a recipe with this many steps and without a budget; the warmup changes in proportion."""
    recipe = {key: value for key, value in training.items() if key != "budget"}
    if steps == recipe["steps"]:
        return recipe
    warmup = -(-recipe["warmup_steps"] * steps // recipe["steps"])
    return recipe | {"steps": steps, "warmup_steps": min(warmup, steps - 1)}


def run_compute(study: Mapping[str, Any], base: str, design: str) -> Compute:
    """Return the compute of one run of a design, and of its adaptation; ValueError as in `compute_of`."""
    return compute_of(study, base, design, design_steps(study, base, design))


def run_budget(study: Mapping[str, Any], base: str) -> float:
    """Return the budget of a run on a base: a number, or the cost of a design with its adaptation.

    Its adaptation is included so that the design keeps its steps.
    """
    _, given = budget_of(study)
    steps = study["training"]["steps"]
    return counted(study, compute_of(study, base, given, steps)) if isinstance(given, str) else given


def _share(study: Mapping[str, Any], base: str, steps: int) -> float:
    """Return the budget of a tuning run of this many steps: the same, without adaptation."""
    _, given = budget_of(study)
    if isinstance(given, str):
        return counted(study, _training(study, base, given, steps))
    return given * steps / study["training"]["steps"]


def budget_of(study: Mapping[str, Any]) -> tuple[str, float | str]:
    """Return the kind of a study's budget, and its value: a number, or the name of a design."""
    ((kind, given),) = study["training"]["budget"].items()
    return kind, given


def counted(study: Mapping[str, Any], compute: Compute) -> float:
    """Return the part of a compute that the study's budget counts: operations or tokens."""
    return getattr(compute, COUNTED[budget_of(study)[0]])


def compute_of(study: Mapping[str, Any], base: str, design: str, steps: int) -> Compute:
    """Return the compute of a run of this many steps, and of its adaptation, if any.

    Raises ValueError if the sizes of the base are not known.
    """
    training, settings = _training(study, base, design, steps), study["designs"][design]
    if "adaptation" not in settings:
        return training
    own, recipe = finetuning(study["bases"][base], {}), adaptation_recipe(study, adaptation_name(settings))
    return training + adaptation_compute(_model(study, base, design).backbone, own, study["training"], recipe)


def _training(study: Mapping[str, Any], base: str, design: str, steps: int) -> Compute:
    return training_compute(_model(study, base, design), study["training"], steps)


def _model(study: Mapping[str, Any], base: str, design: str) -> Model:
    if model := model_of(study, base, design):
        return model
    raise ValueError(f"the sizes of base {base} are not known")


def _steps_within(compute: float, study: Mapping[str, Any], base: str, design: str) -> int:
    """Return the steps that cost at most this much; rounding errors do not cost a step."""
    return floor(round(compute / counted(study, _training(study, base, design, 1)), 6))
