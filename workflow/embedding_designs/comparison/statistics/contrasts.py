"""Which contrasts of pooling and attention a study's designs can estimate, and which they cannot.

A main effect needs a full cross: poolings each run once with each of the same attentions. Designs outside
the largest such cross still compare with designs that differ from them in one factor only. Two designs of
one pooling and one attention differ in something that neither factor names, and stand in no contrast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ...common.wording import listing

UNKNOWN = "unknown"  # the label of a published model whose pooling or attention nobody states
NAMED = 4  # designs that a sentence names; the rest are counted
Cells = dict[tuple[str, str], list[str]]  # the designs of each pooling and attention


@dataclass(frozen=True)
class Cross:
    """Poolings and attentions of which every combination was run as exactly one design."""

    poolings: list[str]
    attentions: list[str]
    cells: dict[tuple[str, str], str]

    @property
    def designs(self) -> list[str]:
        """The designs, pooling by pooling."""
        return [self.cells[pooling, attention] for pooling in self.poolings for attention in self.attentions]


@dataclass(frozen=True)
class Contrast:
    """A difference of designs: the mean of `plus` minus that of `minus`, times `scale`."""

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


def group_cells(labels: pd.DataFrame) -> Cells:
    """Return the designs of each pooling and attention; those of an unknown one are left out."""
    cells: Cells = {}
    for design, pooling, attention in labels[["pooling", "attention"]].itertuples():
        if UNKNOWN not in (pooling, attention):
            cells.setdefault((pooling, attention), []).append(design)
    return cells


def _levels(cells: Cells) -> tuple[list[str], list[str]]:
    """Return the poolings and the attentions in the study's order."""
    return list(dict.fromkeys(p for p, _ in cells)), list(dict.fromkeys(a for _, a in cells))


def largest_cross(cells: Cells) -> Cross | None:
    """Return the full cross of the most designs, or None; it tries every set of two attentions or more."""
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
    """Return the contrasts of the cross: later level minus earlier, and differences of such differences."""
    if cross is None:
        return []
    poolings, attentions, cell = cross.poolings, cross.attentions, cross.cells
    over_poolings = f"averaged over {listing(poolings, NAMED)}"
    over_attentions = f"averaged over {listing(attentions, NAMED)}"
    of_pooling = [
        Contrast("pooling", f"{q} - {p}, {over_attentions}",
                 [cell[q, a] for a in attentions], [cell[p, a] for a in attentions])
        for p, q in combinations(poolings, 2)
    ]  # fmt: skip
    of_attention = [
        Contrast("attention", f"{b} - {a}, {over_poolings}",
                 [cell[p, b] for p in poolings], [cell[p, a] for p in poolings])
        for a, b in combinations(attentions, 2)
    ]  # fmt: skip
    interactions = [
        Contrast("interaction", f"{b} - {a} in {q}, minus the same in {p}",
                 [cell[q, b], cell[p, a]], [cell[q, a], cell[p, b]], scale=2)
        for p, q in combinations(poolings, 2)
        for a, b in combinations(attentions, 2)
    ]  # fmt: skip
    return of_pooling + of_attention + interactions


def simple_effects(cells: Cells, cross: Cross | None) -> list[Contrast]:
    """Return the pairs of designs that differ in one factor, unless both are in the cross."""
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


def refusals(labels: pd.DataFrame, cells: Cells, cross: Cross | None) -> list[str]:
    """Return a sentence for each contrast that the study's cells cannot estimate."""
    sentences = []
    unknown = labels.index[labels[["pooling", "attention"]].eq(UNKNOWN).any(axis=1)].tolist()
    if unknown:
        named = listing(unknown, NAMED)
        sentences.append(f"Pooling or attention is unknown of {named}: no contrast holds them.")
    for (pooling, attention), names in cells.items():
        if len(names) > 1:
            sentences.append(
                f"{pooling} with {attention} attention was run as {listing(names, NAMED)}: pooling and "
                f"attention do not tell these designs apart, so no contrast holds them."
            )
    return sentences + (_outside(cells, cross) if cross else [])


def _outside(cells: Cells, cross: Cross) -> list[str]:
    """Return a sentence for each level that misses a cell of the cross."""
    poolings, attentions = _levels(cells)
    sentences = []
    for pooling in poolings:
        missing = [a for a in cross.attentions if (pooling, a) not in cells]
        if missing:
            sentences.append(
                f"{pooling} was not run with {listing(missing, NAMED)} attention: its part in the main "
                f"effects and in the interaction cannot be estimated."
            )
    for attention in attentions:
        missing = [p for p in cross.poolings if (p, attention) not in cells]
        if missing:
            sentences.append(
                f"{attention} attention was not run with {listing(missing, NAMED)}: its part in the main "
                f"effects and in the interaction cannot be estimated."
            )
    return sentences


def why_no_cross(cells: Cells) -> str:
    """Return why no full cross was found, in one sentence."""
    poolings, attentions = _levels(cells)
    refusal = "main effects and interaction cannot be estimated"
    if not cells:
        return f"Pooling and attention of the designs are unknown: {refusal}."
    for factor, levels in (("pooling", poolings), ("attention", attentions)):
        if len(levels) == 1:
            return f"All designs have the same {factor}, {levels[0]}: {refusal}."
    return f"No two poolings were each run, as one design, with the same two attentions: {refusal}."
