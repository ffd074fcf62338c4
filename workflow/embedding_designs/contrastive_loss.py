"""The training loss: Sentence Transformers' in-batch negatives, with all texts of a batch run as one."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor


class InBatchContrastiveLoss(MultipleNegativesRankingLoss):
    """MultipleNegativesRankingLoss that gives the model queries, positives and negatives in one batch.

    The backbone then puts texts of like length together, whichever column they are from, and the pooling
    computes once what does not depend on a text. The loss and its gradients are the same.
    """

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of a batch: one dictionary of input_ids and attention_mask for each column."""
        columns = list(sentence_features)
        width = max(column["attention_mask"].shape[1] for column in columns)
        features = {
            name: torch.cat([F.pad(column[name], (width - column[name].shape[1], 0)) for column in columns])
            for name in ("input_ids", "attention_mask")
        }
        embeddings = self.model(features)["sentence_embedding"]
        sizes = [len(column["attention_mask"]) for column in columns]
        return self.compute_loss_from_embeddings(list(embeddings.split(sizes)), labels)
