"""Checks the designs of a study: the settings of their poolings, the layers they read, the finetuning."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..common.errors import BadInput
from ..common.near_names import nearest
from .adaptation import check_adaptation
from .designs import (
    ATTENTIONS,
    LAYER_CHOICES,
    THIRDS,
    bidirectional_layers,
    full_dimensions,
    layer_numbers,
    parts_of,
    too_many_dimensions,
    trained_dimensions,
)
from .layers import layer_count
from .model_sizes import backbone_of
from .schema import defaults


def check_design(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of a design that has its defaults."""
    attention, pooling = design["attention"], design["pooling"]
    if not isinstance(attention, str):
        key = f"designs.{name}.attention.bidirectional"
        yield from _check_layers(key, attention["bidirectional"], THIRDS, bidirectional_layers, bases)
    elif attention not in ATTENTIONS:
        hint = nearest(attention, ATTENTIONS)
        yield f'designs.{name}.attention "{attention}" is not known; {hint}, or {{bidirectional: layers}}'
    yield from _check_pooling(f"designs.{name}.pooling", pooling, bases)
    yield from _check_dimensions(f"designs.{name}", design, bases)
    yield from _check_finetuning(name, design, bases)
    yield from check_adaptation(name, design)


def pooling_settings(kind: str) -> dict[str, Any]:
    """Return the settings of a kind of pooling with their defaults, its `tokens` among them."""
    settings = defaults("pooling", {"kind": kind})
    del settings["kind"]
    return settings


def _check_pooling(key: str, pooling: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    yield from _check_settings(key, pooling)
    if pooling["kind"] != "concat":
        if "layers" in pooling:
            yield from _check_layers(f"{key}.layers", pooling["layers"], LAYER_CHOICES, layer_numbers, bases)
        return
    for name, part in parts_of(pooling).items():
        if part["kind"] == "concat":
            yield f"{key}.{name}.kind concat is not allowed within a concat; choose another kind"
        else:
            yield from _check_pooling(f"{key}.{name}", part, bases)
    if all("layers" in part for part in parts_of(pooling).values()):
        yield f"{key}: first and second both read layers; at most one of them can"


def _check_settings(key: str, pooling: Mapping[str, Any]) -> Iterator[str]:
    allowed = ["kind", *pooling_settings(pooling["kind"])]
    for name, value in pooling.items():
        if name not in allowed:
            yield f"{key}.{name} {value} does not fit {pooling['kind']}; allowed: {', '.join(allowed)}"


def _check_dimensions(key: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    trained = trained_dimensions(design)
    if trained and design.get("dimensions", trained[0]) not in trained:
        yield f"{key}.dimensions {design['dimensions']} is not in {key}.matryoshka {design['matryoshka']}"
    for name, base in bases.items():
        with suppress(BadInput):  # a damaged file, which is reported elsewhere
            backbone = backbone_of(base)
            full = full_dimensions(design, backbone.width) if backbone else None
            if full and (problem := too_many_dimensions(design, full)):
                yield f"{key}.{problem} (base {name})"


def _check_layers(
    key: str,
    layers: str | list[int],
    choices: Sequence[str],
    numbers: Callable[[str | list[int], int], list[int]],
    bases: Mapping[str, Any],
) -> Iterator[str]:
    if isinstance(layers, str) and layers not in choices:
        yield f'{key} "{layers}" is not known; {nearest(layers, choices)} or a list of layer numbers'
        return
    for base, settings in bases.items():
        if count := layer_count(settings):  # otherwise, they are checked when the base is loaded
            try:
                numbers(layers, count)
            except ValueError as error:
                yield f"{key} {error} (base {base})"


def _check_finetuning(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    modes = {design.get("finetuning", base["finetuning"]) for base in bases.values()}
    if "lora" in design and modes == {"full"}:
        yield f"designs.{name}.lora needs designs.{name}.finetuning lora; full finetuning trains no adapter"
