"""Checks what the tokens of a loaded model see."""

import torch
from torch import nn

from .layer_attention import layers_that_see_later

Attention = str | dict[str, list[int]]


@torch.no_grad()
def probe_attention(model: nn.Module, attention: Attention) -> None:
    """Raise ValueError unless a later token changes an earlier one's state exactly where it is bidirectional.

    The last states are compared, and with attention by layer also the output of each layer.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    first, second = (model(input_ids=torch.tensor([[1, token]], device=device))[0] for token in (2, 3))
    if not (first.isfinite().all() and second.isfinite().all()):
        raise ValueError(
            f"{type(model).__name__} returns numbers that are not finite; its weights are damaged"
        )
    obeys = (not torch.equal(first[:, 0], second[:, 0])) == (attention != "causal")
    if not isinstance(attention, str):
        layers = sorted(attention["bidirectional"])
        obeys = obeys and all(layers_that_see_later(model, padding) == layers for padding in (0, 1))
    model.train(training)
    if not obeys:
        raise ValueError(f"{type(model).__name__} does not obey attention = {attention}")
