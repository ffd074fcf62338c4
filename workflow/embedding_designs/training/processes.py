"""The processes of one training: how many there are, which is the main one, sums over them, waiting.

accelerate's PartialState joins them. It answers none of the rest here, because it has no sums, and because
TrainingArguments resets it, so that its answers would depend on when they are asked for.
"""

import os
from typing import Any

import torch
import torch.distributed as dist
from accelerate import PartialState

from ..common import gpus


def join() -> None:
    """Join the other processes of this training, if `accelerate launch` started several; take one GPU."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        PartialState(cpu=not torch.cuda.is_available())
    else:
        gpus.choose(1)  # or the Trainer would take all GPUs, with a batch for each


def device() -> str:
    """Return where models run: a CUDA GPU if there is one, otherwise the CPU.

    Raises BadInput if there is a GPU that torch cannot use: training on the CPU would take days.
    """
    if torch.cuda.is_available():
        return "cuda"
    gpus.refuse_unused_ones(torch.__version__)
    return "cpu"


def count() -> int:
    """Return the number of processes that train one model."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if count() > 1 else 0


def is_main() -> bool:
    """Return whether this is the process that writes log, checkpoints and model."""
    return rank() == 0


def sharing() -> str | None:
    """Return "deepspeed" or "fsdp" if the processes share one copy of the training's states."""
    for name in ("deepspeed", "fsdp"):
        if os.environ.get(f"ACCELERATE_USE_{name.upper()}", "false").lower() == "true":
            return name
    return None


def wait() -> None:
    """Return when all processes have reached this point."""
    if count() > 1:
        dist.barrier()


def total(number: Any) -> Any:
    """Return the sum of a number or tensor over all processes, each of which gets it."""
    if count() == 1:
        return number
    result = torch.as_tensor(number, device=device()).clone()
    dist.all_reduce(result)
    return result


def mean(number: torch.Tensor | float) -> torch.Tensor | float:
    """Return the mean of a number over all processes, each of which gets it."""
    return total(number) / count()
