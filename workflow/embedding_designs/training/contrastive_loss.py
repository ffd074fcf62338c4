"""The training loss: Sentence Transformers' in-batch negatives, with all texts of a batch run together."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.losses.gradcache import CachedLossMixin
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from torch import Tensor

from ..modules.contextual import IDS, MASK
from . import processes

FEATURES = ("input_ids", "attention_mask", "pooling_mask", IDS, MASK)  # (texts, tokens) each


def contrastive_loss(model: SentenceTransformer, recipe: dict[str, Any]) -> "InBatchContrastiveLoss":
    """Return the loss of a recipe: `mini_batch_size` limits how many texts' activations are kept."""
    if size := recipe.get("mini_batch_size"):
        return CachedInBatchContrastiveLoss(model, recipe["scale"], size)
    return InBatchContrastiveLoss(model, recipe["scale"])


def over_dimensions(
    loss: "InBatchContrastiveLoss", dimensions: Sequence[int]
) -> "InBatchContrastiveLoss | MatryoshkaLoss":
    """Return the mean of a loss over embeddings of several sizes, or the loss itself for fewer than two.

    Sentence Transformers' default is the sum, which would change the effective learning rate, and the
    held-out loss that a collapse is recognized by.
    """
    if len(dimensions) < 2:
        return loss
    return MatryoshkaLoss(loss.model, loss, dimensions, [1 / len(dimensions)] * len(dimensions))


class InBatchContrastiveLoss(MultipleNegativesRankingLoss):
    """MultipleNegativesRankingLoss that runs queries, positives and negatives in one batch.

    The backbone then runs texts of similar length together, whichever column they are from, and the pooling
    computes once what does not depend on a text. The loss and its gradients are the same.

    Each of several processes has its share of the queries; the documents of all are gathered, with gradients.
    The mean of the processes' losses, and of their gradients, is that of one process with all the queries.
    """

    pause: Callable[[], None] = staticmethod(lambda: None)  # called at points where a training can be stopped

    def __init__(self, model: SentenceTransformer, scale: float):
        super().__init__(model, scale, gather_across_devices=processes.count() > 1)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of a batch: one dictionary of input_ids and attention_mask for each column."""
        columns = list(sentence_features)
        embeddings = self.model(one_batch(columns))["sentence_embedding"]
        return self.of_embeddings(embeddings, columns)

    def of_embeddings(self, embeddings: Tensor, columns: list[dict[str, Tensor]]) -> Tensor:
        """Return the loss, given the embeddings of all columns, concatenated, (texts, dim)."""
        sizes = [len(column["attention_mask"]) for column in columns]
        loss = self.compute_loss_from_embeddings(list(embeddings.split(sizes)), None)
        return loss if torch.is_grad_enabled() else processes.mean(loss)


class CachedInBatchContrastiveLoss(CachedLossMixin, InBatchContrastiveLoss):
    """The same loss and gradients (GradCache, arXiv 2101.06983), in the memory of `mini_batch_size` texts.

    All texts are embedded without gradients first; then, with the gradients of all embeddings known, they are
    embedded again, with the same dropout, in mini-batches of texts of similar length.
    """

    def __init__(self, model: SentenceTransformer, scale: float, mini_batch_size: int):
        super().__init__(model, scale)
        self.mini_batch_size = mini_batch_size

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of a batch: one dictionary of input_ids and attention_mask for each column."""
        self.columns = list(sentence_features)
        features = one_batch(self.columns)
        order = features["attention_mask"].sum(dim=1).sort(stable=True).indices
        self.places = order.argsort()  # of the texts among the sorted ones
        return self.forward_cached([{name: value[order] for name, value in features.items()}])

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Return the loss, given the mini-batches' embeddings; with_backward: compute their gradients."""
        loss = self.of_embeddings(torch.cat(reps[0])[self.places], self.columns)
        if with_backward:
            loss.backward()
        return loss.detach()

    def embed_minibatch(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        """Return a mini-batch's embeddings and random state."""
        self.pause()
        return super().embed_minibatch(*args, **kwargs)


def one_batch(columns: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the texts of all columns, concatenated, each feature padded on the left to one width."""
    return {name: _joined([column[name] for column in columns]) for name in FEATURES if name in columns[0]}


def _joined(parts: list[Tensor]) -> Tensor:
    width = max(part.shape[1] for part in parts)
    return torch.cat([F.pad(part, (width - part.shape[1], 0)) for part in parts])
