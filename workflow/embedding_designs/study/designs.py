"""A design on a base: its attention by layer, the layers that its pooling reads, its embedding size."""

from collections.abc import Iterable, Mapping
from typing import Any

ATTENTIONS = ("causal", "bidirectional")
THIRDS = ("first_third", "middle_third", "last_third")
LAYER_CHOICES = ("all", *THIRDS)
TRAINED_POOLINGS = frozenset({"learned_query", "last_layer", "latent_attention", "layer_mix", "multi_layer"})


def layer_numbers(layers: str | list[int], count: int) -> list[int]:
    """Return the numbers, 1 to `count`, of the layers that a design's `layers` means on a base of `count`.

    The first and the last third have (count + 1) // 3 layers each and the middle third has the rest.
    Raises ValueError if the base has too few.
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


def parts_of(pooling: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the poolings that a pooling is made of, by their key in its settings; "" for a single one."""
    if pooling["kind"] != "concat":
        return {"": pooling}
    return {key: pooling[key] for key in ("first", "second")}


def is_trained(pooling: Mapping[str, Any]) -> bool:
    """Return whether a design's pooling has weights."""
    return any(part["kind"] in TRAINED_POOLINGS for part in parts_of(pooling).values())


def has_pooling_rate(design: Mapping[str, Any]) -> bool:
    """Return whether `pooling_learning_rate` applies to weights of a design."""
    return is_trained(design["pooling"]) or "contextual" in design


def trained_dimensions(design: Mapping[str, Any]) -> list[int]:
    """Return the embedding sizes that a design trains, largest first; empty: only the full size."""
    own = [design["dimensions"]] if "dimensions" in design else []
    return sorted(design.get("matryoshka", own), reverse=True)


def full_dimensions(design: Mapping[str, Any], width: int) -> int:
    """Return the size of the embeddings that a design's pooling gives on a base of this width."""
    return len(parts_of(design["pooling"])) * width


def embedding_dimensions(design: Mapping[str, Any], width: int) -> int:
    """Return the size of a design's embeddings on a base of this width."""
    largest = max(trained_dimensions(design), default=full_dimensions(design, width))
    return design.get("dimensions", largest)


def too_many_dimensions(design: Mapping[str, Any], full: int) -> str | None:
    """Return one line if `dimensions` or `matryoshka` exceeds the `full` size of the embeddings, or None."""
    for key in ("dimensions", "matryoshka"):
        if key in design and max(trained_dimensions({key: design[key]})) > full:
            return f"{key} {design[key]} exceeds the {full} dimensions of its embeddings"
    return None


def attention_on(attention: str | Mapping[str, Any], count: int) -> str | dict[str, list[int]]:
    """Return a design's attention on a base of `count` layers, with the numbers of its bidirectional layers.

    Raises ValueError as `bidirectional_layers` does.
    """
    if isinstance(attention, str):
        return attention
    return {"bidirectional": bidirectional_layers(attention["bidirectional"], count)}


def bidirectional_layers(layers: str | list[int], count: int) -> list[int]:
    """Return the numbers of the layers that are bidirectional on a base of `count`, the others being causal.

    Raises ValueError if the base has too few layers, or none that is causal.
    """
    numbers = layer_numbers(layers, count)
    if len(numbers) == count:
        raise ValueError(f"{layers} holds all {count} layers; write attention: bidirectional")
    return numbers


def attention_name(attention: str | Mapping[str, Any]) -> str:
    """Return what tables call an attention, such as "causal" or "bidirectional (1, 3-5)"."""
    if isinstance(attention, str):
        return attention
    layers = attention["bidirectional"]
    return f"bidirectional ({layers if isinstance(layers, str) else ', '.join(_ranges(layers))})"


def _ranges(numbers: Iterable[int]) -> list[str]:
    """Return numbers in order, consecutive ones as a range: ["1", "3-5"]."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ranges]
