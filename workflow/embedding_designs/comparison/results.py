"""What a comparison returns: the types behind statistics.json, which docs/statistics.md describes.

Field names are the keys of the file. If a test cannot be computed, its numbers are None and `reason` says
why.
"""

from dataclasses import dataclass, field

from ..scores.collapsed_runs import CollapsedRun
from ..scores.not_used import NotUsed
from .results_of_best_sets import BestOverRuns, BestOverTasks, Resolution
from .results_of_tests import (
    Attainable,
    ControlTest,
    Cross,
    DetectedOverRuns,
    DetectedOverTasks,
    Difference,
    DunnettTest,
    Effect,
    EquivalencePair,
    FactorTest,
    Friedman,
    FTest,
    Gate,
    NemenyiPair,
    OneWay,
    PapersRule,
    QuasiF,
    TukeyPair,
    WilcoxonPair,
)


@dataclass(frozen=True)
class Design:
    """A design, or a published model, by its two factors."""

    name: str
    pooling: str
    attention: str


@dataclass(frozen=True)
class Nemenyi:
    """Nemenyi's test of all pairs."""

    critical_difference: float | None
    pairs: list[NemenyiPair]
    reason: str | None = None


@dataclass(frozen=True)
class TheseCheckpoints:
    """Tests over tasks, about these checkpoints. None: left out because there are many designs."""

    friedman: Friedman
    iman_davenport: FTest
    gate: Gate
    nemenyi: Nemenyi
    cliques: list[list[str]]
    wilcoxon: list[WilcoxonPair]
    wilcoxon_cliques: list[list[str]] | None
    against_control: list[ControlTest]
    equivalence: list[EquivalencePair] | None
    papers_rule: PapersRule
    best_by_score: BestOverTasks
    best_by_rank: BestOverTasks
    resolution: Resolution | None = None


@dataclass(frozen=True)
class TheseDesigns:
    """Tests over runs, about these designs. If there are none, `refused` says why."""

    refused: str | None
    n_seeds: int
    one_way: OneWay | None
    welch: FTest | None
    one_way_on_ranks: FTest | None
    quasi_f: QuasiF | None
    run_spread: float | None
    pairs: list[TukeyPair]
    against_control: list[DunnettTest]
    best: BestOverRuns | None


@dataclass(frozen=True)
class Detectable:
    """What t tests with this power detect; `designs` is None with a single seed."""

    power: float
    checkpoints: DetectedOverTasks
    designs: DetectedOverRuns | None


@dataclass(frozen=True)
class Undecidable:
    """What these tasks and seeds cannot decide."""

    untestable: str | None
    attainable: Attainable
    decidable: dict[str, bool]
    detectable: Detectable


@dataclass(frozen=True)
class Differences:
    """The differences of all designs from the control, and which units were resampled for the intervals."""

    resampled: str | None
    designs: dict[str, Difference]
    reason: str | None = None


@dataclass(frozen=True)
class Factors:
    """Pooling and attention as factors: what the designs can estimate, and what they cannot (`refused`)."""

    crossed: Cross | None
    anova: dict[str, FactorTest] | None
    aligned_ranks: dict[str, FTest] | None
    quasi_f: dict[str, QuasiF] | None
    effects: list[Effect]
    simple: list[Effect]
    refused: list[str]
    designs_refused: str | None
    reason: str | None


@dataclass(frozen=True)
class Comparison:
    """The designs of one base, compared over the tasks of one category, or of "All"."""

    base: str
    category: str
    dropped_tasks: list[str]
    unit: str
    designs: list[str]
    control: str
    tasks: list[str]
    seeds: list[int]
    n_designs: int
    n_tasks: int
    mean_scores: dict[str, float]
    seed_spread: dict[str, float | None]
    average_ranks: dict[str, float]
    rank_intervals: dict[str, list[float]] | None
    differences: Differences
    undecidable: Undecidable
    these_checkpoints: TheseCheckpoints
    these_designs: TheseDesigns
    factors: Factors
    left_out: str | None
    sentences: dict[str, list[str]]

    @property
    def has_diagram(self) -> bool:
        """Return whether its critical-difference diagram is drawn: of very many designs, only that of All."""
        return self.category == "All" or not self.left_out


@dataclass(frozen=True)
class Statistics:
    """The results of a study: for each base, one comparison per category, then "All".

    collapsed: runs whose designs are not compared on their base; inferred: what was concluded about the
    scores of a user's own table, such as their scale.
    """

    study: str
    alpha: float
    rope: float
    designs: list[Design]
    unit: str
    scope: str
    not_used: list[NotUsed]
    comparisons: list[Comparison]
    sha256: dict[str, str]
    revisions: dict[str, str]
    collapsed: list[CollapsedRun] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)
