"""Too little memory for a training: one line, before it starts or when it runs out, says what to lower."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..common import machine
from ..common.errors import BadInput, reason
from ..study.memory import model_on, training_on_cpu
from ..study.model_sizes import backbone_of
from ..study.run_config import RunConfig

LOWERED = ("batch_size", "mini_batch_size", "max_seq_length")  # settings that memory use grows with


def check_memory(config: RunConfig, folder: Path | None) -> None:
    """Raise BadInput if a training on the CPU takes more memory than this machine has, by its computed size.

    folder: of the base, or None if it is not on this machine. A base of unknown sizes is not checked.
    """
    backbone = None if torch.cuda.is_available() else backbone_of(config.base, folder)
    if backbone is None:
        return
    model, recipe = model_on(backbone, config.base, config.design), config.training
    needed, there = training_on_cpu(model, recipe), machine.memory_mb() * 1e6
    if needed <= there:
        return
    smaller = [
        {**recipe, "gradient_checkpointing": True},
        *({**recipe, "mini_batch_size": size} for size in (16, 4, 1)),
    ]
    fitting = [tried for tried in smaller if training_on_cpu(model, tried) <= there]
    advice = _setting(fitting[0], recipe) if fitting else "choose a smaller base"
    raise BadInput(
        f"{config.run} on {config.base['name']}: training takes {needed / 1e9:.0f} GB of memory, and jobs may"
        f" use {there / 1e9:.0f} GB of this machine's: {advice}"
    )


def _setting(changed: dict[str, Any], recipe: dict[str, Any]) -> str:
    (key,) = (key for key in changed if changed[key] != recipe.get(key))
    return f"set training.{key}: {str(changed[key]).lower()}"


@contextlib.contextmanager
def memory_for(recipe: dict[str, Any]) -> Iterator[None]:
    """Raise BadInput if a training with this recipe runs out of memory, on a GPU or on the CPU."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if type(error) is RuntimeError and "can't allocate memory" not in str(error):
            raise
        used = ", ".join(f"{key} {recipe[key]}" for key in LOWERED if recipe.get(key))
        raise BadInput(
            f"out of memory ({used}): set or lower training.mini_batch_size, lower"
            f" training.max_seq_length, or use more GPUs; {reason(error, 150)}"
        ) from error
