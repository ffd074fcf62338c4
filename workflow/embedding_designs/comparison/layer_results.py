"""The types of a study's layer analysis, and its file, layers.json: field names are the keys."""

from dataclasses import dataclass, field
from pathlib import Path

from ..common.json_files import read_json, write_json
from ..common.typed_json import from_json, to_json
from ..scores.collapsed_runs import design_label


@dataclass(frozen=True)
class Gain:
    """How much better another layer is than the last one, over runs.

    by_seed: for each seed, the score of the layer that is best in the other seeds, minus that of the last
    layer; mean, low, high: its mean and interval over seeds, by Student's t; beyond: whether the interval is
    above 0.
    """

    by_seed: list[float]
    mean: float
    low: float
    high: float
    beyond: bool


@dataclass(frozen=True)
class Curve:
    """The score of each layer in one category, averaged over its analyzed tasks.

    by_seed: one list per seed; scores: their mean; best: the layer with the highest mean, the last one in a
    tie; above_last: its mean score minus that of the last layer; gain: None with fewer than three seeds or
    with a collapsed run.
    """

    category: str
    tasks: list[str]
    by_seed: list[list[float]]
    scores: list[float]
    best: int
    above_last: float
    gain: Gain | None = None


@dataclass(frozen=True)
class Reads:
    """What a trained pooling reads, averaged over seeds; by_seed: the weights, one list per seed."""

    layers: list[int]
    weights: list[float]
    by_seed: list[list[float]]
    effective_layers: float
    vector_norms: list[float] | None = None


@dataclass(frozen=True)
class LayeredModel:
    """The layers of an untrained base, or of a design averaged over its seeds.

    pearson, cka: similarity of each layer to each other; apart: for each seed, the mean CKA of two different
    layers; collapsed: the seeds whose runs collapsed.
    """

    base: str
    name: str
    attention: str
    seeds: list[int]
    layers: list[int]
    texts: int
    pearson: list[list[float]]
    cka: list[list[float]]
    apart: list[float]
    curves: list[Curve]
    reads: Reads | None = None
    collapsed: list[int] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name that readers see."""
        return design_label(self.name, bool(self.collapsed))

    @property
    def trained(self) -> bool:
        """Whether this is a design, not an untrained base."""
        return bool(self.seeds)


@dataclass(frozen=True)
class LayerSummary:
    """The layers of all models of a study; sentences: what is seen, by base."""

    alpha: float
    tokens: str
    models: list[LayeredModel]
    sentences: dict[str, list[str]]


def read_layer_summary(path: Path) -> LayerSummary:
    """Return the content of layers.json; BadInput names a key that is missing or wrong."""
    return from_json(LayerSummary, read_json(path), str(path))


def write_layer_summary(path: Path, summary: LayerSummary) -> None:
    """Write layers.json atomically."""
    write_json(path, to_json(summary), indent=None)
