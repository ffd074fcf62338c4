"""Checks a loaded language model's weights, and removes references to code from its settings."""

from collections.abc import Collection, Sequence
from typing import Any

from torch import nn


def refuse_drawn_weights(
    model: str, missing: Collection[str], mismatched: Collection[tuple[str, Sequence[int], Sequence[int]]]
) -> None:
    """Raise ValueError that names weights that were drawn because they are missing or of another shape."""
    if missing:
        raise ValueError(f"its safetensors lack {len(missing)} tensors of {model}: {some(sorted(missing))}")
    shapes = [f"{name} {list(there)}, not {list(needed)}" for name, there, needed in sorted(mismatched)]
    if shapes:
        raise ValueError(f"{len(shapes)} of its tensors do not fit its config.json: {some(shapes)}")


def refuse_numbers_that_are_not_finite(model: nn.Module) -> None:
    """Raise ValueError that names the first tensor that is not finite."""
    for name, weights in model.state_dict().items():
        if not weights.isfinite().all():
            raise ValueError(f"its tensor {name} has numbers that are not finite")


def some(names: Sequence[str], count: int = 3) -> str:
    """Return the first names of a list, for a message."""
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def keep_code_references(model: nn.Module, tokenizer: Any, kept: Sequence[str]) -> None:
    """Remove references to Python code (`auto_map`) from a model's settings, except for `kept` classes.

    Their code is saved beside the weights; other code would come from a hub model's newest revision.
    """
    configs = [model.config, *(getattr(model.config, name, None) for name in model.config.sub_configs)]
    for settings in [*(vars(config) for config in configs if config is not None), tokenizer.init_kwargs]:
        references = settings.pop("auto_map", None) or {}
        if references := {name: references[name] for name in kept if name in references}:
            settings["auto_map"] = references
