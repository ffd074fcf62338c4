"""The tables of a study's layer analysis: pure functions from its results to rows."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.layer_files import ModelLayers
from .layer_results import LayerSummary

Rows = Iterator[dict[str, Any]]


def layer_tables(analyses: Sequence[ModelLayers], summary: LayerSummary) -> dict[str, pd.DataFrame]:
    """Return all tables by name, without empty ones. An untrained base has no seed."""
    rows = {"scores": _scores(analyses), "similarity": _similarity(analyses), "reads": _reads(analyses),
            "best": _best(summary)}  # fmt: skip
    tables = {name: pd.DataFrame(list(found)) for name, found in rows.items()}
    return {name: table for name, table in tables.items() if len(table)}


def write_layer_tables(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write every table to `folder` as {name}.csv."""
    folder.mkdir()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")


def _model(analysis: ModelLayers) -> dict[str, Any]:
    seed = "" if analysis.seed is None else analysis.seed
    return {"base": analysis.base, "model": analysis.model, "seed": seed, "attention": analysis.attention}


def _scores(analyses: Sequence[ModelLayers]) -> Rows:
    for analysis in analyses:
        for task in analysis.tasks:
            for layer, score in zip(analysis.layers, task.scores, strict=True):
                named = {"task": task.task, "category": task.category, "metric": task.metric}
                yield {**_model(analysis), **named, "layer": layer, "score": score}


def _similarity(analyses: Sequence[ModelLayers]) -> Rows:
    for analysis in analyses:
        for (i, first), (j, second) in product(enumerate(analysis.layers), repeat=2):
            if first < second:
                values = {"pearson": analysis.pearson[i][j], "cka": analysis.cka[i][j]}
                yield {**_model(analysis), "first": first, "second": second, **values}


def _reads(analyses: Sequence[ModelLayers]) -> Rows:
    for analysis in analyses:
        if reads := analysis.reads:
            for place, (layer, weight) in enumerate(zip(reads.layers, reads.weights, strict=True)):
                norm = reads.vector_norms[place] if reads.vector_norms else ""
                yield {**_model(analysis), "layer": layer, "weight": weight, "vector_norm": norm}


def _best(summary: LayerSummary) -> Rows:
    for model in summary.models:
        for curve in model.curves:
            gain = curve.gain
            yield {
                "base": model.base, "model": model.name, "attention": model.attention,
                "category": curve.category, "tasks": len(curve.tasks), "seeds": len(model.seeds),
                "best_layer": curve.best, "last_layer": model.layers[-1],
                "best_score": max(curve.scores), "last_score": curve.scores[-1],
                "above_last": curve.above_last, "held_out_gain": gain.mean if gain else "",
                "gain_low": gain.low if gain else "", "gain_high": gain.high if gain else "",
                "beyond_spread": gain.beyond if gain else "",
            }  # fmt: skip
