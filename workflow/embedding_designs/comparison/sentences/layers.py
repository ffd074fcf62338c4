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
    read = [_reads(model.name, model.reads) for model in models if model.reads]
    return [*(_best_layers(model, alpha) for model in models), *similar, *read]


def _best_layers(model: LayeredModel, alpha: float) -> str:
    """Return which layer is best in each category, and whether that exceeds the spread over seeds."""
    last = model.layers[-1]
    earlier = [curve for curve in model.curves if curve.best != last]
    at_last = [curve.category for curve in model.curves if curve.best == last]
    if len(model.seeds) >= NEEDED_SEEDS:
        parts = list(_against_spread(earlier, last, alpha))
    else:
        found = [f"{curve.best} of {last} for {_where(curve)}" for curve in earlier]
        parts = [f"the best single layer is {listing(found)}"] if found else []
    if at_last:
        parts.append(f"the last layer is the best for {listing(at_last)}")
    return f"{model.name}: {'; '.join(parts)}. {_about(model)}"


def _where(curve: Curve) -> str:
    return f"{curve.category} ({curve.above_last:.3f} above the last)"


def _against_spread(earlier: Sequence[Curve], last: int, alpha: float) -> Iterator[str]:
    """Yield where an earlier layer is better beyond the spread over seeds, and where it is not beyond it."""
    beyond = [
        f"{curve.category} (layer {curve.best} of {last}, {curve.above_last:.3f} above the last; if chosen "
        f"by the other seeds {curve.gain.mean:.3f}, {100 * (1 - alpha):g}% interval {curve.gain.low:.3f} "
        f"to {curve.gain.high:.3f})"
        for curve in earlier
        if curve.gain and curve.gain.beyond
    ]
    within = [
        f"{curve.category} (layer {curve.best}, {curve.above_last:.3f} above)"
        for curve in earlier
        if not (curve.gain and curve.gain.beyond)
    ]
    if beyond:
        yield f"an earlier layer is better than the last, beyond the spread over seeds, for {listing(beyond)}"
    if within:
        yield f"an earlier layer is higher, but within the spread over seeds, for {listing(within)}"


def _about(model: LayeredModel) -> str:
    """Return what the sentence is about: one model, too few seeds, or the runs of a design."""
    if not model.trained:
        return "This is a single model: it has no spread to compare with."
    if len(model.seeds) < NEEDED_SEEDS:
        return f"With {counted(len(model.seeds), 'seed')}, nothing can be said about the spread over seeds."
    return f"Averaged over {counted(len(model.seeds), 'seed')}."


def _similarity(attention: str, models: Sequence[LayeredModel]) -> str:
    found = [f"{_range(model.apart)} in {model.name}" for model in models]
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
