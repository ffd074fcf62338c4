"""Which contrasts of pooling and attention a study's designs can estimate, and which they cannot.

A main effect needs a full cross: several poolings, each run once with each of several attentions. Designs
outside the largest such cross are still compared with designs that differ from them in only one factor. Two
designs with the same pooling and attention differ in something else, and are excluded from all contrasts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ...common.wording import listing
from .finite import finite

UNKNOWN = "unknown"  # the label of a published model whose pooling or attention is not documented
NAMED = 4  # designs named in a sentence; the rest are counted
Cells = dict[tuple[str, str], list[str]]  # the designs of each pooling and attention


@dataclass(frozen=True)
class Cross:
    """Poolings and attentions for which every combination was run as exactly one design."""

    poolings: list[str]
    attentions: list[str]
    cells: dict[tuple[str, str], str]

    @property
    def designs(self) -> list[str]:
        """The designs, pooling by pooling."""
        return [self.cells[pooling, attention] for pooling in self.poolings for attention in self.attentions]


@dataclass(frozen=True)
class Contrast:
    """A difference between designs: the mean of `plus` minus that of `minus`, times `scale`."""

    effect: str
    name: str
    plus: list[str]
    minus: list[str]
    scale: int = 1

    def weights(self, designs: Sequence[str]) -> np.ndarray:
        """Return the weight of each design."""
        weights = np.zeros(len(designs))
        weights[[designs.index(name) for name in self.plus]] = self.scale / len(self.plus)
        weights[[designs.index(name) for name in self.minus]] = -self.scale / len(self.minus)
        return weights


@finite
def group_cells(labels: pd.DataFrame) -> Cells:
    """Return the designs of each pooling and attention, without those labeled as unknown."""
    cells: Cells = {}
    for design, pooling, attention in labels[["pooling", "attention"]].itertuples():
        if UNKNOWN not in (pooling, attention):
            cells.setdefault((pooling, attention), []).append(design)
    return cells


def _levels(cells: Cells) -> tuple[list[str], list[str]]:
    """Return the poolings and the attentions in the study's order."""
    return list(dict.fromkeys(p for p, _ in cells)), list(dict.fromkeys(a for _, a in cells))


def largest_cross(cells: Cells) -> Cross | None:
    """Return the full cross with the most designs, or None. Every set of two or more attentions is tried."""
    single = {cell: names[0] for cell, names in cells.items() if len(names) == 1}
    poolings, attentions = _levels(cells)
    best = None
    for size in range(2, len(attentions) + 1):
        for chosen in combinations(attentions, size):
            full = [pooling for pooling in poolings if all((pooling, a) in single for a in chosen)]
            if len(full) >= 2 and (best is None or len(full) * size > len(best.designs)):
                best = Cross(full, list(chosen), single)
    return best


def crossed_effects(cross: Cross | None) -> list[Contrast]:
    """Return the contrasts of the cross: later minus earlier level, and differences of such differences."""
    if cross is None:
        return []
    poolings, attentions, cell = cross.poolings, cross.attentions, cross.cells
    by_pooling = {p: [cell[p, a] for a in attentions] for p in poolings}
    of_pooling = _main_effects("pooling", by_pooling, attentions)
    by_attention = {a: [cell[p, a] for p in poolings] for a in attentions}
    of_attention = _main_effects("attention", by_attention, poolings)
    interactions = [
        Contrast("interaction", f"{b} - {a} in {q}, minus the same in {p}",
                 [cell[q, b], cell[p, a]], [cell[q, a], cell[p, b]], scale=2)
        for p, q in combinations(poolings, 2)
        for a, b in combinations(attentions, 2)
    ]  # fmt: skip
    return of_pooling + of_attention + interactions


def _main_effects(factor: str, designs: Mapping[str, list[str]], averaged: Sequence[str]) -> list[Contrast]:
    """Return the contrasts between the levels of a factor. designs: of each level; averaged: other levels."""
    over = f"averaged over {listing(averaged, NAMED)}"
    return [
        Contrast(factor, f"{later} - {earlier}, {over}", designs[later], designs[earlier])
        for earlier, later in combinations(designs, 2)
    ]


def simple_effects(cells: Cells, cross: Cross | None) -> list[Contrast]:
    """Return the contrasts between designs that differ in one factor, unless both are in the cross."""
    crossed = set(cross.designs) if cross else set()
    single = [(p, a, names[0]) for (p, a), names in cells.items() if len(names) == 1]
    contrasts = []
    for (p, a, first), (q, b, second) in combinations(single, 2):
        if {first, second} <= crossed:
            continue
        if a == b:
            contrasts.append(Contrast("pooling", f"{q} - {p} within {a}", [second], [first]))
        elif p == q:
            contrasts.append(Contrast("attention", f"{b} - {a} within {p}", [second], [first]))
    return contrasts


@finite
def refusals(labels: pd.DataFrame, cells: Cells, cross: Cross | None) -> list[str]:
    """Return one sentence per contrast that the study's cells cannot estimate."""
    sentences = []
    unknown = labels.index[labels[["pooling", "attention"]].eq(UNKNOWN).any(axis=1)].tolist()
    if unknown:
        named = listing(unknown, NAMED)
        sentences.append(f"Excluded from all contrasts because the pooling or attention is unknown: {named}.")
    for (pooling, attention), names in cells.items():
        if len(names) > 1:
            sentences.append(
                f"{pooling} with {attention} attention was run as {listing(names, NAMED)}. As pooling and "
                f"attention do not distinguish these, they are excluded from all contrasts."
            )
    return sentences + (_outside(cells, cross) if cross else [])


def _outside(cells: Cells, cross: Cross) -> list[str]:
    """Return one sentence per level that is not compared with all levels of the cross."""
    poolings, attentions = _levels(cells)
    missing = [
        (pooling, [f"{listing(absent, NAMED)} attention"])
        for pooling in poolings
        if (absent := [a for a in cross.attentions if (pooling, a) not in cells])
    ] + [
        (f"{attention} attention", absent)
        for attention in attentions
        if (absent := [p for p in cross.poolings if (p, attention) not in cells])
    ]
    return [
        f"{level} with {listing(absent, NAMED)} is not compared, so the part of {level} in the main effects "
        f"and in the interaction cannot be estimated."
        for level, absent in missing
    ]


def why_no_cross(cells: Cells) -> str:
    """Return why no full cross was found, in one sentence."""
    poolings, attentions = _levels(cells)
    refusal = "main effects and their interaction cannot be estimated"
    if not cells:
        return f"Pooling or attention is unknown everywhere: {refusal}."
    for factor, levels in (("pooling", poolings), ("attention", attentions)):
        if len(levels) == 1:
            return f"The only {factor} is {levels[0]}: {refusal}."
    return f"No two poolings are each compared exactly once with the same two attentions: {refusal}."
