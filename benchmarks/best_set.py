"""Measures by simulation how often the best set of equal models has a given one of them, beside alternatives.

python benchmarks/best_set.py [--studies 400] [--models 5 20 180] [--tasks 6 8 41]
"""

import argparse
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product

import numpy as np
from measure import print_table
from scipy import stats

from embedding_designs.comparison.statistics.ranks import DECIMALS
from embedding_designs.comparison.statistics.sign_changes import TOLERANCE, leads_over

ALPHA, DRAWS = 0.05, 199
MANY_MODELS = 100  # with as many, half the studies
SPREAD = 0.05  # of a model's scores on tasks of equal difficulty
Scores = np.ndarray  # (tasks, models)


def equal(random: np.random.Generator, n: int, k: int) -> Scores:
    """Return the deviations of equal models: normal, in spreads."""
    return random.normal(size=(n, k))


def steady(random: np.random.Generator, n: int, k: int) -> Scores:
    """Return the same with a first model that is 10 times steadier."""
    deviations = equal(random, n, k)
    deviations[:, 0] /= 10
    return deviations


def skewed(random: np.random.Generator, n: int, k: int) -> Scores:
    """Return the same with a first model that is much better on a few tasks, and others a third as spread."""
    deviations = equal(random, n, k) / 3
    deviations[:, 0] = random.exponential(size=n) - 1
    return deviations


def studies(
    number: int, k: int, n: int, deviations: Callable[..., Scores], decimals: int
) -> Iterator[Scores]:
    """Yield the scores of each study; tasks differ in difficulty. decimals: 1 gives many ties."""
    for seed in range(number):
        random = np.random.default_rng(seed)
        difficulty = random.normal(0, 0.1, (n, 1))
        yield (0.5 + difficulty + SPREAD * deviations(random, n, k)).round(decimals)


def by_sign_changes(scores: Scores) -> bool:
    """Return whether the first model is in the best set by mean score."""
    largest = leads_over(np.rint(scores * 10**DECIMALS), 0)
    return bool((largest >= largest[0] - TOLERANCE).mean() > ALPHA)


def by_ranks(scores: Scores) -> bool:
    """Return whether the first model is in the best set by average rank."""
    return by_sign_changes(stats.rankdata(scores, axis=1))


@cache
def _drawn_tasks(n: int) -> np.ndarray:
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), DRAWS) / n


def by_bootstrap(scores: Scores, studentized: bool = False) -> bool:
    """Return the same by a paired bootstrap of the largest t, with the observed or the drawn errors."""
    n = len(scores)
    d = scores[:, 1:] - scores[:, [0]]
    mean, error = d.mean(axis=0), d.std(axis=0, ddof=1) / np.sqrt(n)
    drawn = _drawn_tasks(n) @ d
    spread = error
    if studentized:
        spread = np.sqrt(np.maximum(_drawn_tasks(n) @ d**2 - drawn**2, 0) / (n - 1))
    t = np.divide(drawn - mean, spread, out=np.zeros_like(drawn), where=spread > 1e-12)
    return bool((t.max(axis=1) >= (mean / error).max()).mean() > ALPHA)


def by_studentized_bootstrap(scores: Scores) -> bool:
    """Return the same by the studentized bootstrap."""
    return by_bootstrap(scores, studentized=True)


def by_bonferroni(scores: Scores) -> bool:
    """Return the same by one-sided paired t tests with Bonferroni's correction over k - 1 others."""
    n, k = scores.shape
    d = scores[:, 1:] - scores[:, [0]]
    largest = (d.mean(axis=0) / stats.sem(d, axis=0)).max()
    return bool(stats.t.sf(largest, n - 1) * (k - 1) > ALPHA)


ROWS: dict[str, tuple[Callable[[Scores], bool], Callable[..., Scores], int]] = {
    "sign changes": (by_sign_changes, equal, DECIMALS),
    "sign changes, many ties": (by_sign_changes, equal, 1),
    "sign changes, average rank": (by_ranks, equal, DECIMALS),
    "sign changes, best model 10 times steadier": (by_sign_changes, steady, DECIMALS),
    "sign changes, best model skewed": (by_sign_changes, skewed, DECIMALS),
    "bootstrap": (by_bootstrap, equal, DECIMALS),
    "bootstrap, best model 10 times steadier": (by_bootstrap, steady, DECIMALS),
    "studentized bootstrap": (by_studentized_bootstrap, equal, DECIMALS),
    "t tests with Bonferroni's correction": (by_bonferroni, equal, DECIMALS),
    "t tests with Bonferroni's correction, best model skewed": (by_bonferroni, skewed, DECIMALS),
}


def shares(number: int, k: int, n: int) -> list[str]:
    """Return for each row the share of the studies in which the first of k equal models could be the best."""
    number = number // 2 if k >= MANY_MODELS else number
    return [
        f"{np.mean([method(scores) for scores in studies(number, k, n, deviations, decimals)]):.0%}"
        for method, deviations, decimals in ROWS.values()
    ]


def main() -> None:
    """Print the table of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--models", type=int, nargs="+", default=[5, 20, 180])
    parser.add_argument("--tasks", type=int, nargs="+", default=[6, 8, 41])
    arguments = parser.parse_args()
    sizes = list(product(arguments.models, arguments.tasks))
    columns = [shares(arguments.studies, k, n) for k, n in sizes]
    rows = [[name, *cells] for name, *cells in zip(ROWS, *columns, strict=True)]
    print_table(["mean score; models x tasks", *(f"{k} x {n}" for k, n in sizes)], rows)


if __name__ == "__main__":
    main()
