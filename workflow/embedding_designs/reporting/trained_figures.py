"""Draws what only a study that trains has: training curves, tuning, and layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ..common.command import note
from ..common.errors import BadInput
from ..common.json_files import is_number
from ..common.training_logs import log_entries
from ..comparison.layer_results import LayerSummary
from .figures import layer_figures
from .figures.looks import Look, same_lines
from .figures.study_figures import training_figure
from .figures.tuning import tuning_figure
from .tuning_choices import read_choices

LOSSES = {"training loss": ("train", "loss"), "held-out loss": ("heldout", "heldout_loss")}


@dataclass(frozen=True)
class Trained:
    """What a study that trains has beside its scores; every part may be missing.

    runs: folder of the training logs; tuning: folder of the choices; layers: the analysis of the layers;
    data: the report on the training data; study: the study, for what its designs cost.
    """

    runs: Path | None = None
    tuning: Path | None = None
    layers: LayerSummary | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    study: Mapping[str, Any] = field(default_factory=dict)


NOT_TRAINED = Trained()


def trained_figures(
    base: str, look: Mapping[str, Look], seeds: Sequence[int], trained: Trained, width: float
) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of one base's trainings by name. look: of all its designs, collapsed ones too."""
    losses = read_losses(trained.runs, base, list(look), seeds) if trained.runs else {}
    if losses:
        for line in same_lines(look):
            note(line)
        yield f"training-{base}", training_figure(losses, look, width)
    elif trained.runs:
        print(f"{base}: no training logs, so no training curves")
    if choices := read_choices(trained.tuning, base, look) if trained.tuning else {}:
        yield f"tuning-{base}", tuning_figure(choices, look, width)
    if trained.layers:
        yield from _figures_of_layers(base, trained.layers, look, width)


def _figures_of_layers(
    base: str, layers: LayerSummary, look: Mapping[str, Look], width: float
) -> Iterator[tuple[str, Figure]]:
    models = [model for model in layers.models if model.base == base]
    for measure in layer_figures.MEASURES:
        yield f"layers-{measure}-{base}", layer_figures.similarity_figure(models, measure, width)
    yield f"layers-scores-{base}", layer_figures.layer_scores_figure(models, look, width)
    if any(model.reads for model in models):
        yield f"layers-reads-{base}", layer_figures.reads_figure(models, look, width)


def read_losses(
    runs: Path, base: str, designs: Sequence[str], seeds: Sequence[int]
) -> dict[str, pd.DataFrame]:
    """Return the losses in the training logs of one base: title -> columns design, seed, step, loss.

    Titles without any loss are left out. A step that was repeated after a resume counts once.
    """
    rows: dict[str, list[dict[str, Any]]] = {title: [] for title in LOSSES}
    for design, seed in product(designs, seeds):
        path = runs / base / design / f"seed{seed}" / "training.jsonl"
        for title, step, loss in _losses(path) if path.exists() else ():
            rows[title].append({"design": design, "seed": seed, "step": step, "loss": loss})
    tables = {title: pd.DataFrame(found) for title, found in rows.items() if found}
    return {
        title: table.drop_duplicates(["design", "seed", "step"], keep="last")
        for title, table in tables.items()
    }


def _losses(path: Path) -> Iterator[tuple[str, int, float]]:
    for line, entry in log_entries(path):
        for title, (event, key) in LOSSES.items():
            if entry["event"] == event:
                step, loss = entry.get("step"), entry.get(key)
                if not is_number(step) or not is_number(loss):
                    raise BadInput(f"{path}:{line}: step {step!r} and {key} {loss!r} must be finite numbers")
                yield title, int(step), float(loss)
