"""Trains one design on one base model with one seed; a killed training resumes from its last checkpoint.

python -m embedding_designs.training.train_design CONFIG.json --train T.parquet --heldout H.parquet …

On several GPUs, embedding_designs.training.launch starts one process per GPU. At SIGTERM a checkpoint is
written before the command exits.
"""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import set_seed

from ..common.atomic_writes import atomic, resumable
from ..common.command import command
from ..common.hashes import files_hash
from ..fetching.fetched import fetched_base
from ..study.run_config import RunConfig
from . import processes
from .arguments import check_launch, training_arguments
from .checkpoints import train_with_checkpoints
from .console import take_console
from .contrastive_loss import contrastive_loss
from .log import TrainingLog
from .memory import memory_for
from .model import finish_model, save_run, untrained_model
from .stop_signal import leave_at_sigterm
from .trainer import Trainer
from .triplets import check_batches, heldout_share, read_sources, read_triplets


def train_run(
    config: RunConfig, base: str, train: Path, heldout: Path, checkpoints: Path, log: Path
) -> SentenceTransformer:
    """Return the trained model of a run; writes the training log, and checkpoints on the way.

    base: folder or hub name of the base model. The seed is set before any weight is drawn, so that the
    same config and data give the same model, whether or not the training was interrupted. All processes of a
    training call this together. Raises Stopped at SIGTERM, with a checkpoint written.
    """
    recipe = config.training
    train_rows, heldout_rows = read_triplets(train), read_triplets(heldout)
    sources = read_sources(train, recipe)
    check_batches(train_rows, recipe, config.seed, train, sources)
    share = heldout_share(len(heldout_rows), recipe, heldout)
    arguments = training_arguments(config, checkpoints, share)
    set_seed(config.seed)
    model = untrained_model(config, base)
    training_log = TrainingLog(log, model, f"train {config.run}")
    if processes.count() > 1:
        model.register_forward_hook(only_embeddings)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=heldout_rows,
        loss=contrastive_loss(model, recipe),
        callbacks=[training_log],
        run=config.run,
        sources=sources,
    )
    with memory_for(recipe):
        train_with_checkpoints(trainer, training_log, checkpoints)
    trainer.check_end()
    training_log.summarize(trainer.state)
    finish_model(model, config)
    return model


def only_embeddings(model: torch.nn.Module, inputs: Any, features: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the part of a model's output that the loss reads.

    Data parallelism waits for the gradients of all weights that its output depends on, token states included.
    """
    return {"sentence_embedding": features["sentence_embedding"]}


@contextlib.contextmanager
def shared_checkpoints(folder: Path, *inputs: Path) -> Iterator[Path]:
    """Yield the folder of checkpoints, which the main process makes, and removes at the end."""
    with contextlib.ExitStack() as stack:
        if processes.is_main():
            stack.enter_context(resumable(folder, files_hash(*inputs)))
        processes.wait()
        yield folder


def parse_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path, help="the run config")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--base", type=Path, nargs="?", help="folder of the base; default: config's model")
    parser.add_argument("--fetched", type=Path, nargs="?", help="what was fetched of a base from the hub")
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)
    return parser.parse_args()


@command
def main() -> None:
    """Train one run."""
    arguments = parse_arguments()
    leave_at_sigterm()
    processes.join()
    if processes.is_main():
        take_console()
    config = RunConfig.read(arguments.config)
    settings, base = fetched_base(config.base, arguments.fetched)
    config = config.with_base(settings)
    check_launch(config.training)
    base = str(arguments.base or base)
    inputs = [arguments.config, arguments.train, arguments.heldout, *filter(None, [arguments.fetched])]
    weights = [arguments.base / "model.safetensors"] if arguments.base else []
    with shared_checkpoints(arguments.checkpoints, *inputs, *weights) as checkpoints:
        log = checkpoints / "training.jsonl"
        model = train_run(config, base, arguments.train, arguments.heldout, checkpoints, log)
        if processes.is_main():
            save_run(model, config, arguments.output)
            with atomic(arguments.training_log) as part:
                part.write_bytes(log.read_bytes())


if __name__ == "__main__":
    main()
