"""Divides rows among the sources of training data, by exact fractions."""

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Any

TOLERANCE = Fraction(1, 10**6)  # for shares such as three times 0.333333


def given_shares(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Fraction]:
    """Return the shares that sources have been given, as the decimal numbers of the study."""
    return {name: Fraction(str(source["share"])) for name, source in sources.items() if source.get("share")}


def shares_of(sources: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int]) -> dict[str, Fraction]:
    """Return the shares of sources, which add up to 1; without `share`, in proportion to their sizes."""
    weights = given_shares(sources) or {name: Fraction(size) for name, size in sizes.items()}
    total = sum(weights.values(), Fraction())
    return {name: weight / total for name, weight in weights.items()}


def most_rows(sizes: Mapping[str, int], shares: Mapping[str, Fraction]) -> int:
    """Return the largest number of rows of which each source can give its share."""
    return min(floor(sizes[name] / share) for name, share in shares.items())


def apportioned(rows: int, shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Return the whole numbers of rows closest to the shares, which add up to `rows` (largest remainders)."""
    exact = {name: rows * share for name, share in shares.items()}
    counts = {name: floor(number) for name, number in exact.items()}
    left = rows - sum(counts.values())
    largest = sorted(exact, key=lambda name: counts[name] - exact[name])[:left]  # ties: in the study's order
    return {name: count + (name in largest) for name, count in counts.items()}
