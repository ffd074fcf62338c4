"""Summarizes the analyses of layers: designs are averaged over their seeds, tasks over their category."""

from collections.abc import Sequence

import numpy as np

from ..common.errors import BadInput
from ..common.layer_files import ModelLayers, PoolingReads
from ..scores.collapsed_runs import CollapsedRun
from .layer_results import Curve, Gain, LayeredModel, LayerSummary, Reads
from .sentences.layers import layer_sentences
from .statistics.layers import best_layer, gain_interval, held_out_gains

DIGITS = 6


def summarize(
    analyses: Sequence[ModelLayers], alpha: float, collapsed: Sequence[CollapsedRun] = ()
) -> LayerSummary:
    """Return the summary of a study's analyses; nothing is claimed about a design with a collapsed run.

    Raises BadInput if the analyses of a design differ in what they analyzed.
    """
    groups: dict[tuple[str, str], list[ModelLayers]] = {}
    for analysis in analyses:
        groups.setdefault((analysis.base, analysis.model), []).append(analysis)
    models = [
        summarize_model(runs, alpha, [run.seed for run in collapsed if (run.base, run.design) == model])
        for model, runs in groups.items()
    ]
    bases = list(dict.fromkeys(model.base for model in models))
    sentences = {base: layer_sentences([m for m in models if m.base == base], alpha) for base in bases}
    return LayerSummary(alpha, analyses[0].tokens, models, sentences)


def summarize_model(runs: Sequence[ModelLayers], alpha: float, collapsed: list[int]) -> LayeredModel:
    """Return an untrained base, or the mean over the runs of a design. collapsed: seeds of the design."""
    first = runs[0]
    for run in runs[1:]:
        if (run.layers, _tasks(run)) != (first.layers, _tasks(first)):
            what = f"{first.base} {first.model}: its seeds have different layers or tasks"
            raise BadInput(f"{what}; analyze them again")
    categories = dict.fromkeys(task.category for task in first.tasks)
    return LayeredModel(
        base=first.base,
        name=first.model,
        attention=first.attention,
        seeds=[run.seed for run in runs if run.seed is not None],
        layers=first.layers,
        texts=first.texts,
        pearson=_rounded(np.mean([run.pearson for run in runs], axis=0)),
        cka=_rounded(np.mean([run.cka for run in runs], axis=0)),
        apart=[round(mean_of_pairs(run.cka), DIGITS) for run in runs],
        curves=[curve(category, runs, None if collapsed else alpha) for category in categories],
        reads=reads([run.reads for run in runs if run.reads]),
        collapsed=collapsed,
    )


def curve(category: str, runs: Sequence[ModelLayers], alpha: float | None) -> Curve:
    """Return the score of each layer in a category, and how the best layer compares with the last.

    alpha: None if the spread over seeds is not to be tested.
    """
    tasks = [task.task for task in runs[0].tasks if task.category == category]
    scores = np.array([[task.scores for task in run.tasks if task.category == category] for run in runs])
    by_seed = scores.mean(axis=1)  # (seeds, layers)
    means = by_seed.mean(axis=0)
    best = best_layer(means)
    return Curve(
        category=category,
        tasks=tasks,
        by_seed=_rounded(by_seed),
        scores=_rounded(means),
        best=runs[0].layers[best],
        above_last=round(float(means[best] - means[-1]), DIGITS),
        gain=gain(by_seed, alpha) if alpha and len(runs) > 1 else None,
    )


def gain(by_seed: np.ndarray, alpha: float) -> Gain | None:
    """Return how much better another layer is than the last, or None with fewer than three seeds."""
    gains = held_out_gains(by_seed)
    interval = gain_interval(gains, alpha)
    if interval is None:
        return None
    mean, low, high = (round(value, DIGITS) for value in interval)
    return Gain([round(value, DIGITS) for value in gains.tolist()], mean, low, high, beyond=low > 0)


def reads(by_seed: Sequence[PoolingReads]) -> Reads | None:
    """Return what the pooling of a design reads, averaged over its runs; None if it has no such weights."""
    if not by_seed:
        return None
    norms = [run.vector_norms for run in by_seed if run.vector_norms is not None]
    weights = np.array([run.weights for run in by_seed])
    return Reads(
        layers=by_seed[0].layers,
        weights=_rounded(weights.mean(axis=0)),
        by_seed=_rounded(weights),
        effective_layers=round(float(np.mean([run.effective_layers for run in by_seed])), DIGITS),
        vector_norms=_rounded(np.mean(norms, axis=0)) if norms else None,
    )


def mean_of_pairs(matrix: Sequence[Sequence[float]]) -> float:
    """Return the mean similarity of two different layers; 1 for a single layer."""
    values = np.array(matrix)
    apart = values[~np.eye(len(values), dtype=bool)]
    return float(apart.mean()) if len(apart) else 1.0


def _tasks(run: ModelLayers) -> list[str]:
    return [task.task for task in run.tasks]


def _rounded(values: np.ndarray) -> list:
    return np.round(values, DIGITS).tolist()
