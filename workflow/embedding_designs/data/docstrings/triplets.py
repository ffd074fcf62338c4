"""Training triplets from docstrings: a summary, its description and the description of a sibling."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from ...common.errors import BadInput
from .text import folded

MIN_SUMMARY_WORDS = 3  # "Initialize self." asks for nothing in particular
Row = dict[str, str]


def docstring_triplets(
    harvested: list[Row], config: dict[str, Any]
) -> tuple[list[Row], list[Row], dict[str, int]]:
    """Return training triplets, held-out triplets and the number of docstrings left out by reason.

    A triplet has query, positive and negative. No module gives rows to both sides, not even a negative.
    """
    usable, dropped = described([row for row in harvested if row["split"] == "train"], config)
    train, heldout = split_by_module(usable, config)
    dropped["not_needed"] = len(usable) - len(train) - len(heldout)
    return train, heldout, dropped


def split_by_module(usable: list[Row], config: dict[str, Any]) -> tuple[list[Row], list[Row]]:
    """Return training and held-out triplets of described docstrings; a module is on one side."""
    chance = random.Random(config["seed"])
    sizes = Counter(row["module"] for row in usable)
    heldout_modules = heldout_groups(config["heldout_rows"], sizes, "module", chance)
    sides = [[row for row in usable if (row["module"] in heldout_modules) is held] for held in (False, True)]
    train = sample(_triplets(sides[0], chance), config.get("train_rows"), chance)
    heldout = sample(_triplets(sides[1], chance), config["heldout_rows"], chance)
    return train, heldout


def described(rows: list[Row], config: dict[str, Any]) -> tuple[list[Row], dict[str, int]]:
    """Return the rows with a summary and a description of their own, cut to `max_words`, and the drops.

    The description has at least `min_description_words`. No summary or description appears twice: each
    row would be the other's false negative.
    """
    kept, seen, dropped = [], set(), Counter(too_short=0, duplicate_summary=0, duplicate_description=0)
    for row in rows:
        summary, description = (
            first_words(row[key], config["max_words"]) for key in ("summary", "description")
        )
        enough = len(description.split()) >= max(1, config["min_description_words"])
        if not enough or len(summary.split()) < MIN_SUMMARY_WORDS:
            dropped["too_short"] += 1
        elif folded(summary) in seen:
            dropped["duplicate_summary"] += 1
        elif folded(description) in seen:
            dropped["duplicate_description"] += 1
        else:
            seen |= {folded(summary), folded(description)}
            kept.append(row | {"summary": summary, "description": description})
    return kept, dict(dropped)


def scopes_of(row: Row) -> list[str]:
    """Return where an object is defined, narrowest first: its class, its module, its packages, all."""
    parts = row["module"].split(".")
    scopes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    owner = row["qualname"].rpartition(".")[0]
    return [*([f"{row['module']}:{owner}"] if owner else []), *scopes, ""]


def sample(rows: list[Row], wanted: int | None, chance: random.Random) -> list[Row]:
    """Return at most `wanted` rows (all if None) in random order."""
    return chance.sample(rows, len(rows) if wanted is None else min(wanted, len(rows)))


def heldout_groups(wanted: int, sizes: Mapping[str, int], kind: str, chance: random.Random) -> set[str]:
    """Return random groups that have `wanted` rows together; sizes: the rows of each group.

    Raises BadInput if they would be all rows; kind: what a group's rows share, for the message.
    """
    groups, chosen, rows = sorted(sizes), set(), 0
    chance.shuffle(groups)
    while groups and rows < wanted:
        chosen.add(groups[-1])
        rows += sizes[groups.pop()]
    if chosen and not groups:
        most = rows - max(sizes.values())
        cure = (
            f"choose at most {most}" if most else f"all have the same {kind}, which cannot be on both sides"
        )
        raise BadInput(f"data.heldout_rows {wanted} takes all {rows} rows; {cure}")
    return chosen


def first_words(text: str, max_words: int) -> str:
    """Return the first `max_words` words of a text."""
    return " ".join(text.split()[:max_words])


def _triplets(rows: list[Row], chance: random.Random) -> list[Row]:
    if len(rows) < 2:
        return []
    members: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for scope in scopes_of(row):
            members[scope].append(number)
    return [
        {
            "query": row["summary"],
            "positive": row["description"],
            "negative": rows[_sibling(number, row, members, chance)]["description"],
        }
        for number, row in enumerate(rows)
    ]


def _sibling(number: int, row: Row, members: dict[str, list[int]], chance: random.Random) -> int:
    """Return another row of the narrowest scope that has one."""
    around = next(members[scope] for scope in scopes_of(row) if len(members[scope]) > 1)
    choice = around[chance.randrange(len(around) - 1)]
    return choice if choice != number else around[-1]
