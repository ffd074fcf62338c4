"""Says how finely the tasks resolve the order of many designs."""

from collections.abc import Iterator
from math import inf
from statistics import median

from ..results import Comparison
from .phrases import MANY_PAIRS as FEW_DESIGNS


def about_resolution(comparison: Comparison) -> Iterator[str]:
    """Yield how many pairs and neighbors are separated, and what separating them would take, if many."""
    found, unit = comparison.these_checkpoints.resolution, comparison.unit
    if found is None or comparison.n_designs <= FEW_DESIGNS:
        return
    separated, neighbors = found.separated["wilcoxon_holm"], found.neighbors
    apart = sum(pair.separated for pair in neighbors)
    yield (
        f"Wilcoxon's test with Holm's correction separates {separated:,} of {found.n_pairs:,} pairs "
        f"({separated / found.n_pairs:.0%}), and {apart} of the {len(neighbors)} pairs of {unit}s that "
        f"follow each other by mean score. {_needed(median(pair.tasks_needed or inf for pair in neighbors))}"
    )


def _needed(tasks: float) -> str:
    if tasks == inf:
        return "At least half of these neighbors have the same mean score."
    return (
        "Separating half of these neighbors with 80% power would take about "
        f"{float(f'{tasks:.2g}'):,.0f} tasks, given the spread observed here."
    )
