"""Checkpoints: whole or not there, written at SIGTERM too; a training that goes on from one ends the same."""

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import Dataset, RandomSampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from ..command import Stopped
from . import processes
from .log import TrainingLog
from .stop_signal import StopSignal

WHOLE = "whole.json"  # written last, so that a checkpoint without it is known to be cut off by a kill


def whole_checkpoint(folder: Path) -> str | None:
    """Return the newest checkpoint that was written to its end, or None; cut-off ones are removed."""
    if processes.is_main():
        for checkpoint in folder.glob("checkpoint-*"):
            if not (checkpoint / WHOLE).exists():
                shutil.rmtree(checkpoint)
    processes.wait()
    return get_last_checkpoint(str(folder))


def train_with_checkpoints(trainer: SentenceTransformerTrainer, log: TrainingLog, folder: Path) -> None:
    """Train to the end, from the newest checkpoint of `folder` if there is one.

    At SIGTERM it writes a checkpoint of the last whole step and raises Stopped.
    """
    with StopSignal() as stop:
        checkpoints = Checkpoints(trainer, log, stop)
        trainer.add_callback(checkpoints)
        trainer.loss.pause = stop.check
        try:
            trainer.train(resume_from_checkpoint=whole_checkpoint(folder))
        except Ended:
            if trainer.args.eval_on_start:
                trainer.evaluate()
        except Stopped as stopped:
            checkpoints.save_last_step()
            step, steps = trainer.state.global_step, trainer.args.max_steps
            raise Stopped(f"{stopped} after step {step} of {steps}; the same command goes on") from None


class Trainer(SentenceTransformerTrainer):
    """Sentence Transformers' Trainer, which can save what DeepSpeed trains."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if self.args.should_save:  # with DeepSpeed all processes come here
            with weights_apart(self.model):
                super()._save(output_dir, state_dict)


@contextlib.contextmanager
def weights_apart(model: torch.nn.Module) -> Iterator[None]:
    """Give each weight memory of its own: DeepSpeed keeps all in one block, which cannot be saved."""
    shared = {
        parameter: parameter.data
        for parameter in model.parameters()
        if parameter.untyped_storage().nbytes() > parameter.nbytes
    }
    for parameter, data in shared.items():
        parameter.data = data.clone()
    yield
    for parameter, data in shared.items():
        parameter.data = data


class Ended(Exception):
    """The checkpoint that training would go on from is that of its last step."""


class Checkpoints(TrainerCallback):
    """Marks a Trainer's checkpoints as whole, and stops the training between two micro-steps.

    Nothing but gradients changes within a step, so that a checkpoint written in the middle of one has the
    state of the step before, once the random state is put back. Beside what the Trainer saves it holds what
    the Trainer forgets: the counts of the log, and the losses since its last line.
    """

    def __init__(self, trainer: SentenceTransformerTrainer, log: TrainingLog, stop: StopSignal):
        self.trainer = trainer
        self.log = log
        self.stop = stop
        self.random_state: dict[str, Any] | None = None  # None: no step has ended in this process

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take over what the checkpoint holds; give each process random numbers of its own."""
        if processes.count() > 1:  # a checkpoint's own are put back at its first batch
            set_seed(args.seed, device_specific=True)
        self.losses, self.logged = self.trainer._tr_loss.clone(), state.global_step
        if state.global_step:
            mark = json.loads((self._folder() / WHOLE).read_text(encoding="utf-8"))
            self.log.go_on_from(mark["counts"])
            self.trainer._tr_loss += mark["losses"]
            self.trainer._globalstep_last_logged = self.logged = mark["logged"]
        if state.global_step >= args.max_steps:  # the Trainer would make one step more
            raise Ended

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Tell the sampler the epoch, which the Trainer does not where it skips batches."""
        sampler = kwargs["train_dataloader"].batch_sampler
        while hasattr(sampler, "batch_sampler"):
            sampler = sampler.batch_sampler
        sampler.set_epoch(int(state.epoch or 0))

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if told to."""
        self.stop.check()

    def on_substep_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if told to."""
        self.stop.check()

    def on_prediction_step(self, *args: Any, **kwargs: Any) -> None:
        """Stop here if told to; the held-out loss is computed again later, its random numbers are drawn."""
        self.random_state = random_state()
        self.stop.check()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Keep what a checkpoint of this step needs."""
        self.random_state = random_state()
        self.losses = self.trainer._tr_loss.clone()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note that the losses so far are in the log."""
        if "loss" in kwargs["logs"]:
            self.losses, self.logged = torch.zeros_like(self.losses), state.global_step

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Keep the random state that the next step begins with."""
        self.random_state = random_state()

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        """Mark the checkpoint as whole; a kill before this leaves it without the mark."""
        mark = {
            "counts": self.log.counts(),
            "losses": float(processes.mean(self.losses)),
            "logged": self.logged,
        }
        processes.wait()  # each process writes a file of its own
        if processes.is_main():
            part = self._folder() / f"{WHOLE}.part"
            part.write_text(json.dumps(mark), encoding="utf-8")
            part.rename(self._folder() / WHOLE)

    def save_last_step(self) -> None:
        """Write a checkpoint of the last whole step, unless there is one, or none has ended."""
        written = (self._folder() / WHOLE).exists()
        processes.wait()
        if written or self.random_state is None:
            return
        set_random_state(self.random_state)
        self.trainer._save_checkpoint(self.trainer.model_wrapped, trial=None)
        self.on_save()

    def _folder(self) -> Path:
        return Path(self.trainer.args.output_dir) / f"checkpoint-{self.trainer.state.global_step}"


class EpochSampler(DefaultBatchSampler):
    """Batches of a random order that depends on nothing but the seed and the epoch.

    Sentence Transformers' own sampler gives a resumed training the order of the first epoch again.
    """

    def __init__(self, dataset: Dataset, *, generator: torch.Generator, **settings: Any):
        super().__init__(RandomSampler(dataset, generator=generator), generator=generator, **settings)

    def __iter__(self):
        """Yield the batches of the epoch: the orders of earlier epochs are drawn first."""
        self.generator.manual_seed(self.seed)
        for _ in range(self.epoch):
            for _ in self.sampler:
                pass
        yield from super().__iter__()


def random_state() -> dict[str, Any]:
    """Return the state of all sources of random numbers of this process."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put a random state back."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["cpu"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
