"""Pretrains a small decoder and its tokenizer from scratch on harvested docstrings: a study's own base.

python -m embedding_designs.pretrain CARD.json --docstrings D.parquet --output DIR --training-log LOG.jsonl
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast, set_seed

from .command import command, progress, read_json, whole
from .training_log import peak_memory_mb

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
WARMUP = 0.1  # share of the steps in which the learning rate rises; then it falls linearly to zero


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


def build_decoder(card: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Return a causal language model with random weights, with input and output embeddings tied."""
    config = AutoConfig.for_model(
        card["architecture"],
        vocab_size=len(tokenizer),
        hidden_size=card["hidden_size"],
        intermediate_size=card["intermediate_size"],
        num_hidden_layers=card["layers"],
        num_attention_heads=card["heads"],
        num_key_value_heads=card["heads"],
        head_dim=card["hidden_size"] // card["heads"],
        max_position_embeddings=2048,
        sliding_window=None,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return AutoModelForCausalLM.from_config(config)


def token_sequences(texts: list[str], tokenizer: PreTrainedTokenizerFast, length: int) -> Tensor:
    """Return the texts, each ended by EOS, as one stream cut into rows: (sequences, length)."""
    rows = tokenizer(texts, return_attention_mask=False)["input_ids"]
    stream = [token for row in rows for token in (*row, tokenizer.eos_token_id)]
    return torch.tensor(stream[: len(stream) // length * length]).view(-1, length)


def train_decoder(model: PreTrainedModel, sequences: Tensor, card: dict[str, Any], log: Path) -> None:
    """Train on next-token prediction; a plain loop, because a Trainer starts slower than this ends."""
    steps, rate = card["steps"], card["learning_rate"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    warmup = max(1, round(WARMUP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    batches = torch.randint(len(sequences), (steps, card["batch_size"]))
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as lines:
        for step, batch in enumerate(progress(batches, description=f"pretrain {card['name']}"), start=1):
            rows = sequences[batch]  # (batch, length)
            loss = model(input_ids=rows, labels=rows).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            line = {
                "event": "train",
                "step": step,
                "loss": round(loss.item(), 4),
                "learning_rate": schedule.get_last_lr()[0],
                "seconds": round(time.perf_counter() - began, 3),
                "tokens": step * rows.numel(),
                "peak_memory_mb": peak_memory_mb(),
            }
            schedule.step()
            if step % 10 == 0 or step == steps:
                lines.write(json.dumps(line) + "\n")


def pretrain(card: dict[str, Any], texts: list[str], output: Path, log: Path) -> None:
    """Write a pretrained base, a transformers folder with its tokenizer, and its training log."""
    set_seed(card["seed"])
    tokenizer = train_tokenizer(texts, card["vocabulary"])
    model = build_decoder(card, tokenizer)
    train_decoder(model, token_sequences(texts, tokenizer, card["sequence_length"]), card, log)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


@command
def main() -> None:
    """Pretrain one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--docstrings", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--training-log", type=Path, required=True)
    arguments = parser.parse_args()

    card = read_json(arguments.card)
    docstrings = pd.read_parquet(arguments.docstrings, columns=["text", "split"])
    texts = docstrings.loc[docstrings["split"] == "train", "text"].tolist()
    with whole(arguments.output) as output, whole(arguments.training_log) as log:
        pretrain({**card, **card["pretrain"]}, texts, output, log)


if __name__ == "__main__":
    main()
