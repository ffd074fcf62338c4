"""Checks the budget of a study: its value, and whether it is enough for every design."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.json_files import is_number
from ..common.near_names import nearest
from ..common.wording import listing
from .base_folder import kind_of
from .budget import COUNTED, budget_of, compute_of, counted, design_steps, run_budget
from .encoders import models_of
from .model_sizes import backbone_of
from .yaml_file import plain_value

KEY = "training.budget"
MOST = 10_000_000  # steps, as for training.steps
UNITS = {"flops": "FLOPs", "tokens": "tokens"}


def complete_and_check_budget(study: dict[str, Any]) -> Iterator[str]:
    """Make a number that the command line gave as text a number, and yield one line for each problem."""
    budget = study["training"].get("budget")
    if budget is None:
        return
    if len(budget) != 1:
        yield f"{KEY} must have exactly one of {listing([*COUNTED])}"
        return
    kind, given = budget_of(study)
    if isinstance(given, str) and given not in study["designs"]:
        given = budget[kind] = plain_value(given)
        if not is_number(given):
            hint = nearest(given, study["designs"])
            yield f'{KEY}.{kind} "{given}" is neither a number nor a design of this study; {hint}'
            return
    if not isinstance(given, str) and given <= 0:
        yield f"{KEY}.{kind} {given} must be greater than 0"
        return
    if "warmup_steps" in study.get("tuning", {}).get("grid", {}):
        yield f"tuning.grid.warmup_steps does not fit {KEY}, which sets the warmup of each design"
    for name, settings in models_of(study).items():
        if not backbone_of(settings):
            yield (f"{KEY} needs the sizes of {kind_of(settings)} {name}, which are not known; add them to "
                   f"workflow/embedding_designs/study/base_sizes.csv, or remove {KEY}")  # fmt: skip
            return
    for base in study["bases"]:
        yield from _check_steps(study, base)


def _check_steps(study: Mapping[str, Any], base: str) -> Iterator[str]:
    """Yield one line for each design whose steps are too few or too many."""
    for design in study["designs"]:
        steps = design_steps(study, base, design)
        if steps < 1:
            yield _too_small(study, base, design)
        elif steps > MOST:
            yield f"{KEY} gives {design} {steps:.3g} steps (base {base}); at most {MOST:,} are allowed"


def _too_small(study: Mapping[str, Any], base: str, design: str) -> str:
    kind, _ = budget_of(study)
    fixed, least = (counted(study, compute_of(study, base, design, steps)) for steps in (0, 1))
    adaptation = f", {_shown(kind, fixed)} of them for its adaptation" if fixed else ""
    return (
        f"{KEY}.{kind}: {design} with a single step costs {_shown(kind, least)} {UNITS[kind]}{adaptation}, "
        f"more than the budget of {_shown(kind, run_budget(study, base))} (base {base}); raise the budget"
        f"{f' or lower designs.{design}.adaptation.steps' if fixed else ''}"
    )


def _shown(kind: str, count: float) -> str:
    return f"{count:.3g}" if kind == "flops" else f"{count:,.0f}"
