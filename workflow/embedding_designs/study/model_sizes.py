"""The sizes of a study's models: their weights, what they keep for the backward pass, their operations.

An operation is a multiplication or an addition. Norms, softmax, and other cheap steps are not counted.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..common.json_files import read_json
from .designs import layer_numbers, parts_of
from .inputs import tokens_read

TABLE = Path(__file__).with_name("base_sizes.csv")
TRAINABLE = ("last_layer", "multi_layer")
UNGATED = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet", "electra", "deberta-v2")
BYTES = {"fp32": 4, "auto": 4, "bf16": 2}  # per number; auto: at most
CONFIG_KEYS = {  # required keys of config.json; the other sizes have defaults
    "layers": "num_hidden_layers", "width": "hidden_size", "feed_forward": "intermediate_size",
    "heads": "num_attention_heads", "vocabulary": "vocab_size",
}  # fmt: skip


@dataclass(frozen=True)
class Backbone:
    """The sizes of a decoder-only language model or an encoder, as in its config.json.

    gated: whether its feed-forward layers have a gate, and so three matrices in place of two.
    """

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    gated: bool = True

    @property
    def layer_parameters(self) -> int:
        """Return the number of weights in the matrices of all layers."""
        attention = 2 * self.width * self.head_dim * (self.heads + self.kv_heads)
        return self.layers * (attention + (2 + self.gated) * self.width * self.feed_forward)

    @property
    def parameters(self) -> int:
        """Return the number of weights, with the token embeddings but without the language model's head."""
        return self.layer_parameters + self.vocabulary * self.width

    def lora_parameters(self, rank: int) -> int:
        """Return the number of weights of adapters on the seven matrices of each layer."""
        inner, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        sides = 2 * (self.width + inner) + 2 * (self.width + kv) + 3 * (self.width + self.feed_forward)
        return self.layers * rank * sides

    def activations(self, lora: Mapping[str, Any], weights: int, products: int) -> int:
        """Return the bytes that a layer keeps per token for the backward pass.

        lora: the adapter's settings, or empty; weights, products: bytes per number of the weights and of the
        matrix products. Norms keep fp32 values; attention the queries, keys, and values of all heads, and its
        output; the feed-forward layer its halves, activation, and product; matrices their inputs. Trained
        norms also keep their outputs, dropout its mask, and under autocast each adapter its copy of an input.
        """
        inner = self.heads * self.head_dim
        norms = 2 * 4 * self.width
        kept = norms + products * (4 * inner + 2 * self.width + (2 + 2 * self.gated) * self.feed_forward)
        if not lora:
            return kept + norms
        masks = bool(lora["dropout"]) * (5 * self.width + inner + self.feed_forward)
        copies = products * 3 * self.width if weights > products else 0
        return kept + masks + copies

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
    def parts(self) -> list["Pool"]:
        """Return the poolings that a concatenation joins; empty for other kinds."""
        if self.pooling["kind"] != "concat":
            return []
        return [Pool(part, self.width, self.layers) for part in parts_of(self.pooling).values()]

    @property
    def parameters(self) -> int:
        """Return the number of weights, without norms and biases."""
        kind = self.pooling["kind"]
        if self.parts:
            return sum(part.parameters for part in self.parts)
        if kind == "learned_query":
            return self.width
        if kind not in (*TRAINABLE, "latent_attention"):
            return 0
        attention = 4 * self.width * self._inner
        return attention + 12 * self.width**2 + self.pooling["latents"] * self.width

    def activations(self, tokens: float) -> float:
        """Return the bytes that a text of this many tokens keeps for the backward pass, in fp32.

        Counted in vectors of the backbone's width. The maximum and the learned query keep their input. Per
        token, latent attention keeps the state, its norm, query and result, and 16 vectors in the
        feed-forward layer. The trainable poolings keep 14 per latent, as counted for 32 and 64 latents, or 18
        in total if they read a single state, whose value is the same for all latents.
        """
        match self.pooling["kind"]:
            case "max" | "learned_query":
                return 4 * tokens * self.width
            case "latent_attention":
                return 4 * tokens * (20 * self.width + 2 * self._inner)
            case "layer_mix":
                return 4 * self._states(tokens) * self.width
            case "last_layer" | "multi_layer":
                vectors = 18 if self._states(tokens) == 1 else 14 * self.pooling["latents"]
                return 4 * vectors * self.width
        return sum(part.activations(tokens) for part in self.parts)

    def operations(self, tokens: float) -> float:
        """Return the operations of the forward pass for one text; see docs/performance.md."""
        kind, width = self.pooling["kind"], self.width
        if self.parts:
            return sum(part.operations(tokens) for part in self.parts)
        if kind == "learned_query":
            return 4 * tokens * width
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

    @property
    def _inner(self) -> int:
        return self.pooling["heads"] * self.pooling["head_dim"]

    def _states(self, tokens: float) -> float:
        if self.pooling["kind"] in ("multi_layer", "layer_mix"):
            return len(layer_numbers(self.pooling["layers"], self.layers))
        return tokens if self.pooling["tokens"] == "all" else 1


