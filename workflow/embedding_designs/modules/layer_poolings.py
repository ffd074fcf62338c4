"""Poolings without attention over one token state of each layer."""

from typing import Any

import torch
from torch import Tensor, nn

from .pooling import Pooling


class MeanLayersPooling(Pooling):
    """The mean over the layers of one token state each: more layers, and nothing trained.

    layers: numbers, from 1, of the layers that are read.
    """

    config_keys = [*Pooling.config_keys, "layers"]
    reads_layers = True

    def __init__(self, dimension: int, tokens: str, layers: list[int]):
        super().__init__(dimension, tokens)
        self.layers = layers

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["layer_embeddings"] (batch, layers, dim)."""
        return features["layer_embeddings"].mean(dim=1)


class LayerMixPooling(MeanLayersPooling):
    """A learned mix over the layers of one token state each: gamma sum_j s_j h_j, s = softmax(scores).

    ELMo (Peters et al. 2018, arXiv 1802.05365), section 3.2, equation 1; here without the embedding layer,
    its j = 0. It begins as the mean over the layers. The L2 normalisation that follows undoes gamma's size.
    """

    def __init__(self, dimension: int, tokens: str, layers: list[int]):
        super().__init__(dimension, tokens, layers)
        self.scores = nn.Parameter(torch.zeros(len(layers)))
        self.gamma = nn.Parameter(torch.ones(1))

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["layer_embeddings"] (batch, layers, dim)."""
        states = features["layer_embeddings"].to(self.scores.dtype)
        shares = self.scores.softmax(dim=0).unsqueeze(-1)  # (layers, 1)
        return self.gamma * (shares * states).sum(dim=1)
