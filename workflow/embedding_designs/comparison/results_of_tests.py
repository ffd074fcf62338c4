"""The results of single tests and estimates, which results.py puts together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FTest:
    """An F test; Welch's and Satterthwaite's degrees of freedom are not integers."""

    f: float | None
    df1: int | float | None
    df2: int | float | None
    p: float | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class OneWay(FTest):
    """The one-way analysis of variance of the runs' mean scores."""

    eta_squared: float | None


@dataclass(frozen=True, kw_only=True)
class QuasiF(FTest):
    """The quasi-F, and the components of the spread: "run", "design_task", and "residual".

    For a factor, "design_task" is the spread of its effects over tasks.
    """

    variances: dict[str, float] | None


@dataclass(frozen=True, kw_only=True)
class FactorTest(FTest):
    """One row of the two-way analysis of variance."""

    partial_eta_squared: float | None


@dataclass(frozen=True)
class Friedman:
    """Friedman's test, with Kendall's W as its effect size.

    p_permutation needs no approximation; `draws`: random permutations, None if all are counted.
    """

    chi_square: float | None
    df: int | None
    p: float | None
    kendall_w: float | None
    ties: str
    p_permutation: float | None = None
    draws: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Gate:
    """Whether Friedman's test still finds a difference after Holm's correction over the categories."""

    p_holm: float | None
    open: bool
    categories: int
    reason: str | None = None


@dataclass(frozen=True)
class NemenyiPair:
    """Nemenyi's verdict on a pair, and the share of the sub-pools in which it flips."""

    first: str
    second: str
    p: float | None
    significant: bool
    flips: float | None = None
    called: float | None = None
    sub_pools: int | None = None
    exhaustive: bool | None = None
    reason: str | None = None


@dataclass(frozen=True)
class WilcoxonPair:
    """Wilcoxon's signed-rank test of a pair, first minus second; Shaffer's correction only if asked for."""

    first: str
    second: str
    p_uncorrected: float | None
    p_holm: float | None
    significant_uncorrected: bool
    significant_holm: bool
    mean_difference: float
    rank_biserial: float | None
    wins: int
    losses: int
    ties: int
    p_shaffer: float | None = None
    significant_shaffer: bool | None = None
    reason: str | None = None

    @property
    def better_first(self) -> list[str]:
        """The two designs, with the better one by rank sums first."""
        return [self.first, self.second][:: 1 if (self.rank_biserial or 0) > 0 else -1]


@dataclass(frozen=True)
class ControlTest:
    """The test of a design against the control by ranks over tasks; positive if it beats the control."""

    design: str
    rank_difference: float
    z: float | None
    p_uncorrected: float | None
    p_holm: float | None
    significant: bool
    reason: str | None = None


@dataclass(frozen=True)
class EquivalencePair:
    """The Bayesian signed-rank test of a pair."""

    first: str
    second: str
    p_first_better: float
    p_equivalent: float
    p_second_better: float
    verdict: str


@dataclass(frozen=True)
class PapersRule:
    """The pairs (better, worse) that uncorrected Wilcoxon calls significant, and those that Holm removes."""

    n_pairs: int
    called: list[list[str]]
    vanish: list[list[str]]


@dataclass(frozen=True)
class TukeyPair:
    """Tukey's test of a pair over runs, first minus second, with its simultaneous interval."""

    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    significant: bool


@dataclass(frozen=True)
class DunnettTest:
    """Dunnett's test of a design over runs, design minus control, with its simultaneous interval."""

    design: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    significant: bool


@dataclass(frozen=True)
class Attainable:
    """The smallest p that each test can give with this many tasks and designs."""

    friedman: float | None
    nemenyi: float | None
    wilcoxon: float | None
    wilcoxon_holm: float | None
    control_holm: float | None
    tasks_needed: dict[str, int | None]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Detected:
    """The smallest difference in mean score that a t test detects, and the largest observed one."""

    spread: float | None
    difference: float | None
    observed: float
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class DetectedOverTasks(Detected):
    """The same over tasks, and how many tasks would be needed to detect the observed difference."""

    tasks_needed: int | None


@dataclass(frozen=True, kw_only=True)
class DetectedOverRuns(Detected):
    """The same over runs, and how many seeds would be needed to detect the observed difference."""

    seeds_needed: int | None


@dataclass(frozen=True)
class Difference:
    """A difference in mean score from the control, with its interval."""

    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Cross:
    """Poolings and attentions for which every combination was run as one design."""

    poolings: list[str]
    attentions: list[str]
    designs: list[str]


@dataclass(frozen=True)
class ContrastOverTasks:
    """Wilcoxon's test of a contrast over the tasks."""

    wins: int
    losses: int
    p: float | None
    p_holm: float | None
    reason: str | None = None


@dataclass(frozen=True)
class ContrastOverRuns:
    """The t test of a contrast over the runs."""

    p: float | None
    low: float | None
    high: float | None
    p_holm: float | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ContrastOverRunsAndTasks(FTest):
    """The quasi-F of a contrast: over new runs and new tasks."""

    p_holm: float | None


@dataclass(frozen=True)
class Effect:
    """A contrast of designs: the mean score of `plus` minus that of `minus`."""

    effect: str
    name: str
    plus: list[str]
    minus: list[str]
    estimate: float
    checkpoints: ContrastOverTasks
    designs: ContrastOverRuns | None
    designs_and_tasks: ContrastOverRunsAndTasks | None
