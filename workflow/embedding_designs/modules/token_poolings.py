"""Poolings without weights over the tokens of the last layer."""

from typing import Any

from torch import Tensor

from .pooling import TOKEN_POOLINGS, Pooling, pooled_tokens


class TokenPooling(Pooling):
    """A pooling without weights over the tokens of the last layer."""

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        pool_tokens = TOKEN_POOLINGS[self.tokens]
        return pool_tokens(features["token_embeddings"], pooled_tokens(features))


class EosPooling(TokenPooling):
    """The last layer's state of the last token, which is EOS (design 1 of arXiv 2409.02727)."""


class MeanPooling(TokenPooling):
    """The mean of the last layer's token states."""


class WeightedMeanPooling(TokenPooling):
    """The position-weighted mean of the last layer's token states: later tokens, which saw more, count more.

    SGPT (Muennighoff 2022, arXiv 2202.08904), section 4.1.1: v = sum_i w_i h_i with w_i = i / sum_i i.
    """
