"""What a trained pooling over layers reads: how much weight it gives each layer."""

from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from ..common.layer_files import PoolingReads
from ..modules.layer_poolings import LayerMixPooling
from ..modules.trainable_pooling import MultiLayerPooling
from .layer_scores import Sampled, grouped_by_reading

DIGITS = 6


@torch.no_grad()
def pooling_reads(
    model: SentenceTransformer, texts: Sequence[Sampled], batch_size: int
) -> PoolingReads | None:
    """Return what the pooling of a model reads in these texts, or None if it has no weights for layers."""
    pooling = layer_pooling(model[1])
    if isinstance(pooling, LayerMixPooling):
        weights = pooling.scores.float().softmax(dim=0)
        return _reads(pooling.layers, weights, effective_layers(weights), None)
    if not isinstance(pooling, MultiLayerPooling):
        return None
    model[0].layer_tokens, model[0].layers = pooling.tokens, pooling.layers
    found = [
        _attention_to(model, pooling, group[start : start + batch_size], reading)
        for reading, group in grouped_by_reading(texts)
        for start in range(0, len(group), batch_size)
    ]
    weights, effective = (torch.cat(parts).mean(dim=0) for parts in zip(*found, strict=True))
    vectors = pooling.layer_vectors
    return _reads(pooling.layers, weights, effective, None if vectors is None else vectors.norm(dim=1))


def layer_pooling(pooling: torch.nn.Module) -> torch.nn.Module:
    """Return the pooling that reads layers; in a concatenation, this is one of its parts."""
    parts = getattr(pooling, "parts", [pooling])
    return next((part for part in parts if part.reads_layers), pooling)


def layer_attention(pooling: MultiLayerPooling, states: Tensor) -> Tensor:
    """Return the attention of each latent to each layer, (batch, heads, latents, layers).

    softmax over the layers of q k' / sqrt(head_dim), as in `PlainTrainablePooling`. states: of the layers,
    (batch, layers, dim), before the layer vectors are added.
    """
    states = states.to(pooling.latent_states.dtype)
    if pooling.layer_vectors is not None:
        states = states + pooling.layer_vectors
    query = pooling.to_query(pooling.norm_latents(pooling.latent_states)).unflatten(-1, (pooling.heads, -1))
    key = pooling.to_key(pooling.norm_inputs(states)).unflatten(-1, (pooling.heads, -1))
    scores = query.transpose(0, 1) @ key.permute(0, 2, 3, 1)  # (batch, heads, latents, layers)
    return (scores * pooling.head_dim**-0.5).softmax(dim=-1)


def effective_layers(weights: Tensor) -> Tensor:
    """Return exp(entropy) of weights, (…, layers): how many layers, read evenly, have the same entropy."""
    return torch.special.entr(weights).sum(dim=-1).exp()


def _attention_to(
    model: SentenceTransformer,
    pooling: MultiLayerPooling,
    texts: Sequence[str],
    reading: dict[str, str],
) -> tuple[Tensor, Tensor]:
    """Return the attention to each layer, (batch, layers), and the effective layers, (batch,)."""
    features = {name: value.to(model.device) for name, value in model[0].preprocess(texts, **reading).items()}
    attention = layer_attention(pooling, model[0](features)["layer_embeddings"])
    return attention.mean(dim=(1, 2)), effective_layers(attention).mean(dim=(1, 2))


def _reads(layers: Sequence[int], weights: Tensor, effective: Tensor, norms: Tensor | None) -> PoolingReads:
    return PoolingReads(
        layers=list(layers),
        weights=rounded(weights),
        effective_layers=round(float(effective), DIGITS),
        vector_norms=None if norms is None else rounded(norms),
    )


def rounded(values: Tensor) -> list[float]:
    """Return the numbers of a vector, rounded."""
    return [round(value, DIGITS) for value in values.tolist()]
