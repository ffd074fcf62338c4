"""What the attention poolings share: multi-head attention, and the gated feed-forward layer after it."""

import torch.nn.functional as F
from torch import Tensor, nn


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Return softmax(q k^T / sqrt(head_dim)) v, head beside head: (batch, queries, heads * head_dim).

    Shapes: query (batch, queries, heads * head_dim), key and value (batch, keys, heads * head_dim), or
    (keys, heads * head_dim) if all texts have the same, mask (batch, keys): True where to attend.
    """
    query, key, value = (
        states.unflatten(-1, (heads, -1)).transpose(-3, -2) for states in (query, key, value)
    )
    key, value = (states.expand(len(query), -1, -1, -1) for states in (key, value))
    mask = None if mask is None else mask.bool()[:, None, None, :]
    attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attended.transpose(1, 2).flatten(2)


class GatedFeedForward(nn.Module):
    """GEGLU, dim -> 2 x 4 dim -> 4 dim -> dim, with exact GELU (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, dimension: int):
        super().__init__()
        self.expand = nn.Linear(dimension, 2 * 4 * dimension)
        self.contract = nn.Linear(4 * dimension, dimension)

    def forward(self, states: Tensor) -> Tensor:
        """Return states of the same shape, (…, dim)."""
        values, gates = self.expand(states).chunk(2, dim=-1)
        return self.contract(values * F.gelu(gates))
