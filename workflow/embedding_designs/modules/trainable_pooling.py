"""The paper's trainable pooling: latents attend to token states or to layer states."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pooling import Pooling, last_token


class TrainablePooling(Pooling):
    """Trainable latents attend to the input states H; the embedding is the mean of what they become.

    q = Wq LN(Z); k, v = Wkv LN(H); x = Attention(q, k, v) Wo + Z; x = FF(LN(x)) + x; mean over the latents
    (arXiv 2409.02727, section 3.2, as its public code computes it; padding is masked here).
    """

    config_keys = ["dimension", "tokens", "latents", "heads", "head_dim"]

    def __init__(self, dimension: int, tokens: str, latents: int, heads: int, head_dim: int):
        super().__init__(dimension, tokens)
        self.latents, self.heads, self.head_dim = latents, heads, head_dim
        inner = heads * head_dim
        self.latent_states = nn.Parameter(torch.randn(latents, dimension))
        self.norm_latents = nn.LayerNorm(dimension)
        self.norm_inputs = nn.LayerNorm(dimension)
        self.to_query = nn.Linear(dimension, inner, bias=False)
        self.to_key_value = nn.Linear(dimension, 2 * inner, bias=False)
        self.to_output = nn.Linear(inner, dimension, bias=False)
        self.norm_feed_forward = nn.LayerNorm(dimension)
        self.feed_forward = GatedFeedForward(dimension)

    def pool_states(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (batch, dim) from input states (batch, n, dim); mask (batch, n): True where to attend."""
        inputs = inputs.to(self.latent_states.dtype)  # a bfloat16 backbone meets float32 latents here
        attended = self.to_output(self._attend(inputs, mask)) + self.latent_states  # (batch, latents, dim)
        transformed = self.feed_forward(self.norm_feed_forward(attended)) + attended
        return transformed.mean(dim=1)

    def _attend(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        query = self._split_heads(self.to_query(self.norm_latents(self.latent_states)).unsqueeze(0))
        key, value = self.to_key_value(self.norm_inputs(inputs)).chunk(2, dim=-1)
        output = F.scaled_dot_product_attention(
            query.expand(len(inputs), -1, -1, -1),  # (batch, heads, latents, head_dim)
            self._split_heads(key),  # (batch, heads, n, head_dim)
            self._split_heads(value),
            attn_mask=None if mask is None else mask.bool()[:, None, None, :],
        )
        return output.transpose(1, 2).flatten(2)  # (batch, latents, heads * head_dim)

    def _split_heads(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


class GatedFeedForward(nn.Module):
    """GEGLU feed-forward layer, dim -> 2 x 4 dim -> 4 dim -> dim, with exact GELU."""

    def __init__(self, dimension: int, multiplier: int = 4):
        super().__init__()
        self.expand = nn.Linear(dimension, 2 * multiplier * dimension)
        self.contract = nn.Linear(multiplier * dimension, dimension)

    def forward(self, states: Tensor) -> Tensor:
        """Return a tensor of the shape of `states`, (…, dim)."""
        values, gates = self.expand(states).chunk(2, dim=-1)
        return self.contract(values * F.gelu(gates))


class LastLayerPooling(TrainablePooling):
    """Trainable pooling over the last layer: its last token (design 2), or all its tokens (design 4)."""

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        states, mask = features["token_embeddings"], features["attention_mask"]
        if self.tokens == "last":
            return self.pool_states(last_token(states, mask).unsqueeze(1))
        return self.pool_states(states, mask)


class MultiLayerPooling(TrainablePooling):
    """Trainable pooling over one state per layer: its last token (design 3) or mean token (design 5).

    A trainable vector per layer, N(0, 1), is added to that layer's state: the paper's layer weights.
    """

    config_keys = [*TrainablePooling.config_keys, "layers"]
    reads_layers = True

    def __init__(self, dimension: int, tokens: str, latents: int, heads: int, head_dim: int, layers: int):
        super().__init__(dimension, tokens, latents, heads, head_dim)
        self.layers = layers
        self.layer_weights = nn.Parameter(torch.randn(layers, dimension))

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["layer_embeddings"] (batch, layers, dim)."""
        states = features["layer_embeddings"].to(self.layer_weights.dtype)
        return self.pool_states(states + self.layer_weights)
