"""Compares the trainable pooling with the paper's formulas computed as written.

python benchmarks/pooling.py [--case TEXT] [--repeats 5]
"""

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from measure import hardware, medians, peak_memory_added, print_table
from plain import plain_copy
from torch.utils.flop_counter import FlopCounterMode

from embedding_designs.modules.trainable_pooling import LastLayerPooling

PAPER = {"latents": 768, "heads": 32, "head_dim": 2048}
# name: (dimension, states per text, training, goals: how many times faster, and how many times less memory)
CASES = {
    "forward, D 896, 24 layers": (896, 24, False, 17, 10),
    "forward, D 512, 32 layers": (512, 32, False, 24, 14),
    "forward, one key, D 256": (256, 1, False, 80, 25),
    "forward + backward, D 896, 24 layers": (896, 24, True, 6.5, 3),
    "forward + backward, D 256, 24 layers": (256, 24, True, 10, 7.5),
    "forward + backward, one key, D 256": (256, 1, True, 65, 14),
    "forward, D 256, 512 tokens": (256, 512, False, None, None),
    "forward + backward, D 256, 512 tokens": (256, 512, True, None, None),
}
GPU_CASES = {
    "forward, D 4096, 32 layers": (4096, 32, False, None, None),
    "forward + backward, D 4096, 32 layers": (4096, 32, True, None, None),
}
BATCH = 8


def prepared(kind: str, dimension: int, states: int, training: bool) -> Callable[[], object]:
    """Return a function that pools one batch, "plain" or "ours", and in training also goes backward."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    with torch.device(device):
        pooling = LastLayerPooling(dimension=dimension, tokens="all", **PAPER).train(training)
        inputs = torch.randn(BATCH, states, dimension, requires_grad=training)
    if kind == "plain":
        pooling = plain_copy(pooling)

    def run() -> torch.Tensor:
        pooling.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            with torch.set_grad_enabled(training):
                pooled = pooling.pool_states(inputs)
        if training:
            pooled.square().sum().backward()
        return pooled

    return run


def teraflops(function: Callable[[], object]) -> float:
    """Return the floating-point operations of the function's matrix products, in units of 1e12."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() / 1e12


def floor(operations: float, dimension: int, training: bool) -> float:
    """Return the seconds that the unavoidable work takes on this machine if each part of it runs alone.

    The parts are the matrix products, at the rate of the feed-forward layer's product; the GELU of each unit
    and, in training, its derivative; and, in training, writing the gradient of each weight.
    operations: of the matrix products, in units of 1e12.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    states = torch.randn(BATCH * PAPER["latents"], dimension, device=device, dtype=dtype)
    weight = torch.randn(8 * dimension, dimension, device=device, dtype=dtype)
    units = torch.randn(BATCH * PAPER["latents"] * 4 * dimension, device=device, dtype=dtype)
    weights = (
        4 * dimension * PAPER["heads"] * PAPER["head_dim"] + 12 * dimension**2 + PAPER["latents"] * dimension
    )

    def gelu() -> None:
        for part in units.split(2**18):  # stays in the processor's cache
            F.gelu(part)
            if training:
                torch.ops.aten.gelu_backward(part, part)

    seconds = medians(
        {
            "product": lambda: F.linear(states, weight),
            "gelu": gelu,
            "gradients": lambda: torch.zeros(weights if training else 1, device=device),
        }
    )
    product_rate = 2 * states.numel() * len(weight) / 1e12 / seconds["product"]
    return operations / product_rate + seconds["gelu"] + seconds["gradients"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--case", default="", help="run only cases whose name contains this text")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    cases = GPU_CASES if torch.cuda.is_available() else CASES
    rows = []
    for name, (dimension, states, training, *goals) in cases.items():
        if arguments.case in name:
            rows.append(measured(name, (dimension, states, training), goals, arguments.repeats))
    print(f"Batch {BATCH}, pool {PAPER}. {hardware()}\n")
    print_table(
        ["case", "plain s", "ours s", "faster", "goal", "plain MB", "ours MB", "less", "goal",
         "plain TFLOP", "ours TFLOP", "floor s", "above floor"], rows,
    )  # fmt: skip


def measured(name: str, case: tuple[int, int, bool], goals: list, repeats: int) -> list[str]:
    """Return one row of the table."""
    memory = {kind: peak_memory_added(prepared, kind, *case) for kind in ("plain", "ours")}
    functions = {kind: prepared(kind, *case) for kind in ("plain", "ours")}
    results = [function().detach() for function in functions.values()]
    torch.testing.assert_close(*results, rtol=2e-2, atol=2e-2)
    operations = {kind: teraflops(function) for kind, function in functions.items()}
    seconds = medians(functions, repeats)
    least = floor(operations["ours"], case[0], case[2])
    return [
        name,
        f"{seconds['plain']:.3f}",
        f"{seconds['ours']:.4f}",
        f"{seconds['plain'] / seconds['ours']:.1f}x",
        f"{goals[0]}x" if goals[0] else "",
        f"{memory['plain'] / 2**20:.0f}",
        f"{memory['ours'] / 2**20:.0f}",
        f"1/{memory['plain'] / memory['ours']:.1f}",
        f"1/{goals[1]}" if goals[1] else "",
        f"{operations['plain']:.3f}",
        f"{operations['ours']:.4f}",
        f"{least:.4f}",
        f"{seconds['ours'] / least:.2f}x",
    ]


if __name__ == "__main__":
    main()
