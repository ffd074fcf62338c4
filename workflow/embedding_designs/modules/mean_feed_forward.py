"""The mean over the latents of a gated feed-forward layer, in the memory of a few texts.

The layer is W2 (v * GELU(g)) + b2 with (v, g) = W1 x + b1. The mean commutes with W2, so W2 is applied
once per text. The rest, the mean of v * GELU(g), is computed here a chunk of rows at a time; the backward
pass computes a chunk again unless there was room to keep it.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# Expanded states in memory at once: 16 MiB stay in a CPU's cache, a GPU needs larger products.
CHUNK_BYTES = {"cpu": 2**24, "cuda": 2**28}
KEPT_BYTES = 2**28  # expanded states that a training step keeps for its backward pass: 256 MiB


class MeanGatedUnits(Function):
    """mean over latents of v * GELU(g), (v, g) = W1 x + b1: exact forward and backward, chunked.

    Shapes: states x (batch, latents, dim), weight W1 (2 units, dim), bias (2 units), result (batch, units).
    Chunks share their buffers, because fresh memory costs a CPU more time than what is computed in it.
    """

    @staticmethod
    def forward(ctx, states: Tensor, weight: Tensor, bias: Tensor, training: bool) -> Tensor:
        """Return the mean units; in training keep the first chunks' expanded states, up to KEPT_BYTES."""
        chunks = states.split(texts_at_once(states, len(weight)))
        shared, spare = _buffers(chunks[0], weight)
        room = KEPT_BYTES if training else 0
        kept, means = [], []
        for chunk in chunks:
            room -= shared.nbytes
            expanded = torch.empty_like(shared) if room >= 0 else shared
            expanded = _expand(chunk, weight, bias, out=expanded[: len(chunk)])
            kept.append(expanded if room >= 0 else None)
            means.append(_mean_units(expanded, spare[: len(chunk)]))
        ctx.save_for_backward(states, weight, bias, *kept)
        return torch.cat(means)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Return the gradients of states, weight and bias."""
        states, weight, bias, *kept = ctx.saved_tensors
        texts = texts_at_once(states, len(weight))
        shared, spare = _buffers(states[:texts], weight)
        expanded_gradient = torch.empty_like(shared)
        states_gradient = torch.empty_like(states)
        weight_gradient = torch.zeros_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32))
        bias_gradient = torch.zeros_like(weight_gradient[:, 0])
        for start, expanded in zip(range(0, len(states), texts), kept, strict=True):
            chunk = states[start : start + texts]
            if expanded is None:
                expanded = _expand(chunk, weight, bias, out=shared[: len(chunk)])
            part = expanded_gradient[: len(chunk)]
            _units_gradient(expanded, gradient[start : start + texts], part, spare[: len(chunk)])
            part = part.flatten(0, 1)
            torch.mm(part, weight, out=states_gradient[start : start + texts].flatten(0, 1))
            _add_product(weight_gradient, part.T, chunk.flatten(0, 1))
            bias_gradient += part.sum(0)
        return states_gradient, weight_gradient.to(weight.dtype), bias_gradient.to(bias.dtype), None


class MeanGatedUnitsOfShifted(Function):
    """The same for x = (latent + shift of the text) * scale: W1 has been applied to both already.

    (v, g) = (expanded latent + expanded shift) * scale + bias. Shapes: latents (latents, 2 units), shifts
    (batch, 2 units), scales (batch, latents), bias (2 units), result (batch, units).
    """

    @staticmethod
    def forward(ctx, latents: Tensor, shifts: Tensor, scales: Tensor, bias: Tensor) -> Tensor:
        """Return the mean units."""
        ctx.save_for_backward(latents, shifts, scales, bias)
        means = torch.zeros_like(shifts[:, : shifts.shape[1] // 2])
        for texts, rows in _blocks(shifts, latents):
            expanded = _shifted(latents[rows], shifts[texts]).mul_(scales[texts, rows, None]).add_(bias)
            share = expanded.shape[1] / len(latents)
            means[texts].add_(_mean_units(expanded, _half(expanded)), alpha=share)
        return means

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of latents, shifts, scales and bias."""
        latents, shifts, scales, bias = ctx.saved_tensors
        latents_gradient, shifts_gradient = torch.zeros_like(latents), torch.zeros_like(shifts)
        scales_gradient, bias_gradient = torch.empty_like(scales), torch.zeros_like(bias)
        for texts, rows in _blocks(shifts, latents):
            scale = scales[texts, rows, None]
            shifted = _shifted(latents[rows], shifts[texts])
            expanded = torch.addcmul(bias, shifted, scale)
            share = expanded.shape[1] / len(latents)
            expanded_gradient = torch.empty_like(expanded)
            _units_gradient(expanded, gradient[texts] * share, expanded_gradient, _half(expanded))
            bias_gradient += expanded_gradient.sum((0, 1))
            scales_gradient[texts, rows] = torch.linalg.vecdot(expanded_gradient, shifted)
            shifted_gradient = expanded_gradient.mul_(scale)
            latents_gradient[rows] += shifted_gradient.sum(0)
            shifts_gradient[texts] += shifted_gradient.sum(1)
        return latents_gradient, shifts_gradient, scales_gradient, bias_gradient


