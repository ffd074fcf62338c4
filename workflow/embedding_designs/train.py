"""Trains one design on one base model with one seed; a killed training goes on from its last checkpoint.

python -m embedding_designs.train CARD.json --train T.parquet --heldout H.parquet --checkpoints DIR …
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from transformers import set_seed
from transformers.trainer_utils import get_last_checkpoint

from .command import command, content_hash, read_json, resumable, whole
from .contrastive_loss import InBatchContrastiveLoss
from .designs import POOLING_KINDS
from .model import build_model, merge_adapter, save_model
from .training_log import TrainingLog

POOLING_PARAMETERS = r"(^|\.)1\."  # the pooling is module 1 of the model


def train_run(
    card: dict[str, Any], base: str, train: Path, heldout: Path, checkpoints: Path, log: Path
) -> SentenceTransformer:
    """Return the trained model of a run card; writes the training log, and checkpoints on the way.

    base: folder or hub name of the base model. The seed is set before any weight is drawn, so that the
    same card and data give the same model, whether or not the training was interrupted.
    """
    set_seed(card["seed"])
    model = untrained_model(card, base)
    recipe = card["training"]
    training_log = TrainingLog(log, model, f"train {card['design']['name']} seed{card['seed']}")
    trainer = SentenceTransformerTrainer(
        model=model,
        args=training_arguments(card, checkpoints),
        train_dataset=Dataset.from_parquet(str(train), keep_in_memory=True),
        eval_dataset=Dataset.from_parquet(str(heldout), keep_in_memory=True),
        loss=InBatchContrastiveLoss(model, scale=recipe["scale"]),
        callbacks=[training_log],
    )
    trainer.train(resume_from_checkpoint=whole_checkpoint(checkpoints))
    training_log.summarise(trainer.state)
    if card["base"].get("lora", {}).get("save") == "merged":
        merge_adapter(model)
    return model


def untrained_model(card: dict[str, Any], base: str) -> SentenceTransformer:
    """Return the model of a run card before training, with its LoRA adapter where the base asks for one."""
    settings = card["base"]
    hub = {key: settings[key] for key in ("revision", "trust_remote_code") if settings.get(key)}
    model = build_model(base, card["design"], card["training"]["max_tokens"], settings["precision"], **hub)
    if lora := settings.get("lora"):
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


def training_arguments(card: dict[str, Any], checkpoints: Path) -> SentenceTransformerTrainingArguments:
    """Return the Trainer's arguments for a run card."""
    recipe = card["training"]
    pooling_rate = recipe.get("pooling_learning_rate")
    has_weights = POOLING_KINDS[card["design"]["pooling"]["kind"]].trained
    return SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch_size"],
        per_device_eval_batch_size=recipe["batch_size"],
        gradient_accumulation_steps=recipe["accumulation"],
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
        seed=card["seed"],
        data_seed=card["seed"],
        dataloader_drop_last=True,  # every step meets the same number of negatives
        logging_steps=recipe["log_steps"],
        eval_strategy="steps",
        eval_steps=recipe["heldout_steps"],
        save_strategy="steps",
        save_steps=recipe["checkpoint_steps"],
        save_total_limit=2,  # the newest may be cut off by a kill
        disable_tqdm=True,
        report_to="none",
    )


def whole_checkpoint(checkpoints: Path) -> str | None:
    """Return the newest checkpoint that was written to its end, or None; cut-off ones are removed."""
    for folder in checkpoints.glob("checkpoint-*"):
        TrainingLog.remove_unless_whole(folder)
    return get_last_checkpoint(str(checkpoints))


def save_run(model: SentenceTransformer, card: dict[str, Any], output: Path) -> None:
    """Write the model folder, the run card in it, whole or not at all."""
    with whole(output) as part:
        save_model(model, part)
        (part / "run_card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


@command
def main() -> None:
    """Train one run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--base", type=Path, nargs="?", help="folder of the base; default: the card's model")
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)
    arguments = parser.parse_args()

    card = read_json(arguments.card)
    base = str(arguments.base or card["base"]["model"])
    inputs = [arguments.card, arguments.train, arguments.heldout]
    weights = [arguments.base / "model.safetensors"] if arguments.base else []
    with resumable(arguments.checkpoints, content_hash(*inputs, *weights)) as checkpoints:
        log = checkpoints / "training.jsonl"
        model = train_run(card, base, arguments.train, arguments.heldout, checkpoints, log)
        save_run(model, card, arguments.output)
        with whole(arguments.training_log) as part:
            part.write_bytes(log.read_bytes())


if __name__ == "__main__":
    main()
