"""Checkpoints: verified before use, also written at SIGTERM; resumed training gives the same weights."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..common.atomic_writes import sync
from ..common.errors import Stopped
from ..common.json_files import read_json
from . import processes
from .checkpoint_files import COMPLETE, complete_checkpoint, mark_complete
from .log import TrainingLog
from .stop_signal import StopSignal
from .trainer import Trainer


def train_with_checkpoints(trainer: Trainer, log: TrainingLog, folder: Path) -> None:
    """Train to the end, from the newest checkpoint of `folder` if there is one.

    At SIGTERM it writes a checkpoint of the last completed step and raises Stopped.
    """
    with StopSignal() as stop:
        checkpoints = Checkpoints(trainer, log, stop)
        trainer.add_callback(checkpoints)
        trainer.inner_loss.pause = stop.check
        try:
            trainer.train(resume_from_checkpoint=complete_checkpoint(folder))
        except Ended:
            if trainer.args.eval_on_start:
                trainer.evaluate()
        except Stopped as stopped:
            checkpoints.save_last_step()
            step, steps = trainer.state.global_step, trainer.args.max_steps
            raise Stopped(f"{stopped} after step {step} of {steps}; run the same command to resume") from None


class Ended(Exception):
    """The checkpoint to resume from is that of the last step, so that no training is left."""


class Checkpoints(TrainerCallback):
    """Marks a Trainer's checkpoints as complete, and stops the training between two micro-steps.

    Only gradients change within a step, so a checkpoint written in the middle of one has the state of the
    step before, once the random state is restored. Beside what the Trainer saves it holds what the Trainer
    forgets: the counts of the log, and the losses since its last line.
    """

    def __init__(self, trainer: Trainer, log: TrainingLog, stop: StopSignal):
        self.trainer = trainer
        self.log = log
        self.stop = stop
        self.random_state: dict[str, Any] | None = None  # None: no step has ended in this process

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Restore what the checkpoint holds; give each process its own random numbers."""
        if processes.count() > 1:  # the Trainer restores a checkpoint's at the first batch
            set_seed(args.seed, device_specific=True)
        self.losses, self.logged = self.trainer.unlogged_loss, state.global_step
        if state.global_step:
            mark = read_json(self._folder() / COMPLETE)
            self.log.resume_from(mark["counts"])
            self.logged = mark["logged"]
            self.trainer.restore_unlogged(mark["losses"], self.logged)
        if state.global_step >= args.max_steps:  # the Trainer would take one more step
            raise Ended

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the sampler's epoch, which the Trainer does not do when it skips batches."""
        sampler = kwargs["train_dataloader"].batch_sampler
        while hasattr(sampler, "batch_sampler"):
            sampler = sampler.batch_sampler
        sampler.set_epoch(int(state.epoch or 0))

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if asked to."""
        self.stop.check()

    def on_substep_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if asked to."""
        self.stop.check()

    def on_prediction_step(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if asked to; the held-out loss is computed again later, from the same random state."""
        self.random_state = random_state()
        self.stop.check()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Keep what a checkpoint of this step needs."""
        self.random_state = random_state()
        self.losses = self.trainer.unlogged_loss

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note that the losses so far are in the log."""
        if "loss" in kwargs["logs"]:
            self.losses, self.logged = torch.zeros_like(self.losses), state.global_step

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Keep the random state that the next step starts with."""
        self.random_state = random_state()

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        """Mark the checkpoint as complete; a kill before this leaves it without the mark."""
        mark = {
            "counts": self.log.counts(),
            "losses": float(processes.mean(self.losses)),
            "logged": self.logged,
        }
        processes.wait()  # each process writes its own file
        if processes.is_main():
            sync(self.log.path)
            mark_complete(self._folder(), mark)
        processes.wait()  # a launcher ends all processes when the first one leaves

    def save_last_step(self) -> None:
        """Write a checkpoint of the last completed step, unless there is one, or no step was completed."""
        written = (self._folder() / COMPLETE).exists()
        processes.wait()
        if written or self.random_state is None:
            return
        set_random_state(self.random_state)
        self.trainer.save_checkpoint()
        self.on_save()

    def _folder(self) -> Path:
        return Path(self.trainer.args.output_dir) / f"checkpoint-{self.trainer.state.global_step}"


def random_state() -> dict[str, Any]:
    """Return the state of all sources of random numbers of this process."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Restore a random state."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["cpu"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
