"""Too little memory for a training: one line, before it starts or when it runs out, says what to lower."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from ..common import machine
from ..common.errors import BadInput, reason
from ..study.design_on_base import model_on
from ..study.memory import training_on_cpu
from ..study.model_sizes import backbone_of
from ..study.run_config import RunConfig
from . import processes

TEXTS = ("query", "positive", "negative")
SMALLER: list[dict[str, Any]] = [  # settings that leave the update as it is, the cheapest first
    {"gradient_checkpointing": True},
    *({"mini_batch_size": size} for size in (16, 4, 1)),
    {"gradient_checkpointing": True, "mini_batch_size": 1},
]
LESS = {
    "training": "set or lower training.mini_batch_size",
    "adaptation": "lower adaptation.batch_size, set training.gradient_checkpointing: true",
}  # by the key of the recipe
LOWERED = ("batch_size", "mini_batch_size", "max_seq_length")  # settings that memory use grows with


def check_memory(config: RunConfig, folder: Path | None, rows: Dataset) -> None:
    """Raise BadInput if a training on the CPU takes more memory than this machine has, by its computed size.

    folder: of the base, or None if it is not on this machine; rows: of the training data, whose lengths count
    if they are below `max_seq_length`. A base of unknown sizes is not checked.
    """
    backbone = None if torch.cuda.is_available() else backbone_of(config.base, folder)
    if backbone is None:
        return
    model, number, there = model_on(backbone, config.base, config.design), processes.count(), available()
    length = min(config.training["max_seq_length"], usual_tokens(rows))
    recipe = {**config.training, "max_seq_length": length}
    needed = training_on_cpu(model, recipe, number)
    if needed <= there:
        return
    fitting = [advice for advice in SMALLER if training_on_cpu(model, {**recipe, **advice}, number) <= there]
    settings = " and ".join(
        f"training.{key}: {str(value).lower()}" for key, value in (fitting or [{}])[0].items()
    )
    raise BadInput(
        f"{config.run} on {config.base['name']}: training needs {needed / 1e9:.1f} GB of memory, but only"
        f" {there / 1e9:.1f} GB are available; {f'set {settings}' if settings else 'choose a smaller base'}"
    )


def available() -> float:
    """Return the bytes of memory that each process of this training may use."""
    return machine.memory_mb() * 1e6 / processes.count()


def usual_tokens(rows: Dataset) -> int:
    """Return a number of tokens that 90 % of the first texts do not exceed: three bytes each, or more."""
    columns = [column for column in TEXTS if column in rows.column_names]
    sizes = sorted(len(text.encode()) for row in rows.select(range(min(1000, len(rows))))
                   for text in (row[column] for column in columns))  # fmt: skip
    return 2 + sizes[len(sizes) * 9 // 10] // 3


@contextlib.contextmanager
def memory_for(recipe: dict[str, Any], key: str = "training") -> Iterator[None]:
    """Raise BadInput if a training with the recipe of this key runs out of memory, on a GPU or on the CPU."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if type(error) is RuntimeError and "can't allocate memory" not in str(error):
            raise
        used = ", ".join(f"{key} {recipe[key]}" for key in LOWERED if recipe.get(key))
        raise BadInput(
            f"out of memory ({used}): {LESS[key]}, lower training.max_seq_length, or use more GPUs;"
            f" {reason(error, 150)}"
        ) from error
