"""Measures training: steps of design 5 and of a model as large as SmolLM2, and the quickstart's trainings.

python benchmarks/training.py step [--repeats 5]
python benchmarks/training.py lora [--repeats 3]         # LoRA's layers; 15 GB of memory
python benchmarks/training.py attention [--repeats 3]    # attention by layer; 4 GB
python benchmarks/training.py mntp [--repeats 3]         # adaptation by masked next-token prediction; 4 GB
python benchmarks/training.py run [--repeats 5]          # after `make study`
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from datasets import Dataset
from measure import (
    COMPARED,
    against_first,
    compared,
    hardware,
    medians,
    peak_memory_added,
    print_table,
    training_step,
)
from plain import made_plain
from random_base import random_base
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from smollm2_steps import measure_attention, measure_lora, measure_mntp
from transformers import set_seed
from transformers.utils import logging

from embedding_designs.common import gpus
from embedding_designs.study.run_config import RunConfig
from embedding_designs.study.run_configs import run_config
from embedding_designs.study.study import load_study
from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss
from embedding_designs.training.model import build_model, untrained_model
from embedding_designs.training.train_run import train_run

STUDY = Path("results/quickstart")
PAPER = {"latents": 768, "heads": 32, "head_dim": 2048}
DESIGN_5 = {
    "attention": "bidirectional",
    "pooling": {"kind": "multi_layer", "tokens": "mean", "layers": "all", "layer_weights": True},
}
STEPS = {
    "all as written, all states kept": {"pooling": "plain", "states": "kept", "checkpointing": False},
    "pooling ours, all states kept": {"pooling": "ours", "states": "kept", "checkpointing": False},
    "pooling ours, states pooled on the fly": {"pooling": "ours", "states": "pooled", "checkpointing": False},
    "the same with checkpointing": {"pooling": "ours", "states": "pooled", "checkpointing": True},
}


def pooling_step(base: str, sizes: dict[str, int], texts: int, tokens: int, variant: dict) -> Callable:
    """Return a function that runs one training step of design 5, forward and backward."""
    torch.manual_seed(0)
    design = {**DESIGN_5, "pooling": {**DESIGN_5["pooling"], **sizes}}
    model = build_model(base, design, max_seq_length=tokens).train()
    if variant["states"] == "kept":
        made_plain(model, pooling=variant["pooling"] == "plain")
    if variant["checkpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    ids = torch.randint(5, model.tokenizer.vocab_size, (3, texts, tokens), device=model.device)
    columns = [{"input_ids": rows, "attention_mask": torch.ones_like(rows)} for rows in ids]
    plain = variant["pooling"] == "plain"
    loss = (MultipleNegativesRankingLoss if plain else InBatchContrastiveLoss)(model, scale=20.0)
    return training_step(model, loss, columns)


def measure_steps(repeats: int) -> None:
    """Print the cost of a training step of design 5 for each way of keeping the states."""
    for name, sizes, texts in [
        ("the paper's pooling (768 latents, 32 x 2048)", PAPER, 4),
        ("the quickstart's pooling (32 latents, 4 x 64)", {"latents": 32, "heads": 4, "head_dim": 64}, 16),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            case = (random_base(folder), sizes, texts, 128)
            memory = {key: peak_memory_added(pooling_step, *case, variant) for key, variant in STEPS.items()}
            seconds = medians({key: pooling_step(*case, variant) for key, variant in STEPS.items()}, repeats)
        print(f"\nStep of design 5, 12 layers x 256, {3 * texts} texts of 128 tokens, {name}. {hardware()}\n")
        print_table(
            ["variant", "s", "faster", "MB", "less"],
            against_first(seconds, memory, lambda took: f"{took:.3f}"),
        )


def plain_run(config: RunConfig, base: str) -> None:
    """Train a run of the quickstart with the plain formulas and Sentence Transformers' defaults."""
    set_seed(config.seed)
    model = made_plain(untrained_model(config, base))
    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder, max_steps=config.training["steps"],
                per_device_train_batch_size=config.training["batch_size"],
                learning_rate=config.training["learning_rate"], use_cpu=not torch.cuda.is_available(),
                save_strategy="no", disable_tqdm=True, report_to="none",
            ),
            train_dataset=Dataset.from_parquet(str(STUDY / "data/train.parquet"), keep_in_memory=True),
            loss=MultipleNegativesRankingLoss(model, scale=config.training["scale"]),
        ).train()  # fmt: skip


def our_run(config: RunConfig, base: str) -> None:
    """Train a run of the quickstart as the workflow does, with held-out losses and checkpoints."""
    data = STUDY / "data"
    with tempfile.TemporaryDirectory() as folder:
        checkpoints, log = Path(folder) / "checkpoints", Path(folder) / "log.jsonl"
        train_run(config, base, data / "train.parquet", data / "heldout.parquet", checkpoints, log)


def measure_runs(repeats: int, designs: list[str]) -> None:
    """Print the cost of training runs of the quickstart, with one thread each, as in their rule."""
    torch.set_num_threads(1)
    base, rows = str(STUDY / "bases/mini/model"), []
    for design in designs:
        config = run_config(load_study("config/studies/quickstart.yaml"), "mini", design, seed=1)
        rows.append(
            [design, *compared(partial(plain_run, config, base), partial(our_run, config, base), repeats)]
        )
    print(f"\nOne training run of the quickstart. {hardware()}\n")
    print_table(["design", *COMPARED], rows)


PARTS = {"step": measure_steps, "lora": measure_lora, "attention": measure_attention, "mntp": measure_mntp}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("part", choices=[*PARTS, "run"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--design", nargs="+", default=["eos-causal", "multi-layer-bidirectional"])
    arguments = parser.parse_args()
    gpus.choose(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if arguments.part == "run":
        measure_runs(arguments.repeats, arguments.design)
    else:
        PARTS[arguments.part](arguments.repeats)


if __name__ == "__main__":
    main()
