"""How the benchmarks measure: medians of alternating runs, peak memory in a separate process, and tables."""

import multiprocessing
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

from embedding_designs.common.wording import counted


def medians(functions: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Return the median seconds of each function; they run in turn, so that noise affects all of them alike.

    The first run of each is a warm-up and does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            synchronize()
            began = time.perf_counter()
            function()
            synchronize()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def synchronize() -> None:
    """Wait until the GPU, if there is one, has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_memory_added(prepare: Callable[..., Callable[[], object]], *arguments: object) -> int:
    """Return the peak of the memory, in bytes, that one call of the function from prepare(*arguments) adds.

    The call runs in a separate process; gradients and everything cached for later calls count.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_memory_added, (prepare, arguments))


def _peak_memory_added(prepare: Callable[..., Callable[[], object]], arguments: tuple) -> int:
    function = prepare(*arguments)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return torch.cuda.max_memory_allocated() - before
    before = psutil.Process().memory_info().rss
    function()
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # Linux
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 - before


def compared(plain: Callable[[], object], ours: Callable[[], object], repeats: int) -> list[str]:
    """Return the cells of COMPARED: seconds of both, how much faster ours is, and the MB that each adds."""
    functions = {"plain": plain, "ours": ours}
    memory = [peak_memory_added(partial, function) for function in functions.values()]
    seconds = medians(functions, repeats)
    return [
        f"{seconds['plain']:.1f}",
        f"{seconds['ours']:.1f}",
        f"{seconds['plain'] / seconds['ours']:.2f}x",
        *(f"{added / 2**20:.0f}" for added in memory),
    ]


def against_first(
    seconds: Mapping[str, float], memory: Mapping[str, int], shown: Callable[[float], str]
) -> list[list[str]]:
    """Return a row per variant: its name, its seconds as `shown`, and how the first compares, with the MB."""
    first = next(iter(seconds))
    return [
        [name, shown(took), f"{seconds[first] / took:.2f}x",
         f"{memory[name] / 2**20:.0f}", f"1/{memory[first] / memory[name]:.1f}"]
        for name, took in seconds.items()
    ]  # fmt: skip


def training_step(
    model: Any, loss: Any, columns: Iterable[Mapping[str, torch.Tensor]], bf16: bool = False
) -> Callable[[], None]:
    """Return a function that runs one step, forward (bf16: under autocast) and backward."""

    def run() -> None:
        model.zero_grad()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
            value = loss([dict(column) for column in columns], None)
        value.backward()

    return run


COMPARED = ["plain s", "ours s", "faster", "plain MB", "ours MB"]


def hardware() -> str:
    """Return one line that describes the machine."""
    threads = counted(torch.get_num_threads(), "thread")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{processor()}, {threads}"
    return f"{time.strftime('%Y-%m-%d')}, {name}, torch {torch.__version__.split('+')[0]}"


def processor() -> str:
    """Return the name of the processor; Linux."""
    found = re.search(r"model name\s+: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
