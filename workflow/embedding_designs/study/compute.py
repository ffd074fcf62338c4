"""The compute of a training, an adaptation, or an encoded text, in tokens and operations."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

from .model_sizes import Backbone, Model

QUERY_TOKENS, DOCUMENT_TOKENS = 20, 150  # of training texts, unless they are truncated
PREFIXES = {1e21: "Z", 1e18: "E", 1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M"}


@dataclass(frozen=True)
class Compute:
    """The tokens that the backbone reads, and the operations that they need."""

    tokens: float
    operations: float

    def __add__(self, other: "Compute") -> "Compute":
        return Compute(self.tokens + other.tokens, self.operations + other.operations)

    def __mul__(self, count: float) -> "Compute":
        return Compute(count * self.tokens, count * self.operations)


def rows_of_steps(training: Mapping[str, Any], steps: int) -> int:
    """Return the number of rows that this many optimizer steps use."""
    return steps * training["batch_size"] * training["gradient_accumulation_steps"]


def training_compute(model: Model, training: Mapping[str, Any], steps: int) -> Compute:
    """Return the compute of training a design: forward and backward passes, and recomputation."""
    return _row_compute(model, training) * rows_of_steps(training, steps)


def _row_compute(model: Model, training: Mapping[str, Any]) -> Compute:
    """Return the compute of training a design on one row."""
    again = training["gradient_checkpointing"] + bool(training.get("mini_batch_size"))
    passes = (2 if model.lora else 3) + again  # forward passes of the backbone
    frozen = 1 + bool(training.get("mini_batch_size"))  # has no backward pass to recompute for
    of_encoder = frozen if model.lora else 3 + again
    operations = sum(
        passes * model.backbone.operations(model.reads(tokens, side))
        + (3 + again) * model.pool.operations(tokens)
        + of_encoder * model.context_operations(tokens)
        for tokens, side in _row_texts(training)
    )
    return Compute(sum(model.reads(tokens, side) for tokens, side in _row_texts(training)), operations)


def _row_texts(training: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Return the tokens, and the side, of a training row's query, positive, and negative."""
    longest = training["max_seq_length"]
    documents = 2 * [(min(longest, DOCUMENT_TOKENS), "document")]
    return [(min(longest, QUERY_TOKENS), "query"), *documents]


def adaptation_compute(
    backbone: Backbone, base: Mapping[str, Any], training: Mapping[str, Any], recipe: Mapping[str, Any]
) -> Compute:
    """Return the compute of one adaptation. base: its settings as they are trained; recipe: the adaptation's.

    Texts are queries and documents in the proportion of the training data. The head is counted for the
    masked tokens only; its weights are not trained.
    """
    lengths = [tokens for tokens, _ in _row_texts(training)]
    head = 2 * backbone.vocabulary * backbone.width
    passes = (2 if "lora" in base else 3) + training["gradient_checkpointing"]
    operations = mean(
        passes * backbone.operations(tokens) + 2 * head * recipe["mask_share"] * tokens for tokens in lengths
    )
    return Compute(mean(lengths), operations) * (recipe["steps"] * recipe["batch_size"])


def encoding_operations(model: Model, tokens: float, side: str) -> float:
    """Return the operations of encoding a text of this many tokens, "query" or "document"."""
    of_backbone = model.backbone.operations(model.reads(tokens, side))
    return of_backbone + model.pool.operations(tokens) + model.context_operations(tokens)


def flops_unit(smallest: float) -> tuple[float, str]:
    """Return the unit to show operations in, if this is the smallest number of them: (1e12, "TFLOPs")."""
    size = next((size for size in PREFIXES if smallest >= size), 1.0)
    return size, f"{PREFIXES.get(size, '')}FLOPs"
