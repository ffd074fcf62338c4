"""Adapts a base by masked next-token prediction on the training texts, before its designs are trained.

python -m embedding_designs.training.adapt_base CONFIG.json --train T.parquet --heldout H.parquet …

Like a training, it resumes from its last checkpoint if it was killed, and can run on several GPUs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from transformers import set_seed

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import write_json
from ..study.run_config import RunConfig
from . import processes
from .arguments import training_arguments
from .base_checks import base_arguments
from .language_model_head import load_head
from .log import TrainingLog
from .masked_tokens import MaskedNextTokenLoss, mask_token_of
from .model import finish_model, separate_storage, untrained_model
from .train_run import add_arguments, begin, shared_checkpoints, train_to_the_end
from .trainer import Trainer
from .triplets import heldout_share, read_triplets

KEY = "adaptation"  # what messages call the recipe


def adapt(
    config: RunConfig, base: str, train: Path, heldout: Path, checkpoints: Path, log: Path
) -> SentenceTransformer:
    """Return the adapted base, in a model whose pooling has no weights; writes the log, and checkpoints.

    Like `train_run`, but with the loss of masked tokens, and with batches of texts from all columns.
    """
    recipe, name = config.training, f"{config.base['name']} {config.design['name']}"
    texts, heldout_texts = (distinct_texts(read_triplets(path)) for path in (train, heldout))
    check_texts(texts, recipe, train)
    share = heldout_share(len(heldout_texts), recipe, heldout)
    set_seed(config.seed)
    model = untrained_model(config, base)
    training_log = TrainingLog(log, model, f"adapt {name}")
    if processes.count() > 1:
        model.register_forward_hook(only_states)
    trainer = Trainer(
        model=model,
        args=training_arguments(config, checkpoints, share),
        train_dataset=texts,
        eval_dataset=heldout_texts,
        loss=masked_next_token_loss(model, config, base),
        callbacks=[training_log],
        run=name,
        recipe=KEY,
    )
    train_to_the_end(trainer, training_log, checkpoints, recipe, KEY)
    finish_model(model, config)
    return model


def masked_next_token_loss(model: SentenceTransformer, config: RunConfig, base: str) -> MaskedNextTokenLoss:
    """Return the loss of an adaptation, with the language model head of its base."""
    arguments, tokenizer = base_arguments(base, config.base), model.tokenizer
    return MaskedNextTokenLoss(
        model,
        load_head(model[0].model.get_input_embeddings(), **arguments),
        mask_token_of(tokenizer, arguments["asked_by"]),
        tokenizer.all_special_ids,
        config.training["mask_share"],
        config.seed,
    )


def distinct_texts(rows: Dataset) -> Dataset:
    """Return the texts of all columns, each once, in the order in which they first occur."""
    columns: Sequence[Any] = rows.with_format("arrow")[:].columns
    texts = [chunk for column in columns for chunk in column.cast(pyarrow.large_string()).chunks]
    return Dataset(pyarrow.table({"text": pyarrow.chunked_array(texts).unique()}))


def check_texts(texts: Dataset, recipe: dict[str, Any], path: Path) -> None:
    """Raise BadInput if there are fewer texts than a batch has."""
    if len(texts) < recipe["batch_size"]:
        raise BadInput(
            f"{KEY}.batch_size {recipe['batch_size']} is more than the {len(texts)} texts to train on; lower"
            f" it, or add training data ({path})"
        )


def only_states(model: torch.nn.Module, inputs: Any, features: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return the part of a model's output that the loss reads, as `only_embeddings` does for a design.

    Outside of training, return all of it: a checkpoint's model card embeds example texts.
    """
    if not model.training:
        return features
    return {name: features[name] for name in ("token_embeddings", "attention_mask")}


def save_adapted(model: SentenceTransformer, config: RunConfig, output: Path) -> None:
    """Write an adapted base atomically: a Transformers folder without a head, and the run config."""
    with atomic(output) as part, separate_storage(model):
        model[0].model.save_pretrained(part)
        model.tokenizer.save_pretrained(part)
        write_json(part / "run_config.json", config.to_json())


@command
def main() -> None:
    """Adapt one base."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_arguments(parser)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    config, base = begin(arguments, KEY)
    with shared_checkpoints(arguments, config) as (checkpoints, log):
        model = adapt(config, base, arguments.train, arguments.heldout, checkpoints, log)
        if processes.is_main():
            save_adapted(model, config, arguments.output)


if __name__ == "__main__":
    main()
