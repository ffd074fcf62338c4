"""Trains one design on one base model with one seed; a killed training goes on from its last checkpoint.

python -m embedding_designs.training.train_design CONFIG.json --train T.parquet --heldout H.parquet …

On several GPUs embedding_designs.training.launch runs it once for each. At SIGTERM it writes a checkpoint and
exits.
"""

import argparse
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from transformers import set_seed

from ..common.atomic_writes import atomic, resumable
from ..common.command import command
from ..common.errors import BadInput
from ..common.hashes import files_hash
from ..common.json_files import read_object
from ..fetching.fetched import fetched_revision
from ..study.designs import TRAINED_POOLINGS
from . import processes
from .base_checks import check_lora_targets
from .checkpoints import train_with_checkpoints
from .console import take_console
from .contrastive_loss import contrastive_loss
from .log import TrainingLog
from .memory import memory_for
from .model import base_arguments, build_model, merge_adapter, save_model
from .sampler import SAMPLERS
from .stop_signal import leave_at_sigterm
from .trainer import Trainer, weights_apart
from .triplets import check_batches, heldout_share, read_triplets

POOLING_PARAMETERS = r"(^|\.)1\."  # the pooling is module 1 of the model
CONFIG = {"base": dict, "design": dict, "seed": int, "training": dict}


def train_run(
    config: dict[str, Any], base: str, train: Path, heldout: Path, checkpoints: Path, log: Path
) -> SentenceTransformer:
    """Return the trained model of a run config; writes the training log, and checkpoints on the way.

    base: folder or hub name of the base model. The seed is set before any weight is drawn, so that the
    same config and data give the same model, whether or not the training was interrupted. All processes of a
    training call this together. Raises Stopped at SIGTERM, with a checkpoint written.
    """
    recipe, run = config["training"], f"{config['design']['name']} seed{config['seed']}"
    train_rows, heldout_rows = read_triplets(train), read_triplets(heldout)
    check_batches(train_rows, recipe, config["seed"], train)
    arguments = training_arguments(config, checkpoints, heldout_share(len(heldout_rows), recipe, heldout))
    set_seed(config["seed"])
    model = untrained_model(config, base)
    training_log = TrainingLog(log, model, f"train {run}")
    if processes.count() > 1:
        model.register_forward_hook(only_embeddings)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=heldout_rows,
        loss=contrastive_loss(model, recipe),
        callbacks=[training_log],
        run=run,
    )
    with memory_for(recipe):
        train_with_checkpoints(trainer, training_log, checkpoints)
    trainer.check_end()
    training_log.summarise(trainer.state)
    if config["base"].get("lora", {}).get("save") == "merged":
        merge_adapter(model)
    return model


def untrained_model(config: dict[str, Any], base: str) -> SentenceTransformer:
    """Return the model of a run config before training, with its LoRA adapter where the base asks for one."""
    settings, max_seq_length = config["base"], config["training"]["max_seq_length"]
    model = build_model(
        design=config["design"], max_seq_length=max_seq_length, **base_arguments(base, settings)
    )
    if lora := settings.get("lora"):
        check_lora_targets(model, lora["target_modules"], f"bases.{settings['name']}: lora.target_modules")
        model.add_adapter(
            LoraConfig(
                r=lora["rank"],
                lora_alpha=lora["alpha"],
                lora_dropout=lora["dropout"],
                target_modules=lora["target_modules"],
                task_type="FEATURE_EXTRACTION",
                revision=settings.get("revision"),  # of the base
            )
        )
    return model


def only_embeddings(model: torch.nn.Module, inputs: Any, features: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return of a model's output what the loss reads.

    Data parallelism waits for the gradients of all weights that its output depends on, token states included.
    """
    return {"sentence_embedding": features["sentence_embedding"]}


def training_arguments(
    config: dict[str, Any], checkpoints: Path, heldout_share: int
) -> SentenceTransformerTrainingArguments:
    """Return the Trainer's arguments for a run config.

    Each process takes its share of a batch; heldout_share: of a held-out batch, 0 for no held-out loss.
    """
    recipe = config["training"]
    pooling_rate = recipe.get("pooling_learning_rate")
    has_weights = config["design"]["pooling"]["kind"] in TRAINED_POOLINGS
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch_size"] // processes.count(),
        per_device_eval_batch_size=max(1, heldout_share),
        gradient_accumulation_steps=recipe["gradient_accumulation_steps"],
        learning_rate=recipe["learning_rate"],
        learning_rate_mapping={POOLING_PARAMETERS: pooling_rate} if pooling_rate and has_weights else {},
        warmup_steps=recipe["warmup_steps"],
        lr_scheduler_type="linear",
        weight_decay=recipe["weight_decay"],
        max_grad_norm=recipe["max_grad_norm"],
        bf16=recipe["precision"] == "bf16",
        gradient_checkpointing=recipe["gradient_checkpointing"],
        gradient_checkpointing_kwargs={"use_reentrant": False},
        use_cpu=not torch.cuda.is_available(),
        seed=config["seed"],
        data_seed=config["seed"],
        batch_sampler=SAMPLERS[recipe["shared_texts"]],
        dataloader_drop_last=True,  # every step meets the same number of negatives
        logging_steps=recipe["log_steps"],
        logging_nan_inf_filter=False,  # it hides such losses, and waits for the GPU each micro-step
        eval_strategy="steps" if heldout_share else "no",
        eval_steps=recipe["heldout_steps"],
        save_strategy="steps",
        save_steps=recipe["checkpoint_steps"],
        save_total_limit=2,  # the newest may be cut off by a kill
        disable_tqdm=True,
        report_to="none",
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # or one process would take all GPUs, with a batch for each
    return arguments


def save_run(model: SentenceTransformer, config: dict[str, Any], output: Path) -> None:
    """Write the model folder, the run config in it, whole or not at all."""
    with atomic(output) as part, weights_apart(model):
        save_model(model, part)
        (part / "run_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def check_launch(config: dict[str, Any]) -> None:
    """Raise BadInput where the processes that accelerate began cannot make this training."""
    batch, sharing = config["training"]["batch_size"], processes.sharing()
    if batch % processes.count():
        raise BadInput(
            f"training.batch_size {batch} cannot be shared by {processes.count()} GPUs: the number of GPUs"
            " must divide it (resource gpu of rule train_design)"
        )
    if sharing == "fsdp":
        raise BadInput("resource accelerate: FSDP cannot train these models; choose ZeRO-2, or none")
    if sharing == "deepspeed" and config["training"].get("mini_batch_size"):
        raise BadInput("training.mini_batch_size: not with DeepSpeed; leave out the resource accelerate")


@contextlib.contextmanager
def shared_checkpoints(folder: Path, *inputs: Path) -> Iterator[Path]:
    """Yield the folder of checkpoints, which the main process makes, and removes at the end."""
    with contextlib.ExitStack() as stack:
        if processes.is_main():
            stack.enter_context(resumable(folder, files_hash(*inputs)))
        processes.wait()
        yield folder


@command
def main() -> None:
    """Train one run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument(
        "--base", type=Path, nargs="?", help="folder of the base; default: the config's model"
    )
    parser.add_argument("--fetched", type=Path, nargs="?", help="what was fetched of a base from the hub")
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)
    arguments = parser.parse_args()

    leave_at_sigterm()
    processes.join()
    if processes.is_main():
        take_console()
    config = read_object(arguments.config, CONFIG)
    if arguments.fetched:
        config["base"] |= fetched_revision(arguments.fetched)
    check_launch(config)
    base = str(arguments.base or config["base"]["model"])
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
