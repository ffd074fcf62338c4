"""LoRA layers that compute what PEFT's do, with fewer passes over memory and fewer saved tensors."""

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import linear


def use_fused_layers(model: nn.Module) -> None:
    """Make the plain LoRA layers of a model compute by `FusedLora`; weights and their names stay the same."""
    for module in model.modules():
        if type(module) is Linear and not module.lora_variant and type(module.base_layer) is nn.Linear:
            module.__class__ = FusedLinear


class FusedLinear(Linear):
    """PEFT's LoRA layer of a linear layer with frozen weights, in one autograd function."""

    def forward(self, x: Tensor, *arguments: Any, **kwargs: Any) -> Tensor:
        """Return W x + bias + scaling B A dropout(x), (…, out), from x (…, in).

        Outside of training, and if the weights differ in precision without autocast, PEFT computes it.
        """
        adapters = self.active_adapters
        usual = self.training and len(adapters) == 1 and not (self.merged or self.disable_adapters)
        if not usual or arguments or kwargs:
            return super().forward(x, *arguments, **kwargs)
        (adapter,) = adapters
        base, kind = self.base_layer, x.device.type
        tensors = [x, self.lora_A[adapter].weight, self.lora_B[adapter].weight]
        if torch.is_autocast_enabled(kind):
            tensors = [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]
        elif any(tensor.dtype != base.weight.dtype for tensor in tensors):
            return super().forward(x)
        settings = self.scaling[adapter], self.lora_dropout[adapter]
        with torch.autocast(kind, enabled=False):
            return FusedLora.apply(*tensors, base.weight, base.bias, *settings)


class FusedLora(Function):
    """y = x W^T + bias + s (x * m) A^T B^T; m: the mask of dropout over 1 - p, or all ones.

    W (out, in) and bias are frozen and are cast to the type of x; A (rank, in) and B (out, rank) are trained.
    Saves x, one byte per element for what was dropped, and (x * m) A^T (LoRA: Hu et al., arXiv 2106.09685).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, down: Tensor, up: Tensor, weight: Tensor, bias: Tensor | None,
        scaling: float, dropout: nn.Module,
    ) -> Tensor:  # fmt: skip
        """Return y, (…, out)."""
        rows = x.reshape(-1, x.shape[-1])  # (n, in)
        dropped = getattr(dropout, "p", 0.0)  # Identity has none
        drop, factor = drop_mask(rows, dropped) if dropped else (None, 1.0)
        ctx.factor = factor * scaling
        y = linear(rows, weight.to(rows.dtype), None if bias is None else bias.to(rows.dtype))  # (n, out)
        low = torch.mm(rows if drop is None else rows.masked_fill(drop, 0), down.T)  # (n, rank)
        y.addmm_(low, up.T, alpha=ctx.factor)
        ctx.save_for_backward(rows, weight, down, up, low, drop)
        ctx.shape = x.shape
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, A, and B."""
        rows, weight, down, up, low, drop = ctx.saved_tensors
        grad = grad.reshape(-1, grad.shape[-1])  # (n, out)
        of_low = torch.mm(grad, up).mul_(ctx.factor)  # (n, rank)
        of_up = torch.mm(grad.T, low).mul_(ctx.factor)
        of_down = torch.mm(of_low.T, rows if drop is None else rows.masked_fill(drop, 0))
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = torch.mm(grad, weight.to(grad.dtype))
            if drop is None:
                of_x.addmm_(of_low, down)
            else:
                of_x += torch.mm(of_low, down).masked_fill_(drop, 0)
            of_x = of_x.view(ctx.shape)
        return of_x, of_down, of_up, None, None, None, None


def drop_mask(rows: Tensor, dropped: float) -> tuple[Tensor, float]:
    """Return a mask, True where an element is dropped, and the factor that keeps its mean.

    On the CPU each element takes 16 random bits, four of them from one draw: the share dropped is exact to
    1 / 65,536, and the factor is that of this share.
    """
    if rows.device.type != "cpu":
        return torch.empty_like(rows, dtype=torch.bool).bernoulli_(dropped), 1 / (1 - dropped)
    levels = round(dropped * 65_536)
    draws = torch.empty((rows.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: rows.numel()].view(rows.shape)
    return bits < levels - 32_768, 65_536 / (65_536 - levels)
