"""Pretrains a small decoder and its tokenizer from scratch on harvested docstrings: a study's own base.

python -m embedding_designs.training.pretrain_base CONFIG.json --docstrings D.parquet --output DIR …
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast, set_seed

from ..common.atomic_writes import atomic
from ..common.command import command, progress
from ..common.errors import BadInput
from ..common.json_files import read_object
from ..data.docstring_table import read_docstrings
from .log import log_event
from .word_vectors import word_vectors

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
EMBEDDING_SCALE = 0.3  # of word vectors: above what untrained layers add, so that they dominate at first
WARMUP = 0.1  # share of the steps in which the learning rate rises; then it falls linearly to zero
LOG_STEPS = 10


def train_tokenizer(texts: list[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with `vocabulary` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS)


def build_decoder(settings: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Return a causal language model with random weights."""
    config = AutoConfig.for_model(
        settings["architecture"],
        vocab_size=len(tokenizer),
        hidden_size=settings["hidden_size"],
        intermediate_size=settings["intermediate_size"],
        num_hidden_layers=settings["layers"],
        num_attention_heads=settings["heads"],
        num_key_value_heads=settings["heads"],
        head_dim=settings["hidden_size"] // settings["heads"],
        max_position_embeddings=2048,
        sliding_window=None,
        tie_word_embeddings=False,  # next-token training would overwrite what the word vectors hold
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return AutoModelForCausalLM.from_config(config)


def start_from_word_vectors(model: PreTrainedModel, rows: list[list[int]]) -> None:
    """Set the input embeddings to the texts' word vectors, and freeze them."""
    embeddings = model.get_input_embeddings()
    vectors = word_vectors(rows, *embeddings.weight.shape)
    embeddings.weight.data = torch.tensor(vectors * EMBEDDING_SCALE, dtype=torch.float32)
    embeddings.weight.requires_grad_(False)


def token_sequences(rows: list[list[int]], eos: int, length: int) -> Tensor:
    """Return the texts' tokens, each text ended by EOS, as one stream in rows: (sequences, length)."""
    stream = [token for row in rows for token in (*row, eos)]
    if len(stream) < length:
        raise BadInput(
            f"pretrain.sequence_length {length} is more than the {len(stream)} tokens of the docstrings;"
            " lower it, or name more packages in data.train_packages"
        )
    return torch.tensor(stream[: len(stream) // length * length]).view(-1, length)


def train_decoder(model: PreTrainedModel, sequences: Tensor, settings: dict[str, Any], log: Path) -> None:
    """Train on next-token prediction; in a plain loop, which ends before a Trainer has started."""
    steps, highest = settings["steps"], settings["learning_rate"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=highest, betas=(0.9, 0.95), weight_decay=0.01)
    warmup = max(1, round(WARMUP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    batches = torch.randint(len(sequences), (steps, settings["batch_size"]))
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as lines:
        for step, batch in enumerate(progress(batches, description=f"pretrain {settings['name']}"), start=1):
            rows = sequences[batch]  # (batch, length)
            loss = model(input_ids=rows, labels=rows).loss
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            rate = schedule.get_last_lr()[0]
            check_finite(settings, step, rate, loss, norm)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            if step % LOG_STEPS == 0 or step == steps:
                values = {"loss": round(loss.item(), 4), "learning_rate": rate}
                measured = time.perf_counter() - began, step * rows.numel()
                lines.write(json.dumps(log_event("train", step, *measured, **values)) + "\n")
    check_finite(settings, steps, rate, *model.parameters())


def check_finite(settings: dict[str, Any], step: int, rate: float, *numbers: Tensor) -> None:
    """Raise BadInput if loss, gradient norm or weights of a step are not finite."""
    if not all(number.isfinite().all() for number in numbers):
        raise BadInput(
            f"bases.{settings['name']}.pretrain: loss, gradients or weights are not finite at step {step} of"
            f" {settings['steps']}, learning rate {rate:g}; lower pretrain.learning_rate"
        )


def pretrain(settings: dict[str, Any], texts: list[str], output: Path, log: Path) -> None:
    """Write a pretrained base, a transformers folder with its tokenizer, and its training log."""
    set_seed(settings["seed"])
    tokenizer = train_tokenizer(texts, settings["vocabulary"])
    model = build_decoder(settings, tokenizer)
    rows = tokenizer(texts, return_attention_mask=False)["input_ids"]
    if settings["word_vectors"]:
        start_from_word_vectors(model, rows)
    sequences = token_sequences(rows, tokenizer.eos_token_id, settings["sequence_length"])
    train_decoder(model, sequences, settings, log)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


@command
def main() -> None:
    """Pretrain one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--docstrings", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)
    arguments = parser.parse_args()

    config = read_object(arguments.config, {"name": str, "pretrain": dict})
    texts = [row["text"] for row in read_docstrings(arguments.docstrings) if row["split"] == "train"]
    with atomic(arguments.output) as output, atomic(arguments.training_log) as log:
        pretrain({**config, **config["pretrain"]}, texts, output, log)


if __name__ == "__main__":
    main()
