"""Sentence Transformers' Trainer that stops at numbers that are not finite and can save under DeepSpeed.

All use of the Trainer's private names is in this file; tests/training/test_private_names.py lists them.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss
from torch import Tensor
from torch.utils.data import BatchSampler

from ..common.errors import BadInput
from . import processes
from .homogeneous_sampler import HomogeneousSampler
from .model import separate_storage
from .sampler import EpochSampler


class Diverged(BadInput):
    """A loss, gradient norm, weight or embedding of a training is not finite."""


class Trainer(SentenceTransformerTrainer):
    """Raises Diverged at the step whose loss, gradient norm, weights or held-out loss are not finite.

    run: what messages call the training; recipe: the key of its recipe; sources: the source of each training
    row, if batches come from one source each. Loss and gradients are checked once per optimizer step, when
    the CPU waits for the GPU; weights and embeddings before a checkpoint is written, and at the end.
    """

    def __init__(
        self,
        *args: Any,
        run: str,
        sources: Sequence[Any] | None = None,
        recipe: str = "training",
        **settings: Any,
    ):
        super().__init__(*args, **settings)
        self.run = run
        self.recipe = recipe
        self.sources = sources
        self.rate = 0.0  # of the last step

    def _get_grad_norm(self, model: torch.nn.Module, grad_norm: Tensor | float | None = None):
        """Return the norm of the step's gradients; the Trainer asks for it before each update."""
        norm = super()._get_grad_norm(model, grad_norm)
        self.rate = self.optimizer.param_groups[0]["lr"]
        known = torch.as_tensor(0.0 if norm is None else norm)  # None: before DeepSpeed's first
        numbers = processes.total(torch.stack([self._tr_loss, known.to(self._tr_loss)])).tolist()
        for name, number in zip(("loss", "gradient norm"), numbers, strict=True):
            if not math.isfinite(number):
                raise self._diverged(f"the {name}", self.state.global_step + 1)
        return norm

    def get_batch_sampler(self, dataset: Dataset, **settings: Any) -> BatchSampler | None:
        """Return the batches of the recipe; held-out rows may share texts, or too few would be left."""
        if dataset is self.eval_dataset:
            return EpochSampler(dataset, **settings)
        if self.sources is not None:
            return HomogeneousSampler(dataset, self.sources, self.args.batch_sampler, **settings)
        return super().get_batch_sampler(dataset, **settings)

    def evaluate(self, *args: Any, **settings: Any) -> dict[str, float]:
        """Return the held-out loss."""
        metrics = super().evaluate(*args, **settings)
        if not math.isfinite(metrics["eval_loss"]):
            raise self._diverged("the held-out loss", self.state.global_step)
        return metrics

    @property
    def inner_loss(self) -> Any:
        """Return the loss; if it is a Matryoshka loss, the one that it averages over sizes."""
        return self.loss.loss if isinstance(self.loss, MatryoshkaLoss) else self.loss

    def check_end(self) -> None:
        """Raise BadInput if the training ended early, and Diverged if its weights are not finite."""
        step, steps = self.state.global_step, self.args.max_steps
        if step < steps:
            raise BadInput(f"{self.run}: the training ended after step {step} of {self.recipe}.steps {steps}")
        self._check_model()

    def _save_checkpoint(self, *args: Any, **settings: Any) -> None:
        self._check_model()
        super()._save_checkpoint(*args, **settings)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if self.args.should_save:  # with DeepSpeed all processes come here
            with separate_storage(self.model):
                super()._save(output_dir, state_dict)

    def save_checkpoint(self) -> None:
        """Write a checkpoint of the current state to the folder of its step."""
        self._save_checkpoint(self.model_wrapped, trial=None)

    @property
    def unlogged_loss(self) -> Tensor:
        """Return a copy of the sum of the losses since the log's last line, which no checkpoint holds."""
        return self._tr_loss.clone()

    def restore_unlogged(self, loss: float, logged: int) -> None:
        """Put back the sum of the losses since the step `logged`, which was the last to be logged."""
        self._tr_loss += loss
        self._globalstep_last_logged = logged

    def _check_model(self) -> None:
        """Raise Diverged if a weight is not finite, or so large that an embedding is not."""
        if name := not_finite(self.model):
            raise self._diverged(f"the weight {name}", self.state.global_step)
        training = self.model.training
        embedding = self.model.encode("a text", convert_to_tensor=True, show_progress_bar=False)
        self.model.train(training)
        if not embedding.isfinite().all():
            raise self._diverged("the embedding of a text", self.state.global_step)

    def _diverged(self, what: str, step: int) -> Diverged:
        made = f"step {step} of {self.args.max_steps}, learning rate {self.rate:g}"
        return Diverged(f"{self.run}: {what} is not finite at {made}; lower {self.recipe}.learning_rate")


def not_finite(model: torch.nn.Module) -> str | None:
    """Return the name of the first parameter with a number that is not finite, or None."""
    largest = torch.nn.utils.get_total_norm([weight.detach() for weight in model.parameters()], math.inf)
    if math.isfinite(largest):
        return None
    return next(name for name, weight in model.named_parameters() if not weight.isfinite().all())
