"""The tests of this package as functions of a table of scores, for notebooks and other projects.

Over tasks, about these checkpoints: `scores` is a pandas table with one row per task and one column per
model; higher is better.

    rank_designs, rank_intervals          ranks within each task; where the average ranks could be
    friedman, friedman_permutation        do any models differ? by chi-square, and without an approximation
    iman_davenport                        the same, by F
    nemenyi, critical_difference          which pairs differ, by average ranks
    wilcoxon                              which pairs differ, by the sizes of their differences (Holm)
    cliques                               the groups in which no pair differs
    against_control                       which models differ from one of them
    best_by_score, best_by_rank           which models could be the best, and confidence sets of all ranks
    equivalence                           which pairs are practically equal (Bayesian signed-rank test)
    pool_dependence                       does Nemenyi's verdict on a pair depend on the other models?
    attainable                            the smallest p that each test can reach with this many tasks

Over runs, about newly trained models: `runs` has one row per model and seed (its index) and one column per
task.

    design_claim                          analysis of variance, Tukey's and Dunnett's tests, quasi-F
    best_over_runs                        which models could be the best (Hsu)
    difference_intervals, pair_intervals  differences in mean score, over runs and tasks

And for p-values: holm, shaffer.

Every function refuses missing and infinite numbers with BadInput, which names the first one. Where a test is
impossible, its numbers are None and `reason` says why; with too few seeds, `design_claim` says so in
`refused`, and `best_over_runs` returns None. docs/statistics.md explains each function.
"""

from .comparison.statistics.attainable import attainable
from .comparison.statistics.best_over_runs import best_over_runs
from .comparison.statistics.best_over_tasks import best_by_rank, best_by_score
from .comparison.statistics.control import against_control
from .comparison.statistics.equivalence import equivalence
from .comparison.statistics.intervals import difference_intervals, pair_intervals, rank_intervals
from .comparison.statistics.pairwise import wilcoxon
from .comparison.statistics.permutations import friedman_permutation
from .comparison.statistics.pools import pool_dependence
from .comparison.statistics.ranks import (
    cliques,
    critical_difference,
    friedman,
    holm,
    iman_davenport,
    nemenyi,
    rank_designs,
)
from .comparison.statistics.runs import design_claim
from .comparison.statistics.shaffer import shaffer

__all__ = [
    "against_control",
    "attainable",
    "best_by_rank",
    "best_by_score",
    "best_over_runs",
    "cliques",
    "critical_difference",
    "design_claim",
    "difference_intervals",
    "equivalence",
    "friedman",
    "friedman_permutation",
    "holm",
    "iman_davenport",
    "nemenyi",
    "pair_intervals",
    "pool_dependence",
    "rank_designs",
    "rank_intervals",
    "shaffer",
    "wilcoxon",
]
