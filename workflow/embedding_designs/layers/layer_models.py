"""Models that return the embeddings of all their layers at once."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor

from ..common.errors import BadInput
from ..modules.pooling import Pooling
from ..study.layers import analyzed_layers
from ..training.base_checks import base_arguments
from ..training.model import build_model


class AllLayers(Pooling):
    """The embedding of each layer, L2-normalized, one after the other: (batch, layers * dim)."""

    reads_layers = True

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, layers * dim) from features["layer_embeddings"] (batch, layers, dim)."""
        return F.normalize(features["layer_embeddings"], dim=-1).flatten(1)


def untrained_base(
    base: str, base_config: Mapping[str, Any], attention: str, max_seq_length: int
) -> SentenceTransformer:
    """Return an untrained base with one attention and mean pooling."""
    design = {"attention": attention, "pooling": {"kind": "mean", "tokens": "mean"}}
    return build_model(design=design, max_seq_length=max_seq_length, **base_arguments(base, base_config))


def with_all_layers(model: SentenceTransformer, config: Mapping[str, Any], named: str) -> SentenceTransformer:
    """Return a model with the same backbone that returns the embeddings of the layers to analyze.

    config: `numbers` and `tokens` of the study's `layers`; named: the base, for errors. Raises BadInput if
    the base has no such layer.
    """
    backbone = model[0]
    if not (hasattr(backbone.model, "layers") and hasattr(backbone.model, "norm")):
        kind = type(backbone.model).__name__
        raise BadInput(f"layers: {kind} of base {named} has no `layers` and `norm`; remove layers")
    try:
        backbone.layers = analyzed_layers(config["numbers"], backbone.config.num_hidden_layers)
    except ValueError as error:
        raise BadInput(f"layers.numbers {error} (base {named})") from None
    backbone.layer_tokens = config["tokens"]
    return SentenceTransformer(modules=[backbone, AllLayers(0, config["tokens"])], device=str(model.device))
