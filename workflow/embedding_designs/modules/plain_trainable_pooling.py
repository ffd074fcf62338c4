"""The paper's trainable pooling as its equations are written: the specification of `trainable_pooling`."""

import torch
from torch import Tensor, nn

from .attention import GatedFeedForward, attend
from .pooling import Pooling


class PlainTrainablePooling(Pooling):
    """Trainable latents attend to the input states H; the embedding is the mean of what they become.

    q = Wq LN(Z); k, v = Wk LN(H), Wv LN(H); x = Attention(q, k, v) Wo + Z; x = FF(LN(x)) + x; mean over the
    latents (arXiv 2409.02727, section 3.2, as its public code computes it; padding is masked here).
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
        self.to_key = nn.Linear(dimension, inner, bias=False)
        self.to_value = nn.Linear(dimension, inner, bias=False)
        self.to_output = nn.Linear(dimension, inner, bias=False)  # Wo transposed: by head, like the others
        nn.init.uniform_(self.to_output.weight, -(inner**-0.5), inner**-0.5)  # as nn.Linear would draw Wo
        self.norm_feed_forward = nn.LayerNorm(dimension)
        self.feed_forward = GatedFeedForward(dimension)

    def pool_states(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (batch, dim) from input states (batch, n, dim); mask (batch, n): True where to attend."""
        latents = self.latent_states.unsqueeze(0).repeat(len(inputs), 1, 1)  # (batch, latents, dim)
        inputs = self.norm_inputs(inputs.to(latents.dtype))
        query = self.to_query(self.norm_latents(latents))  # (batch, latents, heads * head_dim)
        attended = attend(query, self.to_key(inputs), self.to_value(inputs), self.heads, mask)
        states = attended @ self.to_output.weight + latents  # (batch, latents, dim)
        states = self.feed_forward(self.norm_feed_forward(states)) + states
        return states.mean(dim=1)
