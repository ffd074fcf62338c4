"""The poolings by the name that a study gives them, and the concatenation of two of them."""

from typing import Any

import torch
from torch import Tensor

from .first_dimensions import FirstDimensions
from .latent_attention import LatentAttentionPooling
from .layer_poolings import LayerMixPooling, MeanLayersPooling
from .pooling import TOKEN_POOLINGS, Pooling
from .token_poolings import (
    ContextualPooling,
    EosPooling,
    LastTokensPooling,
    LearnedQueryPooling,
    MaxPooling,
    MeanPooling,
    WeightedMeanPooling,
)
from .trainable_pooling import LastLayerPooling, MultiLayerPooling

# FirstDimensions is here so that a re-saved model has the files of all its modules.
__all__ = ["POOLINGS", "TOKEN_POOLINGS", "FirstDimensions", "Pooling", "pooling_of"]


class ConcatenatedPooling(Pooling):
    """The embeddings of two poolings, one after the other, as Sentence Transformers' Pooling joins its modes.

    first, second: their settings, including the kind. In the cosine similarity, each is weighted by the
    product of its two embeddings' norms, so a pooling with larger states counts more.
    """

    config_keys = ["dimension", "first", "second"]

    def __init__(self, dimension: int, first: dict[str, Any], second: dict[str, Any]):
        super().__init__(dimension, tokens="all")
        self.first, self.second = first, second
        self.parts = torch.nn.ModuleList(pooling_of(settings, dimension) for settings in (first, second))

    def get_embedding_dimension(self) -> int:
        """Return the dimension of the embeddings: that of both poolings together."""
        return len(self.parts) * self.dimension

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, 2 * dim) from what the two poolings read."""
        return torch.cat([part.pool(features) for part in self.parts], dim=-1)


def pooling_of(settings: dict[str, Any], dimension: int) -> Pooling:
    """Return a new pooling of states of this dimension, from a design's settings with its kind."""
    own = dict(settings)
    return POOLINGS[own.pop("kind")](dimension=dimension, **own)


POOLINGS: dict[str, type[Pooling]] = {
    "eos": EosPooling,
    "contextual": ContextualPooling,
    "mean": MeanPooling,
    "weighted_mean": WeightedMeanPooling,
    "max": MaxPooling,
    "last_k": LastTokensPooling,
    "learned_query": LearnedQueryPooling,
    "last_layer": LastLayerPooling,
    "latent_attention": LatentAttentionPooling,
    "mean_layers": MeanLayersPooling,
    "layer_mix": LayerMixPooling,
    "multi_layer": MultiLayerPooling,
    "concat": ConcatenatedPooling,
}
