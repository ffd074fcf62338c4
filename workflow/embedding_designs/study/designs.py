"""What a design may be: the settings of each kind of pooling, and the layers that a pooling reads.

Here a study's designs are completed with their defaults and checked; nothing here needs torch.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PAPER_POOL = {"latents": 768, "heads": 32, "head_dim": 2048}  # arXiv 2409.02727
NV_EMBED_POOL = {"latents": 512, "heads": 8, "head_dim": 4096}  # arXiv 2405.17428 and its public code
READS_LAYERS = {"layers": "all"}
LAYER_CHOICES = ("all", "first_third", "middle_third", "last_third")


@dataclass(frozen=True)
class PoolingKind:
    """What one kind of pooling takes.

    causal, bidirectional: the token states it may read under each attention, the default first; settings:
    its other settings with their defaults; trained: whether it has weights.
    """

    causal: list[str]
    bidirectional: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    trained: bool = False


POOLING_KINDS = {
    "eos": PoolingKind(["last"], ["last"]),
    "mean": PoolingKind(["mean"], ["mean"]),
    "weighted_mean": PoolingKind(["weighted_mean"], ["weighted_mean"]),
    "last_layer": PoolingKind(["last", "all"], ["all", "last"], PAPER_POOL, trained=True),
    "latent_attention": PoolingKind(["all"], ["all"], NV_EMBED_POOL, trained=True),
    "mean_layers": PoolingKind(["last", "mean"], ["mean", "last"], READS_LAYERS),
    "layer_mix": PoolingKind(["last", "mean"], ["mean", "last"], READS_LAYERS, trained=True),
    "multi_layer": PoolingKind(
        ["last", "mean"], ["mean", "last"], PAPER_POOL | READS_LAYERS | {"layer_weights": True}, trained=True
    ),
}


def complete_design(name: str, design: dict[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    """Fill in the defaults of a design's pooling, and yield what is wrong with the design."""
    pooling = design["pooling"]
    kind = POOLING_KINDS[pooling["kind"]]
    tokens = kind.causal if design["attention"] == "causal" else kind.bidirectional
    defaults = {"tokens": tokens[0], **kind.settings}
    for key, default in defaults.items():
        pooling.setdefault(key, default)
    if pooling["tokens"] not in tokens:
        yield (f'designs.{name}.pooling.tokens "{pooling["tokens"]}" does not fit {pooling["kind"]}; '
               f"choose from {', '.join(tokens)}")  # fmt: skip
    for key in [key for key in pooling if key not in ("kind", *defaults)]:
        yield (f"designs.{name}.pooling.{key} {pooling[key]} does not fit {pooling['kind']}; "
               f"allowed: kind, {', '.join(defaults)}")  # fmt: skip
    if "layers" in defaults:
        yield from _check_layers(name, pooling["layers"], bases)
    yield from _check_finetuning(name, design, bases)


def layer_numbers(layers: str | list[int], count: int) -> list[int]:
    """Return the numbers, 1 to `count`, of the layers that a design's `layers` means on a base of `count`.

    The first and the last third have (count + 1) // 3 layers each and the middle third has the rest.
    Raises ValueError where the base has too few.
    """
    numbers = list(range(1, count + 1))
    if layers == "all":
        return numbers
    if isinstance(layers, str):
        if count < 3:
            raise ValueError(f"{layers} needs 3 layers or more, and there are {count}")
        outer = (count + 1) // 3
        parts = {
            "first_third": slice(outer),
            "middle_third": slice(outer, -outer),
            "last_third": slice(-outer, None),
        }
        return numbers[parts[layers]]
    if unknown := [number for number in layers if number not in numbers]:
        raise ValueError(f"{layers} holds {unknown[0]}; choose from 1 to {count}")
    return sorted(layers)


def _check_layers(name: str, layers: str | list[int], bases: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(layers, str) and layers not in LAYER_CHOICES:
        close = difflib.get_close_matches(layers, LAYER_CHOICES, n=1)
        hint = f"did you mean {close[0]}? allowed" if close else "choose from"
        yield (f'designs.{name}.pooling.layers "{layers}" is not known; {hint} {", ".join(LAYER_CHOICES)} '
               "or a list of layer numbers")  # fmt: skip
        return
    for base, settings in bases.items():
        if "pretrain" in settings:  # a hub model's layers are known, and checked, when it is loaded
            try:
                layer_numbers(layers, settings["pretrain"]["layers"])
            except ValueError as error:
                yield f"designs.{name}.pooling.layers {error} (base {base})"


def _check_finetuning(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    modes = {design.get("finetuning", base["finetuning"]) for base in bases.values()}
    if "lora" in design and modes == {"full"}:
        yield f"designs.{name}.lora needs designs.{name}.finetuning lora; full finetuning trains no adapter"
