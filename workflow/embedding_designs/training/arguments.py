"""The Trainer's arguments for a run config, and what the processes of a training must fulfil."""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformerTrainingArguments

from ..common.errors import BadInput
from ..study.designs import is_trained
from ..study.run_config import RunConfig
from . import processes
from .sampler import SAMPLERS

RULES = {"training": "train_design", "adaptation": "adapt_base"}  # by the key of the recipe
POOLING_PARAMETERS = r"^([a-z_]+\.)*1\."  # the pooling is module 1 of the model
PROJECTION_PARAMETERS = r"^([a-z_]+\.)*0\.context\.projection\."  # of the contextual token
SIDES = {"query": "query", "positive": "document", "negative": "document"}  # of a row's texts, for templates


def training_arguments(
    config: RunConfig, checkpoints: Path, heldout_share: int
) -> SentenceTransformerTrainingArguments:
    """Return the Trainer's arguments for a run config.

    Each process takes its share of a batch. heldout_share: the same of a held-out batch; 0: no held-out loss.
    """
    recipe = config.training
    return SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch_size"] // processes.count(),
        per_device_eval_batch_size=max(1, heldout_share),
        gradient_accumulation_steps=recipe["gradient_accumulation_steps"],
        learning_rate=recipe["learning_rate"],
        learning_rate_mapping=learning_rates(config),
        router_mapping=SIDES if "templates" in config.design else {},
        warmup_steps=recipe["warmup_steps"],
        lr_scheduler_type="linear",
        weight_decay=recipe["weight_decay"],
        max_grad_norm=recipe["max_grad_norm"],
        bf16=recipe["precision"] == "bf16",
        activation_checkpointing=recipe["gradient_checkpointing"],
        activation_checkpointing_kwargs={"use_reentrant": False},
        use_cpu=not torch.cuda.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        batch_sampler=SAMPLERS[recipe["shared_texts"]],
        dataloader_drop_last=True,  # every step has the same number of negatives
        logging_steps=recipe["log_steps"],
        logging_nan_inf_filter=False,  # it hides such losses, and waits for the GPU each micro-step
        eval_strategy="steps" if heldout_share else "no",
        eval_steps=recipe["heldout_steps"],
        save_strategy="steps",
        save_steps=recipe["checkpoint_steps"],
        save_total_limit=2,  # a kill may leave the newest incomplete
        disable_tqdm=True,
        report_to="none",
    )


def learning_rates(config: RunConfig) -> dict[str, float]:
    """Return the learning rates that differ from the backbone's, by a pattern of the parameters' names."""
    rate = config.training.get("pooling_learning_rate")
    has_weights = {
        POOLING_PARAMETERS: is_trained(config.design["pooling"]),
        PROJECTION_PARAMETERS: "contextual" in config.design,
    }
    return {names: rate for names, are_there in has_weights.items() if rate and are_there}


def check_launch(recipe: dict[str, Any], key: str = "training") -> None:
    """Raise BadInput if the processes that accelerate started cannot run the recipe of this key."""
    batch, sharing = recipe["batch_size"], processes.sharing()
    if batch % processes.count():
        raise BadInput(
            f"{key}.batch_size {batch} cannot be shared by {processes.count()} GPUs: the number of GPUs"
            f" must divide it (resource gpu of rule {RULES[key]})"
        )
    if sharing == "fsdp":
        raise BadInput("resource accelerate: FSDP cannot train these models; choose ZeRO-2, or none")
    if sharing == "deepspeed" and recipe.get("mini_batch_size"):
        raise BadInput("training.mini_batch_size: not with DeepSpeed; leave out the resource accelerate")
