"""The plain equation of the trainable pooling: its specification, which the tests compare with."""

import torch
from torch import Tensor, nn


def equation(pooling: nn.Module, inputs: Tensor) -> Tensor:
    """Return the embedding of one text, (dim,), from its token or layer states, (n, dim).

    One head at a time, in the steps of arXiv 2409.02727, section 3.2, for latents Z and states H:
    q = LN(Z) Wq; k, v = LN(H) Wk, LN(H) Wv; x = softmax(q k' / sqrt(head_dim)) v Wo + Z; x = FF(LN(x)) + x;
    the embedding is the mean of x over the latents. pooling: a TrainablePooling, whose weights are read.
    """
    latents = pooling.latent_states  # (latents, dim)
    query = normed(pooling.norm_latents, latents) @ pooling.to_query.weight.T  # (latents, heads * head_dim)
    key = normed(pooling.norm_inputs, inputs) @ pooling.to_key.weight.T  # (n, heads * head_dim)
    value = normed(pooling.norm_inputs, inputs) @ pooling.to_value.weight.T
    heads = []
    for head in range(pooling.heads):
        part = slice(head * pooling.head_dim, (head + 1) * pooling.head_dim)
        scores = torch.exp(query[:, part] @ key[:, part].T / pooling.head_dim**0.5)  # (latents, n)
        heads.append(scores / scores.sum(1, keepdim=True) @ value[:, part])
    x = torch.cat(heads, dim=1) @ pooling.to_output.weight + latents  # to_output holds Wo transposed
    expand, contract = pooling.feed_forward.expand, pooling.feed_forward.contract
    values, gates = (normed(pooling.norm_feed_forward, x) @ expand.weight.T + expand.bias).chunk(2, dim=1)
    gelu = gates * 0.5 * (1 + torch.erf(gates / 2**0.5))
    x = (values * gelu) @ contract.weight.T + contract.bias + x
    return x.mean(dim=0)


def normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """Return layer normalization of x, (..., dim), by its definition."""
    x = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + norm.eps)
    return x * norm.weight + norm.bias
