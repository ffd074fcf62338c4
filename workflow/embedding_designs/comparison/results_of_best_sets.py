"""The results of asking which designs could be the best, and how finely they are resolved."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BestOverTasks:
    """The designs that could be the best on tasks like these, and [best, worst] rank of each design.

    p: of the test that no other design is better; None if nothing can be ruled out. best_set_together: right
    in all categories at once; None if there is only one, or for all tasks.
    """

    best_set: list[str]
    p: dict[str, float | None]
    ranks: dict[str, list[int]]
    reason: str | None = None
    best_set_together: list[str] | None = None


@dataclass(frozen=True)
class BehindBest:
    """A design's mean score minus that of the best other one over runs, with its constrained interval."""

    difference: float
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True)
class BestOverRuns:
    """The designs that could be the best in newly trained runs (Hsu's comparisons with the best).

    best_set_together: right in all categories at once; None if there is only one, or for all tasks.
    """

    best_set: list[str]
    designs: dict[str, BehindBest]
    reason: str | None = None
    best_set_together: list[str] | None = None


@dataclass(frozen=True)
class Neighbors:
    """Two designs that follow each other by mean score; separated: by Wilcoxon with Holm's correction.

    tasks_needed: to detect their difference with 80% power; None if it is 0.
    """

    first: str
    second: str
    difference: float
    separated: bool
    tasks_needed: int | None


@dataclass(frozen=True)
class Resolution:
    """How many of all pairs each test separates, and all neighbors by mean score, the best first."""

    n_pairs: int
    separated: dict[str, int]
    neighbors: list[Neighbors]
