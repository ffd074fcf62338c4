"""The precision of a training's matrix products: decided on the machine that trains, if the recipe says auto."""

import torch

CPU_FEATURES = (
    "avx512_bf16",
    "amx_bf16",
)  # instructions that multiply bf16; without them it is slower than fp32


def precision_here(precision: str) -> str:
    """Return "fp32" or "bf16" for a recipe's precision; "auto" is bf16 if this machine has instructions for it."""
    if precision != "auto":
        return precision
    return "bf16" if has_bf16_instructions() else "fp32"


def has_bf16_instructions() -> bool:
    """Return whether the GPU, if there is one, or else the CPU multiplies matrices in bf16 natively."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in CPU_FEATURES)
