"""The wording that sentences about checkpoints, designs, and factors share."""

from collections.abc import Mapping, Sequence

from ...common.wording import counted, listing
from ..p_values import p_text
from ..results import Comparison
from ..results_of_tests import Friedman, FTest

MANY_PAIRS = 10  # more pairs than these are counted, and only those with the control are named


def leaders(comparison: Comparison) -> list[str]:
    """Return the designs with the best average rank, more than one if they tie."""
    ranks = comparison.average_ranks
    best = min(ranks.values())
    return [name for name, rank in ranks.items() if rank - best < 1e-9]


def f_text(test: FTest) -> str:
    """Return an F test as "F(4, 10) = 3.21, p = 0.061"."""
    return f"F({test.df1:.3g}, {test.df2:.3g}) = {test.f:.2f}, {p_text(test.p)}"


def permutation_p(test: Friedman) -> str:
    """Return Friedman's p by permutation as "by permutation p = 0.042, ", or nothing if there is none."""
    return "" if test.p_permutation is None else f"by permutation {p_text(test.p_permutation)}, "


def better_and_worse(found: Mapping[str, float], unit: str) -> str:
    """Return "A is significantly better and B and C are significantly worse".

    found: the significant differences from the control, by design.
    """
    names = sorted(found, key=lambda name: -found[name])
    above = [name for name in names if found[name] > 0]
    below = [name for name in names if found[name] < 0]
    parts = [f"{_are(above, unit)} significantly better"] if above else []
    parts += [f"{_are(below, unit)} significantly worse"] if below else []
    return ", and ".join(parts) or f"no {unit} is significantly better or worse"


def pairs_found(
    better: Sequence[Sequence[str]], n_pairs: int, ranks: Mapping[str, float], comparison: Comparison
) -> str:
    """Return "finds A better than B and C; …" for pairs of (better, worse)."""
    if not better:
        return f"finds no significant difference between any two {comparison.unit}s"
    if len(better) > MANY_PAIRS:
        named = _with_control(better, ranks, comparison.control, comparison.unit)
        return f"finds {len(better)} of {n_pairs} pairs significantly different; {named}"
    worse: dict[str, list[str]] = {}
    for first, second in sorted(better, key=lambda pair: (ranks[pair[0]], ranks[pair[1]])):
        worse.setdefault(first, []).append(second)
    alike: dict[tuple[str, ...], list[str]] = {}  # designs that beat the same others are named together
    for name, others in worse.items():
        alike.setdefault(tuple(others), []).append(name)
    named = "; ".join(f"{listing(names)} better than {listing(others)}" for others, names in alike.items())
    rest = n_pairs - len(better)
    return f"finds {named}" + ("; no other pair differs significantly" if rest else "")


def _with_control(
    better: Sequence[Sequence[str]], ranks: Mapping[str, float], control: str, unit: str
) -> str:
    above = sorted((first for first, second in better if second == control), key=ranks.__getitem__)
    below = sorted((second for first, second in better if first == control), key=ranks.__getitem__)
    parts = [f"{_are(above, unit)} better than the control {control}"] if above else []
    parts += [f"{_are(below, unit)} worse than the control {control}"] if below else []
    if not parts:
        return f"none of them includes the control {control}"
    return f"among them, {', and '.join(parts)}"


def _are(names: Sequence[str], unit: str) -> str:
    """Return "A is", "A and B are", or "12 designs are"."""
    shown = listing(names) if len(names) <= MANY_PAIRS else counted(len(names), unit)
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