@dataclass(frozen=True)
class Context:
    """A contextual token: its encoder, and the projection to a backbone of this width."""

    encoder: Backbone
    width: int

    @property
    def projection(self) -> int:
        """Return the number of weights in the two matrices of the projection."""
        return (self.encoder.width + self.width) * self.width

    def operations(self, tokens: float) -> float:
        """Return the operations of the forward pass for one text."""
        return self.encoder.operations(tokens) + 2 * self.projection


@dataclass(frozen=True)
class Model:
    """One design on a backbone, as it is trained.

    settings: the base as the design trains it: precision, and lora if only an adapter is trained; design: its
    keys that say how a text is read; context: its contextual token, if the sizes of the encoder are known.
    """

    backbone: Backbone
    pool: Pool
    settings: Mapping[str, Any]
    design: Mapping[str, Any] = field(default_factory=dict)
    context: Context | None = None

    def reads(self, tokens: float, side: str) -> float:
        """Return the tokens that the backbone reads for a text of this many, "query" or "document"."""
        return tokens_read(self.design, tokens, side) + ("contextual" in self.design)

    def context_operations(self, tokens: float) -> float:
        """Return the operations of the contextual token for one text; 0 if there is none of known sizes."""
        return self.context.operations(tokens) if self.context else 0

    @property
    def lora(self) -> Mapping[str, Any]:
        """Return the settings of the LoRA adapter; empty if all weights are trained."""
        return self.settings.get("lora", {})

    @property
    def weight_bytes(self) -> int:
        """Return the bytes per weight of the backbone."""
        return BYTES[self.settings["precision"]]

    @property
    def trained(self) -> int:
        """Return the number of trained weights."""
        backbone = self.backbone.lora_parameters(self.lora["rank"]) if self.lora else self.backbone.parameters
        encoder = 0 if self.lora else self._of_encoder
        return self.pool.parameters + backbone + encoder + self._of_projection

    @property
    def frozen_bytes(self) -> int:
        """Return the bytes of the weights that are not trained."""
        return self.weight_bytes * (self.backbone.parameters + self._of_encoder) if self.lora else 0

    @property
    def loaded_bytes(self) -> int:
        """Return the bytes of all weights, without an adapter."""
        full = self.pool.parameters + self._of_projection
        return self.weight_bytes * (self.backbone.parameters + self._of_encoder) + 4 * full

    @property
    def _of_encoder(self) -> int:
        return self.context.encoder.parameters if self.context else 0

    @property
    def _of_projection(self) -> int:
        return self.context.projection if self.context else 0


def known_backbones() -> dict[str, Backbone]:
    """Return the hub models whose sizes are listed in base_sizes.csv."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["model"]: _backbone(row) for row in rows}


def backbone_of(base: Mapping[str, Any], folder: str | Path | None = None) -> Backbone | None:
    """Return the sizes of a study's base, or None if they are not known.

    folder: where its files are, if they are known to be on this machine; default: its `model`.
    """
    if "pretrain" in base:
        return backbone_to_pretrain(base["pretrain"])
    folder = folder or base.get("model")
    if folder and (config := Path(folder) / "config.json").is_file():
        return backbone_in(config)
    return known_backbones().get(base.get("model") or base.get("package", {}).get("name", ""))


def backbone_in(config: Path) -> Backbone | None:
    """Return the sizes in a model's config.json, or None if it is not that of a usual decoder."""
    content = read_json(config)
    if not all(isinstance(content.get(key), int) for key in CONFIG_KEYS.values()):
        return None
    sizes: dict[str, Any] = {name: content[key] for name, key in CONFIG_KEYS.items()}
    heads = sizes["heads"]
    return Backbone(
        **sizes,
        kv_heads=content.get("num_key_value_heads") or heads,
        head_dim=content.get("head_dim") or sizes["width"] // heads,
        tied=bool(content.get("tie_word_embeddings", False)),
        gated=content.get("model_type") not in UNGATED,
    )


def backbone_to_pretrain(sizes: Mapping[str, Any]) -> Backbone:
    """Return the sizes of a base that a study pretrains, from its settings."""
    return Backbone(
        layers=sizes["layers"], width=sizes["hidden_size"], feed_forward=sizes["intermediate_size"],
        heads=sizes["heads"], kv_heads=sizes["heads"], head_dim=sizes["hidden_size"] // sizes["heads"],
        vocabulary=sizes["vocabulary"], tied=True,
    )  # fmt: skip


def _backbone(row: Mapping[str, str]) -> Backbone:
    numbers: dict[str, Any] = {
        field.name: int(row[field.name]) for field in fields(Backbone) if field.type is int
    }
    return Backbone(**numbers, tied=row["tied"] == "yes")
