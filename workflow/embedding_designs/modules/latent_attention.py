"""NV-Embed's latent attention: the tokens attend to a trained dictionary."""

from typing import Any

import torch
from torch import Tensor, nn

from .attention import GatedFeedForward, attend
from .pooling import Pooling, mean_token, pooled_tokens


class LatentAttentionPooling(Pooling):
    """Token states attend to trained latents; the embedding is the mean of what the tokens become.

    q = Wq LN(H); k, v = Wkv LN(Z); x = Attention(q, k, v) Wo + H; x = FF(LN(x)) + x; mean over the tokens
    (NV-Embed, Lee et al. 2024, arXiv 2405.17428, section 3.2 and figure 1; norms, residuals and the gated
    feed-forward layer are those of its public code, nvidia/NV-Embed-v2). In the trainable pooling of
    arXiv 2409.02727 it is the other way round: the latents attend to the states.
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
        self.feed_forward = GatedFeedForward(dimension)

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        states = features["token_embeddings"].to(self.latent_states.dtype)
        query = self.to_query(self.norm_tokens(states))  # (batch, tokens, heads * head_dim)
        latents = self.norm_latents(self.latent_states)  # the same for all texts
        key, value = self.to_key_value(latents).chunk(2, dim=-1)  # (latents, heads * head_dim)
        attended = self.to_output(attend(query, key, value, self.heads)) + states  # (batch, tokens, dim)
        transformed = self.feed_forward(self.norm_feed_forward(attended)) + attended
        return mean_token(transformed, pooled_tokens(features))
