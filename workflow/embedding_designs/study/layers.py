"""The analysis of layers: its config, its checks, and the names of the models that it analyzes."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.errors import BadInput
from ..common.near_names import nearest
from .designs import LAYER_CHOICES, layer_numbers
from .model_sizes import backbone_of

UNTRAINED = {f"untrained-{attention}": attention for attention in ("causal", "bidirectional")}


def layers_config(layers: Mapping[str, Any], all_tasks: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines the analysis: the config of its tasks, and the keys of the study's `layers`.

    all_tasks: the config of all tasks of the study.
    """
    tasks = chosen_tasks(layers["tasks"], all_tasks["tasks"])
    named = {*tasks, *(name for names in tasks.values() for name in names)}
    prompts = {name: prompt for name, prompt in all_tasks["prompts"].items() if name in named}
    own = {key: layers[key] for key in ("numbers", "tokens", "texts")}
    return {**all_tasks, "tasks": tasks, "prompts": prompts, **own}


def chosen_tasks(chosen: int | list[str], tasks: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the tasks to score by category. chosen: how many of each category, or their names."""
    if isinstance(chosen, int):
        return {category: names[:chosen] for category, names in tasks.items() if names}
    found = {category: [name for name in names if name in chosen] for category, names in tasks.items()}
    return {category: names for category, names in found.items() if names}


def analyzed_layers(numbers: str | list[int], count: int) -> list[int]:
    """Return the layers to analyze on a base of `count` layers, the last one included.

    Raises ValueError if the base has too few.
    """
    return sorted({*layer_numbers(numbers, count), count})


def check_layers(study: Mapping[str, Any], tasks: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield one line for each task or layer of `layers` that does not exist. tasks: those of the study."""
    if "layers" not in study:
        return
    chosen, numbers = study["layers"]["tasks"], study["layers"]["numbers"]
    names = [name for group in tasks.values() for name in group]
    for name in chosen if isinstance(chosen, list) else ():
        if name not in names:
            yield f"layers.tasks {name} is not a task of this study; {nearest(name, names)}"
    for name in UNTRAINED.keys() & study["designs"].keys():
        yield f"designs.{name}: with layers, this is the name of the untrained base; choose another"
    if isinstance(numbers, str) and numbers not in LAYER_CHOICES:
        hint = nearest(numbers, LAYER_CHOICES)
        yield f'layers.numbers "{numbers}" is not known; {hint} or a list of layer numbers'
        return
    for base, settings in study["bases"].items():
        if count := layer_count(settings):
            try:
                analyzed_layers(numbers, count)
            except ValueError as error:
                yield f"layers.numbers {error} (base {base})"


def layer_count(base: Mapping[str, Any]) -> int | None:
    """Return the number of layers of a base, or None if it is known only once the base is loaded."""
    try:
        backbone = backbone_of(base)
    except BadInput:  # a damaged file, which is reported elsewhere
        return None
    return backbone.layers if backbone else None
