"""Counts which published models MTEB(eng, v2) separates, by corrected tests and by an uncorrected bootstrap.

python benchmarks/resolution.py [--models 20 60 183]
"""

import argparse
from collections.abc import Mapping
from itertools import pairwise as neighbors_of
from typing import Any

import numpy as np
import pandas as pd
from leaderboard import published
from measure import print_table

from embedding_designs.comparison.statistics.best_over_tasks import best_by_rank, best_by_score
from embedding_designs.comparison.statistics.pairwise import wilcoxon
from embedding_designs.comparison.statistics.ranks import nemenyi, rank_designs
from embedding_designs.comparison.statistics.resolution import tasks_to_separate

ALPHA, DRAWS = 0.05, 2000
Pairs = set[frozenset[str]]


def by_bootstrap(scores: pd.DataFrame) -> Pairs:
    """Return the pairs whose 95% interval of a paired bootstrap over tasks excludes 0; not corrected."""
    n, names = len(scores), list(scores.columns)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), DRAWS) @ scores.to_numpy()
    found = set()
    for index, name in enumerate(names):
        above = (drawn[:, [index]] > drawn[:, index + 1 :]).mean(axis=0)
        below = (drawn[:, [index]] < drawn[:, index + 1 :]).mean(axis=0)
        apart = np.maximum(above, below) > 1 - ALPHA / 2
        found |= {frozenset((name, names[index + 1 + other])) for other in np.flatnonzero(apart)}
    return found


def chosen(pairs: list[dict[str, Any]], key: str) -> Pairs:
    """Return the pairs that a test calls significant."""
    return {frozenset((pair["first"], pair["second"])) for pair in pairs if pair[key]}


def above_others(best: Mapping[str, Any]) -> int:
    """Return how many pairs the simultaneous intervals of ranks separate."""
    return sum(low - 1 for low, _ in best["ranks"].values())


def resolved(n_models: int) -> tuple[list[list[str]], list[str]]:
    """Return the rows of the table of pairs, and the row of the best sets and of the tasks needed."""
    scores = published(n_models).round(6)
    pairs = wilcoxon(scores, ALPHA)
    order = scores.mean().sort_values(ascending=False, kind="stable").index
    adjacent = {frozenset(pair) for pair in neighbors_of(order)}
    found = {
        "paired bootstrap, uncorrected": by_bootstrap(scores),
        "Wilcoxon, uncorrected": chosen(pairs, "significant_uncorrected"),
        "Wilcoxon with Holm": chosen(pairs, "significant_holm"),
        "Nemenyi": chosen(nemenyi(scores, ALPHA)["pairs"], "significant"),
    }
    rows = [
        [str(n_models), name, f"{len(one):,} ({len(one) / len(pairs):.0%})", str(len(one & adjacent))]
        for name, one in found.items()
    ]
    leader = rank_designs(scores).mean().idxmin()
    joined = [
        str(n_models - sum(leader in pair for pair in found[test]))
        for test in ("Wilcoxon with Holm", "Nemenyi")
    ]
    by_score, by_rank = best_by_score(scores, ALPHA), best_by_rank(scores, ALPHA)
    for name, best in (("mean score", by_score), ("average rank", by_rank)):
        number = above_others(best)
        rows.append(
            [str(n_models), f"intervals of ranks, {name}", f"{number:,} ({number / len(pairs):.0%})", ""]
        )
    differences = scores[order[:-1]].to_numpy() - scores[order[1:]].to_numpy()
    needed = sorted(tasks or np.inf for tasks in tasks_to_separate(differences, len(pairs), ALPHA))
    at_first = [str(sum(ranks[0] == 1 for ranks in best["ranks"].values())) for best in (by_score, by_rank)]
    easiest = [f"{needed[int(share * (len(needed) - 1))]:,}" for share in (0, 0.1, 0.5)]
    first = [str(len(by_score["best_set"])), str(len(by_rank["best_set"])), ", ".join(at_first), *joined]
    return rows, [str(n_models), f"{len(pairs):,}", *first, *easiest]


def main() -> None:
    """Print the tables of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[20, 60, 183])
    found = [resolved(number) for number in parser.parse_args().models]
    columns = ["models", "test", "pairs separated", "neighbors separated"]
    print_table(columns, [row for rows, _ in found for row in rows])
    print()
    columns = ["models", "pairs", "best set, mean score", "best set, average rank"]
    columns += ["rank 1 in the intervals (score, rank)", "joined by Wilcoxon with Holm", "joined by Nemenyi"]
    columns += [f"tasks to separate {which} of the neighbors" for which in ("the easiest", "a tenth", "half")]
    print_table(columns, [row for _, row in found])


if __name__ == "__main__":
    main()
