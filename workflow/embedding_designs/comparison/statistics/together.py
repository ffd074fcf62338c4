"""Best sets that are right in all categories at once, by Bonferroni's correction.

Each best set is right at 95% confidence by itself, so with eight categories, a third of studies would have a
wrong set somewhere.
"""

from collections.abc import Mapping, Sequence

from .finite import finite


@finite
def best_set_together(
    best_set: Sequence[str], p: Mapping[str, float | None], alpha: float, n_categories: int
) -> list[str]:
    """Return the designs that are not ruled out at alpha / n_categories: those of best_set, and then others.

    p: of the test that rules out each design; None if it cannot be ruled out. Of the others, the one with the
    largest p comes first. With probability 1 - alpha, the sets of all categories are right.
    """
    level = alpha / n_categories
    added = {name: value for name, value in p.items() if name not in best_set and (value or 0) > level}
    return [*best_set, *sorted(added, key=lambda name: -(added[name] or 0))]
