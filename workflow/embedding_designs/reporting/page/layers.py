"""The layers of a base and its designs on the findings page: what is seen, and a table of the best layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...comparison.layer_results import Curve, LayeredModel, LayerSummary, read_layer_summary
from .table import DASH, Row, Table

EMBEDDINGS = {
    "mean": "the mean of its token states",
    "last": "its state of the last token, EOS",
}


@dataclass(frozen=True)
class Layers:
    """What the page shows of one base's layers; embedding: what a layer's embedding is, in words."""

    embedding: str
    sentences: list[str]
    best: Table


def layers_by_base(folder: Path, analyzed: bool) -> dict[str, Layers]:
    """Return what the page shows of layers, by base; nothing if the study does not analyze them."""
    if not analyzed:
        return {}
    summary = read_layer_summary(folder / "layers.json")
    return {base: _layers(summary, base) for base in dict.fromkeys(model.base for model in summary.models)}


def _layers(summary: LayerSummary, base: str) -> Layers:
    models = [model for model in summary.models if model.base == base]
    return Layers(EMBEDDINGS[summary.tokens], summary.sentences[base], best_layers(models, summary.alpha))


def best_layers(models: Sequence[LayeredModel], alpha: float) -> Table:
    """Return one row per model and category: the best layer, the last one, and their difference."""
    header = ["Model", "Category", "Tasks", "Best layer", "Its score", "Score of the last layer",
              "Difference", "Chosen by the other seeds", f"{100 * (1 - alpha):g}% interval"]  # fmt: skip
    rows = [_row(model, curve) for model in models for curve in model.curves]
    return Table(
        "The best layer of each model; bold: better than the last, beyond the spread over seeds", header, rows
    )


def _row(model: LayeredModel, curve: Curve) -> Row:
    gain = curve.gain
    cells = [
        curve.category,
        str(len(curve.tasks)),
        f"{curve.best} of {model.layers[-1]}",
        f"{max(curve.scores):.3f}",
        f"{curve.scores[-1]:.3f}",
        f"{curve.above_last:.3f}",
        f"{gain.mean:.3f}".replace("-", "−") if gain else DASH,
        f"{gain.low:.3f} to {gain.high:.3f}".replace("-", "−") if gain else DASH,
    ]
    return Row(model.label, cells, frozenset({6, 7}) if gain and gain.beyond else frozenset())
