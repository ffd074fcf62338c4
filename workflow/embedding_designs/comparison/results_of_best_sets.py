"""The results of asking which designs could be the best, which results.py puts together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BestOverTasks:
    """The designs that could be the best on tasks like these, and [best, worst] rank of each design.

    p: of the test that no other design is better; None if nothing can be ruled out.
    """

    best_set: list[str]
    p: dict[str, float | None]
    ranks: dict[str, list[int]]
    reason: str | None = None


@dataclass(frozen=True)
class BehindBest:
    """A design's mean score minus that of the best other one over runs, with its constrained interval."""

    difference: float
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True)
class BestOverRuns:
    """The designs that could be the best in newly trained runs (Hsu's comparisons with the best)."""

    best_set: list[str]
    designs: dict[str, BehindBest]
    reason: str | None = None
