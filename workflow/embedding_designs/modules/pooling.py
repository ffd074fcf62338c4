"""What all poolings share: token states in, one embedding per text out, settings and weights saved.

Shapes: batch texts, tokens, layers, dim = the backbone's hidden size.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from sentence_transformers.base.modules import Module
from torch import Tensor

from .full_precision import FullPrecision


def last_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of each text's last real token.

    Shapes: states (batch, tokens, dim), mask (batch, tokens), result (batch, dim). Padding may be on
    either side.
    """
    positions = torch.arange(mask.shape[1], device=mask.device)
    last = (mask.bool() * positions).argmax(dim=1)
    return states[torch.arange(len(states), device=states.device), last]


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of each text's first real token, (batch, dim); padding may be on either side."""
    return states[torch.arange(len(states), device=states.device), mask.bool().byte().argmax(dim=1)]


def mean_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean state of each text's real tokens: (batch, tokens, dim) -> (batch, dim)."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def weighted_mean_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean state of each text's real tokens, the i-th of n weighted i / (1 + … + n).

    Shapes: states (batch, tokens, dim), mask (batch, tokens), result (batch, dim). Padding may be on
    either side.
    """
    positions = mask.long() * mask.long().cumsum(dim=1)  # 1 to n; 0 where a token is padding
    weights = positions / positions.sum(dim=1, keepdim=True).clamp(min=1)
    return (states * weights.unsqueeze(-1).to(states.dtype)).sum(dim=1)


def max_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum of each dimension over each text's real tokens, (batch, dim)."""
    return states.masked_fill(~mask.bool().unsqueeze(-1), -torch.inf).amax(dim=1)


def pooled_tokens(features: dict[str, Any]) -> Tensor:
    """Return the mask of the tokens to pool, (batch, tokens): all real ones unless the input selects some."""
    return features.get("pooling_mask", features["attention_mask"])


def padding_last(mask: Tensor) -> Tensor:
    """Return the positions of each text's tokens, real ones first and in order: (batch, tokens)."""
    return mask.bool().logical_not().byte().argsort(dim=1, stable=True)


def move_padding_last(features: dict[str, Any]) -> None:
    """Put each text's real tokens first, where `encode(output_value="token_embeddings")` expects them."""
    mask = features.get("attention_mask")
    if mask is None:
        return
    order = padding_last(mask)
    for name in ("input_ids", "attention_mask", "pooling_mask", "token_embeddings"):
        if (values := features.get(name)) is not None:
            index = order.unsqueeze(-1) if values.ndim == 3 else order
            features[name] = values.take_along_dim(index, dim=1)


TOKEN_POOLINGS = {
    "first": first_token,
    "last": last_token,
    "mean": mean_token,
    "weighted_mean": weighted_mean_token,
    "max": max_token,
}


def products_like(states: Tensor) -> AbstractContextManager:
    """Return a context in which float32 weights are multiplied in the precision of a bfloat16 backbone.

    Training does the same under autocast; encoding has none, and float32 products are many times slower on a
    GPU.
    """
    if states.dtype in (torch.bfloat16, torch.float16):
        return torch.autocast(states.device.type, states.dtype)
    return nullcontext()


class Pooling(FullPrecision, Module):
    """What all poolings share: the embedding has the backbone's dimension; settings and weights are saved.

    `tokens` says which token states are read: "all", or one of TOKEN_POOLINGS.
    """

    config_keys = ["dimension", "tokens"]
    reads_layers = False  # True: reads features["layer_embeddings"], one token state per layer

    def __init__(self, dimension: int, tokens: str):
        super().__init__()
        self.dimension = dimension
        self.tokens = tokens

    def get_embedding_dimension(self) -> int:
        """Return the dimension of the embeddings."""
        return self.dimension

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add the embeddings (batch, dim) as features["sentence_embedding"]."""
        with products_like(features["layer_embeddings" if self.reads_layers else "token_embeddings"]):
            features["sentence_embedding"] = self.pool(features)
        if not self.training:
            move_padding_last(features)
        return features

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return the embeddings, (batch, dim), not yet normalised."""
        raise NotImplementedError

    def save(self, output_path: str, *args, safe_serialization: bool = True, **kwargs) -> None:
        """Write settings and, if there are any, weights to a folder."""
        self.save_config(output_path)
        if self.state_dict():
            self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs) -> "Pooling":
        """Return the pooling that `save` wrote."""
        hub = {key: kwargs.get(key) for key in ("token", "cache_folder", "revision")}
        hub |= {"subfolder": subfolder, "local_files_only": kwargs.get("local_files_only", False)}
        pooling = cls(**cls.load_config(model_name_or_path, **hub))
        if pooling.state_dict():
            cls.load_torch_weights(model_name_or_path, model=pooling, **hub)
        return pooling
