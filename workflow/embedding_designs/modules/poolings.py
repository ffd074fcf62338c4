"""The poolings by the name that a study gives them."""

from .latent_attention import LatentAttentionPooling
from .layer_poolings import LayerMixPooling, MeanLayersPooling
from .pooling import TOKEN_POOLINGS, Pooling
from .token_poolings import EosPooling, MeanPooling, WeightedMeanPooling
from .trainable_pooling import LastLayerPooling, MultiLayerPooling

__all__ = ["POOLINGS", "TOKEN_POOLINGS", "Pooling"]

POOLINGS: dict[str, type[Pooling]] = {
    "eos": EosPooling,
    "mean": MeanPooling,
    "weighted_mean": WeightedMeanPooling,
    "last_layer": LastLayerPooling,
    "latent_attention": LatentAttentionPooling,
    "mean_layers": MeanLayersPooling,
    "layer_mix": LayerMixPooling,
    "multi_layer": MultiLayerPooling,
}
