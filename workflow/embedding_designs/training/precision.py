"""The precision of a training; `auto` is the faster one on this machine."""

import torch

CPU_FEATURES = ["avx512_bf16", "amx_bf16"]  # of x86; without them, bf16 is slower than fp32


def precision_here(precision: str) -> str:
    """Return "fp32" or "bf16"; for "auto", bf16 if this machine has instructions for it."""
    if precision != "auto":
        return precision
    return "bf16" if has_bf16_instructions() else "fp32"


def has_bf16_instructions() -> bool:
    """Return whether the GPU, if there is one, or else the CPU multiplies matrices in bf16 natively."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in CPU_FEATURES)
