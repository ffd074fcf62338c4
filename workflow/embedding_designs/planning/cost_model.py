"""Counts the weights of a study's models and the operations that they need for a text.

An operation is a multiplication or an addition. Norms, softmax, and other cheap steps are not counted.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..study.designs import layer_numbers

TABLE = Path(__file__).with_name("base_sizes.csv")
TRAINABLE = ("last_layer", "multi_layer")


@dataclass(frozen=True)
class Backbone:
    """The sizes of a decoder-only language model, as in its config.json."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool

    @property
    def layer_parameters(self) -> int:
        """Return the number of weights in the matrices of all layers."""
        attention = 2 * self.width * self.head_dim * (self.heads + self.kv_heads)
        return self.layers * (attention + 3 * self.width * self.feed_forward)

    @property
    def parameters(self) -> int:
        """Return the number of weights, with the token embeddings but without the language model's head."""
        return self.layer_parameters + self.vocabulary * self.width

    def lora_parameters(self, rank: int) -> int:
        """Return the number of weights of adapters on the seven matrices of each layer."""
        inner, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        sides = 2 * (self.width + inner) + 2 * (self.width + kv) + 3 * (self.width + self.feed_forward)
        return self.layers * rank * sides

    def activations(self, lora: bool, number: int) -> int:
        """Return the bytes that a layer keeps per token for the backward pass; number: bytes per number.

        Norms keep fp32 values; attention keeps queries, keys, and values of all heads, and its output; an
        adapter keeps its dropout's mask and output. Trained matrices keep their inputs, trained norms their
        outputs.
        """
        inner = self.heads * self.head_dim
        norms = 2 * 4 * self.width
        attention_and_feed_forward = number * (4 * inner + 3 * self.feed_forward)
        if lora:
            inputs = (1 + number) * (5 * self.width + inner + self.feed_forward)
        else:
            inputs = norms + number * (2 * self.width + self.feed_forward)
        return norms + attention_and_feed_forward + inputs

    def operations(self, tokens: float) -> float:
        """Return the operations of the forward pass for one text."""
        attention = 4 * self.layers * self.heads * self.head_dim * tokens
        return tokens * (2 * self.layer_parameters + attention)


@dataclass(frozen=True)
class Pool:
    """A design's pooling on a backbone: number of weights, and operations per text."""

    pooling: Mapping[str, Any]
    width: int
    layers: int

    @property
    def parameters(self) -> int:
        """Return the number of weights, without norms and biases."""
        kind = self.pooling["kind"]
        if kind not in (*TRAINABLE, "latent_attention"):
            return 0
        attention = 4 * self.width * self.pooling["heads"] * self.pooling["head_dim"]
        return attention + 12 * self.width**2 + self.pooling["latents"] * self.width

    def operations(self, tokens: float) -> float:
        """Return the operations of the forward pass for one text; see docs/performance.md."""
        kind, width = self.pooling["kind"], self.width
        if kind == "latent_attention":
            return 2 * tokens * (self.parameters + self.pooling["latents"] * width)
        if kind not in TRAINABLE:
            return 0
        states = self._states(tokens)
        if states == 1:  # the latents do not depend on the text
            return 2 * self.parameters
        latents, heads = self.pooling["latents"], self.pooling["heads"]
        first_feed_forward = 16 * latents * width**2
        scores_and_values = 4 * heads * states * width * (width + latents)
        return first_feed_forward + scores_and_values

    def _states(self, tokens: float) -> float:
        if self.pooling["kind"] == "multi_layer":
            return len(layer_numbers(self.pooling["layers"], self.layers))
        return tokens if self.pooling["tokens"] == "all" else 1


def known_backbones() -> dict[str, Backbone]:
    """Return the hub models whose sizes are listed in planning/base_sizes.csv."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["model"]: _backbone(row) for row in rows}


def backbone_of(base: Mapping[str, Any]) -> Backbone | None:
    """Return the sizes of a study's base, or None if they are not known."""
    if "pretrain" not in base:
        return known_backbones().get(base["model"] if "model" in base else base["package"]["name"])
    sizes = base["pretrain"]
    return Backbone(
        layers=sizes["layers"], width=sizes["hidden_size"], feed_forward=sizes["intermediate_size"],
        heads=sizes["heads"], kv_heads=sizes["heads"], head_dim=sizes["hidden_size"] // sizes["heads"],
        vocabulary=sizes["vocabulary"], tied=True,
    )  # fmt: skip


def _backbone(row: Mapping[str, str]) -> Backbone:
    numbers = {field.name: int(row[field.name]) for field in fields(Backbone) if field.type is int}
    return Backbone(**numbers, tied=row["tied"] == "yes")
