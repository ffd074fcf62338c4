"""Keeps what a module computes from its weights alone, until they change."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .contraction import product_dtype


class KeepsResults(nn.Module):
    """A module that, outside of training, computes once what depends on nothing but its weights."""

    kept: dict[Any, Any]
    kept_for: tuple[list, list] = ([], [])  # the states of the weights, and the weights

    @property
    def keeps(self) -> bool:
        """Return whether results are kept now: tensors made under inference_mode do not show changes."""
        return not torch.is_grad_enabled() and not next(self.parameters()).is_inference()

    def once(self, key: Any, compute: Callable[[], Any]) -> Any:
        """Return compute(), which depends on weights only: kept, outside of training, until they change."""
        if not self.keeps:
            return compute()
        weights = list(self.parameters())
        versions = [(id(weight), weight.data_ptr(), weight._version, weight.dtype) for weight in weights]
        if versions != self.kept_for[0]:
            self.kept = {}
            self.kept_for = versions, weights  # holding the weights keeps their addresses from being reused
        key = (key, product_dtype(weights[0]))
        if key not in self.kept:
            self.kept[key] = compute()
        return self.kept[key]

    def train(self, mode: bool = True) -> "KeepsResults":
        """Set training or evaluation mode; training frees what evaluation has kept."""
        self._forget()
        return super().train(mode)

    def _forget(self) -> None:
        self.kept = {}
        self.kept_for = ([], [])
