"""NV-Embed's latent attention: the tokens look things up in a trained dictionary."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pooling import Pooling, mean_token


class LatentAttentionPooling(Pooling):
    """Token states attend to trained latents; the embedding is the mean of what the tokens become.

    q = Wq LN(H); k, v = Wkv LN(Z); x = Attention(q, k, v) Wo + H; x = FF(LN(x)) + x; mean over the tokens
    (NV-Embed, Lee et al. 2024, arXiv 2405.17428, section 3.2 and figure 1; norms, residuals and the gated
    feed-forward layer are those of its public code, nvidia/NV-Embed-v2). In the trainable pooling of
    arXiv 2409.02727 it is the other way round: the latents ask, and the states are looked up.
    """

    config_keys = [*Pooling.config_keys, "latents", "heads", "head_dim"]

    def __init__(self, dimension: int, tokens: str, latents: int, heads: int, head_dim: int):
        super().__init__(dimension, tokens)
        self.latents, self.heads, self.head_dim = latents, heads, head_dim
        inner = heads * head_dim
        self.latent_states = nn.Parameter(torch.randn(latents, dimension))
        self.norm_tokens = nn.LayerNorm(dimension)
        self.norm_latents = nn.LayerNorm(dimension)
        self.to_query = nn.Linear(dimension, inner, bias=False)
        self.to_key_value = nn.Linear(dimension, 2 * inner, bias=False)
        self.to_output = nn.Linear(inner, dimension, bias=False)
        self.norm_feed_forward = nn.LayerNorm(dimension)
        self.expand = nn.Linear(dimension, 8 * dimension)
        self.contract = nn.Linear(4 * dimension, dimension)

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        states = features["token_embeddings"].to(self.latent_states.dtype)
        attended = self.to_output(self._attend(states)) + states  # (batch, tokens, dim)
        values, gates = self.expand(self.norm_feed_forward(attended)).chunk(2, dim=-1)
        transformed = self.contract(values * F.gelu(gates)) + attended
        return mean_token(transformed, features["attention_mask"])

    def _attend(self, states: Tensor) -> Tensor:
        query = self._split_heads(self.to_query(self.norm_tokens(states)))  # (batch, heads, tokens, head_dim)
        key, value = self.to_key_value(self.norm_latents(self.latent_states)).chunk(2, dim=-1)
        key, value = (self._split_heads(part).expand(len(states), -1, -1, -1) for part in (key, value))
        attended = F.scaled_dot_product_attention(query, key, value)
        return attended.transpose(1, 2).flatten(2)  # (batch, tokens, heads * head_dim)

    def _split_heads(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, self.head_dim)).transpose(-3, -2)
