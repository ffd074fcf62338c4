"""Checks the designs of a study: the settings of their poolings, the layers they read, the finetuning."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.near_names import nearest
from .adaptation import check_adaptation
from .designs import LAYER_CHOICES, layer_numbers
from .schema import defaults


def check_design(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of a design that has its defaults."""
    pooling = design["pooling"]
    yield from _check_settings(name, pooling)
    if "layers" in pooling:
        yield from _check_layers(name, pooling["layers"], bases)
    yield from _check_finetuning(name, design, bases)
    yield from check_adaptation(name, design)


def pooling_settings(kind: str) -> dict[str, Any]:
    """Return the settings of a kind of pooling with their defaults, its `tokens` among them."""
    settings = defaults("pooling", {"kind": kind})
    del settings["kind"]
    return settings


def _check_settings(name: str, pooling: Mapping[str, Any]) -> Iterator[str]:
    allowed = ["kind", *pooling_settings(pooling["kind"])]
    for key, value in pooling.items():
        if key not in allowed:
            yield (f"designs.{name}.pooling.{key} {value} does not fit {pooling['kind']}; "
                   f"allowed: {', '.join(allowed)}")  # fmt: skip


def _check_layers(name: str, layers: str | list[int], bases: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(layers, str) and layers not in LAYER_CHOICES:
        hint = nearest(layers, LAYER_CHOICES)
        yield f'designs.{name}.pooling.layers "{layers}" is not known; {hint} or a list of layer numbers'
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
