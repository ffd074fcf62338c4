"""The tables of each category of task, from the sampled texts of one package.

Every builder returns {table: {column: values}}. The tasks of a package share its texts (summaries,
descriptions, or both together), so that an encoder that remembers texts reads each only once.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Any

from .sample import PackageSample

CANDIDATES = 16  # of a reranking query: its description, SIBLING_CANDIDATES near ones, others of the sample
SIBLING_CANDIDATES = 7
TRAIN_PART = 3  # one text of three of a class is learned from
Tables = dict[str, dict[str, list]]


def retrieval(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Find the description that belongs to a summary among all descriptions of the sample."""
    asked = _chance(sample, config, "Retrieval").sample(range(len(sample.rows)), _queries(sample, config))
    return {"documents": _documents(sample), "queries": _asked(sample, asked)}


def reranking(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Rank a summary's description before those of its siblings and some others."""
    chance = _chance(sample, config, "Reranking")
    asked = chance.sample(range(len(sample.rows)), _queries(sample, config))
    candidates = [_candidates(sample, number, chance) for number in asked]
    queries = _asked(sample, asked) | {"candidates": [[f"d{one}" for one in some] for some in candidates]}
    return {"documents": _documents(sample), "queries": queries}


def classification(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Tell the submodule of a text."""
    by_label = _by_label(sample)
    train = {number for numbers in by_label.values() for number in numbers[: len(numbers) // TRAIN_PART]}
    sides = {"train": sorted(train), "test": [n for n in range(len(sample.rows)) if n not in train]}
    order = sorted(by_label)
    return {
        side: {
            "text": [sample.rows[number]["both"] for number in numbers],
            "label": [order.index(sample.labels[number]) for number in numbers],
        }
        for side, numbers in sides.items()
    }


def clustering(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Group summaries by submodule."""
    return {"test": {"sentences": [row["summary"] for row in sample.rows], "labels": sample.labels}}


def pair_classification(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Tell texts of one class or module (1) from texts of two submodules (0)."""
    chance = _chance(sample, config, "PairClassification")
    by_nearness = _pairs_by_nearness(sample, chance)
    count = config["queries"]
    near = _least_used([*by_nearness[4], *by_nearness[3]], count)
    far = _least_used(by_nearness[0], len(near))
    return {"test": _pair_columns(sample, near + far) | {"labels": [1] * len(near) + [0] * len(far)}}


def relatedness(sample: PackageSample, config: dict[str, Any]) -> Tables:
    """Grade two texts by how close they are in the package, from 0 to 4."""
    by_nearness = _pairs_by_nearness(sample, _chance(sample, config, "STS"))
    count = 2 * config["queries"] // len(by_nearness)
    graded = [
        (pair, grade) for grade in sorted(by_nearness) for pair in _least_used(by_nearness[grade], count)
    ]
    scores = {"score": [float(grade) for _, grade in graded]}
    return {"test": _pair_columns(sample, [pair for pair, _ in graded]) | scores}


def _chance(sample: PackageSample, config: dict[str, Any], category: str) -> random.Random:
    return random.Random(f"{config['seed']} {sample.package} {category}")


def _queries(sample: PackageSample, config: dict[str, Any]) -> int:
    return min(config["queries"], len(sample.rows))


def _documents(sample: PackageSample) -> dict[str, list]:
    numbers = range(len(sample.rows))
    return {"id": [f"d{n}" for n in numbers], "text": [sample.rows[n]["description"] for n in numbers]}


def _asked(sample: PackageSample, numbers: list[int]) -> dict[str, list]:
    return {
        "id": [f"q{number}" for number in numbers],
        "text": [sample.rows[number]["summary"] for number in numbers],
        "document": [f"d{number}" for number in numbers],
    }


def _candidates(sample: PackageSample, number: int, chance: random.Random) -> list[int]:
    others = [other for other in range(len(sample.rows)) if other != number]
    chance.shuffle(others)
    others.sort(key=lambda other: -sample.nearness(number, other))  # a stable sort: random within a nearness
    near, rest = others[:SIBLING_CANDIDATES], others[SIBLING_CANDIDATES:]
    chosen = [number, *near, *chance.sample(rest, min(CANDIDATES - 1 - len(near), len(rest)))]
    chance.shuffle(chosen)
    return chosen


def _by_label(sample: PackageSample) -> dict[str, list[int]]:
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, label in enumerate(sample.labels):
        by_label[label].append(number)
    return by_label


def _pairs_by_nearness(sample: PackageSample, chance: random.Random) -> dict[int, list[tuple[int, int]]]:
    by_nearness: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pair in combinations(range(len(sample.rows)), 2):
        by_nearness[sample.nearness(*pair)].append(pair)
    for pairs in by_nearness.values():
        chance.shuffle(pairs)
    return by_nearness


def _least_used(pairs: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """Return `count` pairs that reuse texts as little as possible."""
    uses: dict[int, int] = defaultdict(int)
    chosen: list[tuple[int, int]] = []
    left = list(pairs)
    allowed = 0
    while left and len(chosen) < count:
        waiting = []
        for first, second in left:
            if len(chosen) < count and max(uses[first], uses[second]) <= allowed:
                chosen.append((first, second))
                uses[first] += 1
                uses[second] += 1
            else:
                waiting.append((first, second))
        left = waiting
        allowed += 1
    return chosen


def _pair_columns(sample: PackageSample, pairs: list[tuple[int, int]]) -> dict[str, list]:
    return {f"sentence{side + 1}": [sample.rows[pair[side]]["both"] for pair in pairs] for side in (0, 1)}


BUILDERS: dict[str, Callable[[PackageSample, dict[str, Any]], Tables]] = {
    "STS": relatedness,
    "PairClassification": pair_classification,
    "Clustering": clustering,
    "Reranking": reranking,
    "Classification": classification,
    "Retrieval": retrieval,
}
