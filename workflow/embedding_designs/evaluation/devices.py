"""Runs a model in one process per device: on each visible GPU, or in several CPU processes.

Sentence Transformers' `start_multi_process_pool` does not fit: `encode` then returns nothing until it has all
embeddings, so a kill would lose them, and the parent process needs another copy of the model.
"""

import contextlib
import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

PATIENCE = 2.0  # seconds between checks that the other processes are alive


def count_devices(asked: int | None) -> int:
    """Return the number of encoding processes; None means one per visible GPU, or one without a GPU."""
    return asked or max(1, torch.cuda.device_count())


@contextlib.contextmanager
def on_devices(load: Callable[[], Any], devices: int) -> Iterator[Any]:
    """Yield the model that `load` returns, or an object that encodes with it on several devices.

    load: a function that other processes can import, for example partial(load_model, path).
    """
    if devices == 1:
        yield load()
        return
    model = SeveralDevices(load, devices)
    try:
        yield model
    finally:
        model.close()


class SeveralDevices:
    """Encodes batches of texts with one process per device, each with its own copy of the model."""

    def __init__(self, load: Callable[[], Any], devices: int):
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self.batches, self.results = context.Queue(), context.Queue()
        threads = max(1, torch.get_num_threads() // devices)
        self.processes = [
            context.Process(
                target=_encode, args=(load, rank, threads, self.batches, self.results), daemon=True
            )
            for rank in range(devices)
        ]
        for process in self.processes:
            process.start()
        self.max_seq_length, self.needs_separate_prompt = self._result()

    def encode_batches(
        self, batches: Sequence[Sequence[str]], **reading: str
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number and the embeddings, (texts, dim), of each batch as soon as it is done."""
        for number, texts in enumerate(batches):
            self.batches.put((number, texts, reading))
        for _ in batches:
            yield self._result()

    def close(self) -> None:
        """Stop the processes."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join()

    def _result(self) -> Any:
        while True:
            with contextlib.suppress(queue.Empty):
                result = self.results.get(timeout=PATIENCE)
                if isinstance(result, Exception):
                    raise result
                return result
            for rank, process in enumerate(self.processes):
                if not process.is_alive():
                    raise RuntimeError(f"the process on device {rank} died with exit code {process.exitcode}")


def needs_separate_prompt(model: Any) -> bool:
    """Return whether a model must be given the prompt separately, and the side of the task."""
    if isinstance(model, SeveralDevices):
        return model.needs_separate_prompt
    return isinstance(model, SentenceTransformer) and getattr(model[0], "needs_separate_prompt", False)


def encode_batches(
    model: Any, batches: Sequence[Sequence[str]], **reading: str
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number and the embeddings, (texts, dim), of each batch, from one model or several.

    reading: Sentence Transformers' `prompt` and `task`, for a model that `needs_separate_prompt`.
    """
    if hasattr(model, "encode_batches"):
        yield from model.encode_batches(batches, **reading)
        return
    for number, texts in enumerate(batches):
        yield number, model.encode(texts, batch_size=len(texts), show_progress_bar=False, **reading)


def _encode(load: Callable[[], Any], rank: int, threads: int, batches: Any, results: Any) -> None:
    """Encode batches until the parent exits; the first result is what the parent needs of the model."""
    if torch.cuda.is_available():
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    try:
        model = load()
        if rank == 0:
            results.put((getattr(model, "max_seq_length", None), needs_separate_prompt(model)))
        while parent and parent.is_alive():
            with contextlib.suppress(queue.Empty):
                number, texts, reading = batches.get(timeout=PATIENCE)
                results.put((number, next(encode_batches(model, [texts], **reading))[1]))
    except Exception as error:
        results.put(RuntimeError(f"device {rank}: {type(error).__name__}: {error}"))
        raise
    os._exit(0)  # does not wait for a pipe that nobody reads anymore
