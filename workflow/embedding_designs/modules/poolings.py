"""The poolings by the name that a study gives them."""

from .pooling import TOKEN_POOLINGS, Pooling
from .token_poolings import EosPooling, MeanPooling
from .trainable_pooling import LastLayerPooling, MultiLayerPooling

__all__ = ["POOLINGS", "TOKEN_POOLINGS", "Pooling"]

POOLINGS: dict[str, type[Pooling]] = {
    "eos": EosPooling,
    "mean": MeanPooling,
    "last_layer": LastLayerPooling,
    "multi_layer": MultiLayerPooling,
}
