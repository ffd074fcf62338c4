"""What the analysis of layers and its readers share: the file about the layers of one model."""

from dataclasses import dataclass
from pathlib import Path

from .json_files import read_json, write_json
from .typed_json import from_json, to_json


@dataclass(frozen=True)
class TaskScores:
    """The score of each layer's embedding on one task, in the order of the model's `layers`."""

    task: str
    category: str
    metric: str
    scores: list[float]


@dataclass(frozen=True)
class PoolingReads:
    """What a trained pooling reads: the weight of each of its layers, which sum to 1.

    weights: of multi_layer, its attention, averaged over texts, heads, and latents; of layer_mix, its mix.
    effective_layers: exp(entropy) of a weighting, averaged alike: 1 if one layer is read, their number if all
    are read evenly. vector_norms: norms of the trained vectors that multi_layer adds to the layers.
    """

    layers: list[int]
    weights: list[float]
    effective_layers: float
    vector_norms: list[float] | None = None


@dataclass(frozen=True)
class ModelLayers:
    """The layers of one model: an untrained base, or a run, which has a seed.

    model: "untrained-causal", "untrained-bidirectional", or the design; layers: their numbers, from 1;
    tokens: the token state that is a layer's embedding; texts: how many were compared; pearson, cka: the
    similarity of each layer (row) to each other (column).
    """

    base: str
    model: str
    attention: str
    layers: list[int]
    tokens: str
    texts: int
    pearson: list[list[float]]
    cka: list[list[float]]
    tasks: list[TaskScores]
    seed: int | None = None
    reads: PoolingReads | None = None


def read_layers(path: Path) -> ModelLayers:
    """Return the content of a file about a model's layers; BadInput names a key that is missing or wrong."""
    return from_json(ModelLayers, read_json(path), str(path))


def write_layers(path: Path, layers: ModelLayers) -> None:
    """Write a file about a model's layers atomically."""
    write_json(path, to_json(layers))
