"""Checks the designs of a study: the settings of their poolings, the layers they read, the finetuning."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..common.near_names import nearest
from .designs import ATTENTIONS, LAYER_CHOICES, THIRDS, layer_numbers
from .layers import layer_count
from .schema import defaults


def check_design(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of a design that has its defaults."""
    attention, pooling = design["attention"], design["pooling"]
    if not isinstance(attention, str):
        key = f"designs.{name}.attention.bidirectional"
        yield from _check_layers(key, attention["bidirectional"], THIRDS, bases)
    elif attention not in ATTENTIONS:
        hint = nearest(attention, ATTENTIONS)
        yield f'designs.{name}.attention "{attention}" is not known; {hint}, or {{bidirectional: layers}}'
    yield from _check_settings(name, pooling)
    if "layers" in pooling:
        yield from _check_layers(f"designs.{name}.pooling.layers", pooling["layers"], LAYER_CHOICES, bases)
    yield from _check_finetuning(name, design, bases)


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


def _check_layers(
    key: str, layers: str | list[int], choices: Sequence[str], bases: Mapping[str, Any]
) -> Iterator[str]:
    if isinstance(layers, str) and layers not in choices:
        yield f'{key} "{layers}" is not known; {nearest(layers, choices)} or a list of layer numbers'
        return
    for base, settings in bases.items():
        if count := layer_count(settings):  # a hub model's layers are known, and checked, when it is loaded
            try:
                layer_numbers(layers, count)
            except ValueError as error:
                yield f"{key} {error} (base {base})"


def _check_finetuning(name: str, design: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    modes = {design.get("finetuning", base["finetuning"]) for base in bases.values()}
    if "lora" in design and modes == {"full"}:
        yield f"designs.{name}.lora needs designs.{name}.finetuning lora; full finetuning trains no adapter"
