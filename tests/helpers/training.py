"""Runs trainings for tests: in this process, as a command, or stopped in the middle."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import torch
from sentence_transformers import SentenceTransformer

from embedding_designs.common.errors import Stopped
from embedding_designs.common.json_files import write_json
from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss
from embedding_designs.training.train_run import train_run

from .paths import WORKFLOW

Triplets = tuple[Path, Path]  # train.parquet, heldout.parquet


def train(config: RunConfig, base: Path | str, triplets: Triplets, folder: Path) -> SentenceTransformer:
    """Return the trained model; its checkpoints and log.jsonl are in the folder."""
    folder.mkdir(exist_ok=True)
    return train_run(config, str(base), *triplets, folder, folder / "log.jsonl")


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of the model's weights."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def same_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Return whether two models have bitwise identical weights."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def train_command(config: RunConfig, base: Path, triplets: Triplets, folder: Path, *launch: str) -> list[str]:
    """Return the command that trains a model in a folder; launch: the launcher's options, if it is used."""
    write_json(folder / "config.json", config.to_json())
    module = "embedding_designs.training.launch" if launch else "embedding_designs.training.train_design"
    return [
        *[sys.executable, "-m", module, *launch, *["train_design"] * bool(launch)],
        *[str(folder / "config.json"), "--train", str(triplets[0]), "--heldout", str(triplets[1])],
        *["--base", str(base), "--checkpoints", str(folder / "checkpoints")],
        *["--output", str(folder / "model"), "--training-log", str(folder / "training.jsonl")],
    ]


def environment() -> dict[str, str]:
    """Return the environment of a training command."""
    return {
        **os.environ,
        "PYTHONPATH": f"{WORKFLOW}:{Path(__file__).parents[1]}",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


def send_sigterm() -> None:
    """Send SIGTERM to this process."""
    os.kill(os.getpid(), signal.SIGTERM)


def stop_at_once() -> None:
    """Stop the training here, not at the next check for a signal."""
    raise Stopped("by a test")


class StoppingLoss(InBatchContrastiveLoss):
    """Stops the training in the n-th call, counting training and held-out batches."""

    def __init__(self, model: SentenceTransformer, scale: float, call: int, stop: Callable[[], None]):
        super().__init__(model, scale)
        self.calls, self.call, self.stop = 0, call, stop

    def forward(self, *arguments):
        self.calls += 1
        if self.calls == self.call:
            self.stop()
        return super().forward(*arguments)


@contextlib.contextmanager
def stopped_in(call: int, stop: Callable[[], None] = send_sigterm) -> Iterator[None]:
    """Make trainings in this context stop in the n-th call of their loss."""
    with patch(
        "embedding_designs.training.train_run.contrastive_loss",
        lambda model, recipe: StoppingLoss(model, recipe["scale"], call, stop),
    ):
        yield
