"""Poolings over the tokens of the last layer with no weights, or a single learned vector."""

from typing import Any

import torch
from torch import Tensor, nn

from .pooling import TOKEN_POOLINGS, Pooling, mean_token, pooled_tokens


class TokenPooling(Pooling):
    """A pooling without weights over the tokens of the last layer."""

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        pool_tokens = TOKEN_POOLINGS[self.tokens]
        return pool_tokens(features["token_embeddings"], pooled_tokens(features))


class EosPooling(TokenPooling):
    """The last layer's state of the last token, which is EOS (design 1 of arXiv 2409.02727)."""


class ContextualPooling(TokenPooling):
    """The last layer's state of the contextual token, which other poolings leave out.

    Causal2Vec (arXiv 2507.23386) concatenates it with the state of EOS.
    """

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        return TOKEN_POOLINGS[self.tokens](features["token_embeddings"], features["attention_mask"])


class MeanPooling(TokenPooling):
    """The mean of the last layer's token states."""


class WeightedMeanPooling(TokenPooling):
    """The position-weighted mean of the last layer's token states: later tokens, which saw more, count more.

    SGPT (Muennighoff 2022, arXiv 2202.08904), section 4.1.1: v = sum_i w_i h_i with w_i = i / sum_i i.
    """


class MaxPooling(TokenPooling):
    """The maximum over the last layer's token states, dimension by dimension.

    InferSent (Conneau et al. 2017, arXiv 1705.02364), section 3.2.2; SBERT's MAX (arXiv 1908.10084).
    """


class LastTokensPooling(Pooling):
    """The mean of the last layer's states of the last k tokens, including EOS; of all if there are fewer."""

    config_keys = [*Pooling.config_keys, "k"]

    def __init__(self, dimension: int, tokens: str, k: int):
        super().__init__(dimension, tokens)
        self.k = k

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        mask = pooled_tokens(features).long()
        from_the_end = mask.flip(1).cumsum(dim=1).flip(1)  # 1 for the last token, 2 for the one before, …
        return mean_token(features["token_embeddings"], mask * (from_the_end <= self.k))


class LearnedQueryPooling(Pooling):
    """The mean of the last layer's token states, weighted by one learned query: sum_i a_i h_i.

    a = softmax over the tokens of q h_i / sqrt(dim): the word attention of Yang et al. (2016, NAACL),
    equations 6 and 7, without its hidden layer. It starts at q = 0, which is the mean. As a control for the
    many latents, projections, and feed-forward layer of the trainable poolings, it shows what attention alone
    contributes.
    """

    def __init__(self, dimension: int, tokens: str):
        super().__init__(dimension, tokens)
        self.query = nn.Parameter(torch.zeros(1, dimension))

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        states = features["token_embeddings"].to(self.query.dtype)
        scores = (states @ self.query.T).squeeze(-1).float() * self.dimension**-0.5  # (batch, tokens)
        shares = scores.masked_fill(~pooled_tokens(features).bool(), -torch.inf).softmax(dim=1)
        return (shares.unsqueeze(1) @ states).squeeze(1)
