"""Attention by layer: some layers of a causal language model attend to later tokens too."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn


class BidirectionalLayers:
    """Makes layers of a causal model bidirectional, as BeLLM does with the last ones (arXiv 2311.05296).

    The layers get the model's own mask, made symmetric once per forward pass, or no mask if it has none, so
    that the attention kernels stay the same. layers: their numbers, from 1.
    """

    def __init__(self, model: nn.Module, layers: Collection[int]):
        self.masks: dict[int, tuple[Tensor, Tensor]] = {}  # by the causal mask's id: that mask, and ours
        model.register_forward_pre_hook(self._forget)
        for layer in layers:
            model.layers[layer - 1].register_forward_pre_hook(self._both_ways, with_kwargs=True)

    def _forget(self, *_: Any) -> None:
        self.masks = {}

    def _both_ways(self, layer: nn.Module, arguments: tuple, settings: dict[str, Any]) -> tuple[tuple, dict]:
        mask = settings.get("attention_mask")
        if isinstance(mask, Tensor) and mask.ndim == 4:
            mask = self.masks.setdefault(id(mask), (mask, both_ways(mask)))[1]
        return arguments, settings | {"attention_mask": mask, "is_causal": False}


def both_ways(mask: Tensor) -> Tensor:
    """Return the bidirectional mask of a causal one, (batch, 1, tokens, tokens), with the same padding.

    mask: boolean, True where to attend, or additive, 0 where to attend. A token attends to the real tokens
    that it saw before and to those that saw it, so a sliding window is as wide ahead as it is back.
    """
    real = mask.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    return torch.minimum(torch.maximum(mask, mask.mT), real)


@torch.no_grad()
def layers_that_see_later(model: nn.Module, padding: int = 0) -> list[int]:
    """Return the numbers, from 1, of the layers in which a later token changes an earlier one's state.

    The earlier token enters each layer as zeros, so that no layer sees what another one has read. padding:
    the number of padding tokens on the left.
    """
    first, second = (_states_by_layer(model, later, padding) for later in (2, 3))
    return [number for number, one in enumerate(first, 1) if not torch.equal(one, second[number - 1])]


def _states_by_layer(model: nn.Module, later: int, padding: int) -> list[Tensor]:
    """Return the output of each layer for a token of zeros that precedes the token `later`."""
    states: list[Tensor] = []

    def enter(layer: nn.Module, arguments: tuple) -> tuple:
        hidden = arguments[0].clone()
        hidden[:, padding] = 0
        return hidden, *arguments[1:]

    def leave(layer: nn.Module, arguments: tuple, output: Tensor | tuple) -> None:
        states.append((output[0] if isinstance(output, tuple) else output)[:, padding])

    hooks = [layer.register_forward_pre_hook(enter) for layer in model.layers]
    hooks += [layer.register_forward_hook(leave) for layer in model.layers]
    ids = torch.tensor([[1] * padding + [1, later]], device=next(model.parameters()).device)
    real = torch.arange(ids.shape[1], device=ids.device) >= padding
    try:
        model(input_ids=ids, attention_mask=real.long().unsqueeze(0))
    finally:
        for hook in hooks:
            hook.remove()
    return states
