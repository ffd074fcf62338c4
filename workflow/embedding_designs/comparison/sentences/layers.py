"""Sentences about the layers of one base: which are best, how similar they are, and what poolings read."""

from collections.abc import Iterator, Sequence

from ...common.wording import counted, listing
from ..layer_results import Curve, LayeredModel, Reads
from ..statistics.runs import NEEDED_SEEDS


def layer_sentences(models: Sequence[LayeredModel], alpha: float) -> list[str]:
    """Return what is seen in the layers of one base and its designs."""
    similar = [
        _similarity(attention, [model for model in models if model.attention == attention])
        for attention in dict.fromkeys(model.attention for model in models)
        if any(len(model.layers) > 1 for model in models)
    ]
    read = [_reads(model.label, model.reads) for model in models if model.reads]
    return [*(_best_layers(model, alpha) for model in models), *similar, *read]


def _best_layers(model: LayeredModel, alpha: float) -> str:
    """Return which layer is best in each category, and whether that exceeds the spread over seeds."""
    last = model.layers[-1]
    earlier = [curve for curve in model.curves if curve.best != last]
    at_last = [curve.category for curve in model.curves if curve.best == last]
    if len(model.seeds) >= NEEDED_SEEDS and not model.collapsed:
        parts = list(_against_spread(earlier, len(model.seeds), alpha))
    else:
        parts = [f"the best single layer of {last} is {listing([*map(_best, earlier)])}"] if earlier else []
    if at_last:
        where = listing(at_last) if earlier else "every category"
        parts.append(f"the last layer, {last}, is the best for {where}")
    return f"{model.label}: {'; '.join(parts)}.{_about(model)}"


def _best(curve: Curve) -> str:
    return f"{curve.best} for {curve.category} ({curve.above_last:.3f} above the last)"


def _against_spread(earlier: Sequence[Curve], seeds: int, alpha: float) -> Iterator[str]:
    """Yield where an earlier layer is better beyond the spread over seeds, and where it is not beyond it."""
    beyond = [
        f"{curve.category} (layer {curve.best}: {curve.gain.mean:.3f}, {curve.gain.low:.3f} to "
        f"{curve.gain.high:.3f})"
        for curve in earlier
        if curve.gain and curve.gain.beyond
    ]
    within = [curve for curve in earlier if not (curve.gain and curve.gain.beyond)]
    if beyond:
        yield (
            f"beyond the spread over {seeds} seeds, an earlier layer is better than the last for "
            f"{listing(beyond)}, with {100 * (1 - alpha):g}% intervals"
        )
    if within:
        found = [f"{curve.category} (layer {curve.best}: {curve.above_last:.3f})" for curve in within]
        where = listing(found)
        yield f"an earlier layer is higher, but not beyond the spread over {seeds} seeds, for {where}"


def _about(model: LayeredModel) -> str:
    """Return why nothing can be said about the spread over seeds: a sentence, or nothing."""
    if not model.trained:
        return " A single model has no spread to compare with."
    if model.collapsed:
        which = f"{'Seed' if len(model.collapsed) == 1 else 'Seeds'} {listing([*map(str, model.collapsed)])}"
        return f" {which} collapsed, so nothing is said about the spread over seeds."
    if len(model.seeds) < NEEDED_SEEDS:
        return f" With {counted(len(model.seeds), 'seed')}, nothing can be said about the spread over seeds."
    return ""


def _similarity(attention: str, models: Sequence[LayeredModel]) -> str:
    found = [f"{_range(model.apart)} in {model.label}" for model in models]
    return f"Mean CKA of two different layers with {attention} attention: {listing(found)}."


def _range(values: Sequence[float]) -> str:
    """Return the mean of values, one per seed, with their range."""
    mean = f"{sum(values) / len(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.2f} to {max(values):.2f} over seeds)"


def _reads(design: str, reads: Reads) -> str:
    """Return which layer a pooling reads most, and how evenly it reads all of them."""
    most = max(range(len(reads.layers)), key=reads.weights.__getitem__)
    count = len(reads.layers)
    return (
        f"The pooling of {design} reads its {counted(count, 'layer')} as evenly as "
        f"{reads.effective_layers:.1f} layers with equal weights. Layer {reads.layers[most]} has the largest "
        f"weight, {_range([weights[most] for weights in reads.by_seed])}; {1 / count:.2f} would be even."
    )
