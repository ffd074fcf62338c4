"""Trains one run: what the commands train_design, tune_design and adapt_base share."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from transformers import set_seed

from ..common.atomic_writes import atomic, resumable
from ..common.collapse import collapse_in_words
from ..common.command import note
from ..common.hashes import files_hash
from ..fetching.fetched import fetched_base
from ..study.designs import trained_dimensions
from ..study.run_config import RunConfig
from . import processes
from .arguments import check_launch, training_arguments
from .base_checks import folder_of
from .checkpoints import train_with_checkpoints
from .console import take_console
from .contrastive_loss import contrastive_loss, over_dimensions
from .log import TrainingLog
from .memory import check_memory, memory_for
from .model import finish_model, untrained_model
from .precision import precision_here
from .stop_signal import leave_at_sigterm
from .trainer import Trainer
from .triplets import check_batches, heldout_share, read_sources, read_triplets


def train_run(
    config: RunConfig, base: str, train: Path, heldout: Path, checkpoints: Path, log: Path, name: str = "",
    encoder: str | None = None,
) -> SentenceTransformer:  # fmt: skip
    """Return the trained model of a run; writes the training log, and checkpoints on the way.

    base: folder or hub name of the base model; name: what messages call the run; default: its design and
    seed; encoder: as in `untrained_model`. The seed is set before any weight is drawn, so that the same
    config and data give the same model, whether or not the training was interrupted. All processes of a
    training call this together. Raises Stopped at SIGTERM, with a checkpoint written, and Diverged if a loss
    or weight is not finite.
    """
    recipe, name = config.training, name or config.run
    train_rows, heldout_rows = read_triplets(train), read_triplets(heldout)
    check_memory(config, folder_of(base, config.base.get("revision")), train_rows)
    sources = read_sources(train, recipe)
    check_batches(train_rows, recipe, config.seed, train, sources)
    share = heldout_share(len(heldout_rows), recipe, heldout)
    arguments = training_arguments(config, checkpoints, share)
    set_seed(config.seed)
    model = untrained_model(config, base, encoder)
    training_log = TrainingLog(log, model, f"train {name}", documents(heldout_rows, share))
    if processes.count() > 1:
        model.register_forward_hook(only_embeddings)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=heldout_rows,
        loss=over_dimensions(contrastive_loss(model, recipe), trained_dimensions(config.design)),
        callbacks=[training_log],
        run=name,
        sources=sources,
    )
    if train_to_the_end(trainer, training_log, checkpoints, recipe):
        note(f"{name} has collapsed: {collapse_in_words(training_log.documents)}")
    finish_model(model, config)
    return model


def train_to_the_end(
    trainer: Trainer, log: TrainingLog, checkpoints: Path, recipe: dict[str, Any], key: str = "training"
) -> bool:
    """Train from the newest checkpoint to the end, and return whether the run has collapsed.

    key: the key of the recipe, for messages.
    """
    with memory_for(recipe, key):
        train_with_checkpoints(trainer, log, checkpoints)
    trainer.check_end()
    return log.summarize(trainer.state)


def documents(heldout_rows: Dataset, share: int) -> int:
    """Return the number of documents that the held-out loss compares a query with: all those of its batch."""
    columns = {"positive", "negative"}.intersection(heldout_rows.column_names)
    return share * processes.count() * len(columns)


def only_embeddings(model: torch.nn.Module, inputs: Any, features: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the part of a model's output that the loss reads.

    Data parallelism waits for the gradients of all weights that its output depends on, token states included.
    """
    return {"sentence_embedding": features["sentence_embedding"]}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that the training commands share."""
    parser.add_argument("config", type=Path, help="the run config")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--base", type=Path, nargs="?", help="folder of the base; default: config's model")
    parser.add_argument(
        "--fetched", type=Path, nargs="*", default=[], help="what was fetched of a base or an encoder"
    )
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)


def begin(arguments: argparse.Namespace, key: str = "training") -> tuple[RunConfig, str]:
    """Return the run config and the base, once this process has joined the others of the training.

    key: the key of the recipe, for messages.
    """
    leave_at_sigterm()
    processes.join()
    if processes.is_main():
        take_console()
    config = RunConfig.read(arguments.config)
    settings, base = fetched_base(config.base, *arguments.fetched)
    config = config.with_base(settings)
    config = config.with_precision(precision_here(config.training["precision"]))
    check_launch(config.training, key)
    return config, str(arguments.base or base)


def with_fetched_encoder(config: RunConfig, fetched: Sequence[Path]) -> tuple[RunConfig, str | None]:
    """Return the run config with the commit of its encoder, and the folder or hub name to load it from.

    The latter is None for a design without a contextual token. fetched: lists of what was fetched.
    """
    if "contextual" not in config.design:
        return config, None
    settings, encoder = fetched_base(config.design["contextual"], *fetched)
    return config.with_encoder(settings), encoder


@contextlib.contextmanager
def shared_checkpoints(
    arguments: argparse.Namespace, config: RunConfig, *more: Path | None
) -> Iterator[tuple[Path, Path]]:
    """Yield the folder of checkpoints and the training log in it.

    At the end, the main process writes the log to its final place and removes the folder. Checkpoints from
    other inputs or in another precision are not used; more: inputs that only one of the commands has.
    """
    log = arguments.checkpoints / "training.jsonl"
    weights = arguments.base and arguments.base / "model.safetensors"
    inputs = [arguments.config, arguments.train, arguments.heldout, *arguments.fetched, weights, *more]
    with contextlib.ExitStack() as stack:
        if processes.is_main():
            key = f"{files_hash(*filter(None, inputs))} {config.training['precision']}"
            stack.enter_context(resumable(arguments.checkpoints, key))
        processes.wait()
        yield arguments.checkpoints, log
        if processes.is_main():
            with atomic(arguments.training_log) as part:
                part.write_bytes(log.read_bytes())