def _half(expanded: Tensor) -> Tensor:
    return torch.empty_like(expanded[..., : expanded.shape[-1] // 2])


def _shifted(latents: Tensor, shifts: Tensor) -> Tensor:
    return latents + shifts.unsqueeze(1)  # (texts, latents, 2 units)


def _buffers(states: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return room for the expanded states of a chunk, (texts, latents, 2 units), and for half of them."""
    expanded = states.new_empty(*states.shape[:2], len(weight))
    return expanded, states.new_empty(*states.shape[:2], len(weight) // 2)


def _expand(states: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> Tensor:
    torch.addmm(bias, states.flatten(0, 1), weight.T, out=out.flatten(0, 1))
    return out


def _mean_units(expanded: Tensor, spare: Tensor) -> Tensor:
    """Return the mean of v * GELU(g) over the latents: (texts, latents, 2 units) -> (texts, units)."""
    values, gates = expanded.chunk(2, dim=-1)
    return torch.ops.aten.gelu.out(gates, out=spare).mul_(values).mean(dim=1)


def _units_gradient(expanded: Tensor, gradient: Tensor, out: Tensor, spare: Tensor) -> None:
    """Write into `out` the gradient of `expanded`; that of its mean units is `gradient`, (texts, units)."""
    values, gates = expanded.chunk(2, dim=-1)
    values_gradient, gates_gradient = out.chunk(2, dim=-1)
    share = (gradient / expanded.shape[1]).unsqueeze(1)  # (texts, 1, units)
    torch.mul(torch.ops.aten.gelu.out(gates, out=spare), share, out=values_gradient)
    torch.ops.aten.gelu_backward.grad_input(
        torch.mul(values, share, out=spare), gates, grad_input=gates_gradient
    )


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right  # bfloat16 products are summed in float32


def texts_at_once(states: Tensor, width: int) -> int:
    """Return how many texts' states (batch, latents, dim), expanded to `width`, make a chunk."""
    return max(1, _chunk_bytes(states) // (states.shape[-2] * width * states.element_size()))


def _chunk_bytes(states: Tensor) -> int:
    return CHUNK_BYTES.get(states.device.type, CHUNK_BYTES["cpu"])


def _blocks(shifts: Tensor, latents: Tensor) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of texts x latents of which a few tensors fit the processor's cache."""
    fitting = max(1, _chunk_bytes(latents) // 16 // latents[0].nbytes)
    rows = min(fitting, len(latents))
    texts = fitting // rows
    for text in range(0, len(shifts), texts):
        for row in range(0, len(latents), rows):
            yield slice(text, text + texts), slice(row, row + rows)
