"""Out of memory in training: one line that says what to lower."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from ..common.errors import BadInput, reason

LOWERED = ("batch_size", "mini_batch_size", "max_seq_length")  # settings that memory use grows with


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
