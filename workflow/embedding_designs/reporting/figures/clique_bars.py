"""Places the bars of a critical-difference diagram, one for each group of designs.

No two designs of a group differ. A bar is thick along the members of its group and thin where it passes a
design outside it.
"""

from collections.abc import Sequence


def stretches(order: Sequence[str], clique: Sequence[str]) -> list[tuple[int, int]]:
    """Return the first and last position in `order` of each run of neighbors in the clique."""
    members, found = set(clique), list[tuple[int, int]]()
    for position, name in enumerate(order):
        if name in members:
            joins = found and found[-1][1] == position - 1
            found[-1:] = [(found[-1][0], position)] if joins else [*found[-1:], (position, position)]
    return found


def levels(spans: Sequence[tuple[float, float]], gap: float) -> list[int]:
    """Return a level for each (from, to), the lowest on which it keeps `gap` from the bars before it."""
    found: list[int] = []
    for start, stop in spans:
        taken = {
            level
            for (other_start, other_stop), level in zip(spans, found, strict=False)
            if start < other_stop + gap and other_start < stop + gap
        }
        found.append(next(level for level in range(len(spans)) if level not in taken))
    return found
