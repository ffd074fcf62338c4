"""Measures by simulation how often the best set has the best model, and how large it is, beside alternatives.

python benchmarks/best_set.py [--studies 1000] [--models 5 20 180]
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pandas as pd
from measure import print_table
from scipy import stats

from embedding_designs.comparison.statistics import pairwise, ranks
from embedding_designs.comparison.statistics.best_over_tasks import best_by_rank, best_by_score

ALPHA, DRAWS = 0.05, 199
TASKS = (3, 8, 41)
SPREAD = 0.05  # of a model's scores on tasks of equal difficulty


def studies(number: int, k: int, n: int, gaps: np.ndarray, skewed: bool = False) -> Iterator[pd.DataFrame]:
    """Yield scores (tasks, models) in which the means lie `gaps` spreads below that of the best model."""
    for seed in range(number):
        random = np.random.default_rng(seed)
        noise = random.normal(size=(n, k))
        if skewed:  # the best model only: it does much better on a few tasks
            noise *= 0.3
            noise[:, 0] = random.exponential(size=n) - 1
        scores = 0.5 + random.normal(0, 0.1, (n, 1)) + SPREAD * (noise - gaps)
        yield pd.DataFrame(scores.round(6), columns=[f"m{i}" for i in range(k)])


def by_bootstrap(scores: pd.DataFrame, studentized: bool) -> list[str]:
    """Return the best set by a paired bootstrap of the largest t, with the observed or the drawn errors."""
    n = len(scores)
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), DRAWS) / n
    found = []
    for name in scores.columns:
        d = (scores.drop(columns=name).sub(scores[name], axis="index")).to_numpy()
        mean, error = d.mean(axis=0), d.std(axis=0, ddof=1) / np.sqrt(n)
        drawn = counts @ d
        if studentized:
            spread = np.sqrt(np.maximum(counts @ d**2 - drawn**2, 0) / (n - 1))
            t = np.divide(drawn - mean, spread, out=np.zeros_like(drawn), where=spread > 1e-12)
        else:
            t = (drawn - mean) / error
        if (t.max(axis=1) >= (mean / error).max()).mean() > ALPHA:
            found.append(name)
    return found


def by_bonferroni(scores: pd.DataFrame) -> list[str]:
    """Return the best set by one-sided paired t tests with Bonferroni's correction over k - 1 others."""
    n, k = scores.shape
    found = []
    for name in scores.columns:
        d = scores.drop(columns=name).sub(scores[name], axis="index")
        largest = (d.mean() / d.sem()).max()
        if stats.t.sf(largest, n - 1) * (k - 1) > ALPHA:
            found.append(name)
    return found


def joined_by_nemenyi(scores: pd.DataFrame) -> list[str]:
    """Return the models that Nemenyi's test does not separate from the one with the best average rank."""
    average = ranks.rank_designs(scores).mean()
    distance = ranks.critical_difference(scores.shape[1], len(scores), ALPHA)
    return list(average.index[average - average.min() < distance])


def joined_by_wilcoxon(scores: pd.DataFrame) -> list[str]:
    """Return the models that Wilcoxon's test with Holm's correction does not separate from that one."""
    first = ranks.rank_designs(scores).mean().idxmin()
    pairs = pairwise.wilcoxon(scores, ALPHA)
    apart = {name for p in pairs if p["significant_holm"] for name in (p["first"], p["second"])
             if first in (p["first"], p["second"])} - {first}  # fmt: skip
    return [name for name in scores.columns if name not in apart]


METHODS: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    "best set, mean score": lambda scores: best_by_score(scores, ALPHA)["best_set"],
    "best set, average rank": lambda scores: best_by_rank(scores, ALPHA)["best_set"],
    "bootstrap": lambda scores: by_bootstrap(scores, studentized=False),
    "studentized bootstrap": lambda scores: by_bootstrap(scores, studentized=True),
    "Bonferroni t": by_bonferroni,
    "joined by Nemenyi": joined_by_nemenyi,
    "joined by Wilcoxon, Holm": joined_by_wilcoxon,
}


def measured(
    number: int, sizes: list[tuple[int, int]], gaps: Callable[[int], np.ndarray], skewed: bool
) -> Iterator[list[str]]:
    """Yield one row per method: "share of the best models in the set / mean size of the set"."""
    for name, method in METHODS.items():
        cells = []
        for k, n in sizes:
            fewer = max(8, number // max(1, k * n // 100))
            best = {f"m{i}" for i in np.flatnonzero((gaps(k) == 0) & (not skewed or np.arange(k) == 0))}
            sets = [method(scores) for scores in studies(fewer, k, n, gaps(k), skewed)]
            share = np.mean([len(best & set(found)) / len(best) for found in sets])
            cells.append(f"{share:.0%} / {np.mean([len(found) for found in sets]):.1f}")
        yield [name, *cells]


def main() -> None:
    """Print the tables of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--models", type=int, nargs="+", default=[5, 20, 180])
    arguments = parser.parse_args()
    sizes = list(product(arguments.models, TASKS))
    for title, gaps, skewed in [
        ("All models are equal", np.zeros, False),
        ("Means spread evenly over 4 standard deviations", lambda k: np.linspace(0, 4, k), False),
        ("All means are equal, and the first model is skewed", np.zeros, True),
    ]:
        print(f"\n{title}", flush=True)
        rows = list(measured(arguments.studies, sizes, gaps, skewed))
        print_table(["method", *(f"{k} x {n}" for k, n in sizes)], rows)


if __name__ == "__main__":
    main()
