"""What training rows are made of: rows, words, and lengths by source."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..study.data_config import NAMES, SOURCE
from .rows import Row

MOST = 20  # sources; any others are reported together
RANKS = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


def composition(train: list[Row], heldout: list[Row]) -> dict[str, Any]:
    """Return rows and words of each source, largest first, and the lengths of its texts in words.

    A row is a query, a positive, and at most one negative, as in training: a query with three negatives is
    three rows, and its words count three times.
    """
    names = shown_names(train)
    groups, held = _grouped(train, names), _grouped(heldout, names)
    columns = [column for column in NAMES if column in train[0]]
    lengths = {
        column: {name: sorted(len(row[column].split()) for row in rows) for name, rows in groups.items()}
        for column in columns
    }
    words = {name: sum(sum(lengths[column][name]) for column in columns) for name in groups}
    total = sum(words.values())
    return {
        "composition": {
            name: {
                "rows": len(rows),
                "share_of_rows": round(len(rows) / len(train), 4),
                "words": words[name],
                "share_of_words": round(words[name] / total, 4),
                "words_per_row": round(words[name] / len(rows), 1),
                "heldout_rows": len(held.get(name, ())),
            }
            for name, rows in groups.items()
        },
        "words_per_text": {
            column: {name: at_ranks(counts, RANKS) for name, counts in by_name.items()}
            for column, by_name in lengths.items()
        },
    }


def shown_names(rows: list[Row]) -> dict[str, str]:
    """Return the name under which each source is reported, largest first: its own, or "12 others"."""
    counts = Counter(row[SOURCE] for row in rows)
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    few = ordered if len(ordered) <= MOST else ordered[: MOST - 1]
    return {name: name if name in few else f"{len(ordered) - len(few)} others" for name in ordered}


def at_ranks(counts: Sequence[int], ranks: Mapping[str, float]) -> dict[str, int]:
    """Return the numbers at some shares of a sorted list, by nearest rank."""
    return {name: counts[math.ceil(share * len(counts)) - 1] for name, share in ranks.items()}


def _grouped(rows: list[Row], names: Mapping[str, str]) -> dict[str, list[Row]]:
    """Return the rows by the name of their source; those of sources without a name are left out."""
    groups: dict[str, list[Row]] = {name: [] for name in names.values()}
    for row in rows:
        if row[SOURCE] in names:
            groups[names[row[SOURCE]]].append(row)
    return groups
