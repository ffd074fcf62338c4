"""The rows of one source of training data: those that can be used, and their split into two sides."""

import random
from collections import Counter
from typing import Any

from .docstrings.triplets import described, heldout_groups, sample, split_by_module
from .rows import Row, read_rows

Sides = tuple[list[Row], list[Row]]  # training rows, held-out rows


def usable_rows(
    config: dict[str, Any], harvested: list[Row], seen: set[tuple[str, ...]]
) -> tuple[list[Row], dict[str, Any]]:
    """Return the usable rows of a source, and the report on them.

    seen: the texts of earlier sources' rows; rows that repeat them are dropped, and those of this one added.
    """
    if config["source"] == "docstrings":
        rows, dropped = described([row for row in harvested if row["split"] == "train"], config)
        return rows, {"dropped": dropped}
    return read_rows(config, seen)


def split_rows(rows: list[Row], config: dict[str, Any]) -> Sides:
    """Return training and held-out rows in random order; a query, or a module, is on one side."""
    return split_by_module(rows, config) if config["source"] == "docstrings" else split_by_query(rows, config)


def split_by_query(rows: list[Row], config: dict[str, Any]) -> Sides:
    """Return training and held-out rows in random order; all rows of a query are on one side."""
    chance = random.Random(config["seed"])
    sizes = Counter(row["query"] for row in rows)
    queries = heldout_groups(config["heldout_rows"], sizes, "query", chance)
    train = [row for row in rows if row["query"] not in queries]
    heldout = [row for row in rows if row["query"] in queries]
    return sample(train, config.get("train_rows"), chance), sample(heldout, config["heldout_rows"], chance)
