"""Puts the rows of several sources together, so that each has its share."""

import random
from collections.abc import Mapping
from typing import Any

from ..common.command import note
from ..common.errors import BadInput
from ..study.data_config import SOURCE, key_of, origin
from ..study.shares import apportioned, given_shares, most_rows, shares_of
from .rows import Row
from .source_rows import Sides, split_rows

Sources = Mapping[str, dict[str, Any]]  # name -> data config


def split_by_shares(
    usable: Mapping[str, list[Row]], sources: Sources, config: dict[str, Any]
) -> dict[str, Sides]:
    """Return the training and held-out rows of each source, as many as its share of all of them.

    A query that is held out in one source is not trained on in any. A source that is too small for its share
    limits the training rows of all, so that the shares are exact, up to whole rows.
    """
    check_same_columns(usable, sources)
    held = apportioned(config["heldout_rows"], shares_of(sources, _sizes(usable)))
    sides = {name: _split(usable[name], source, held[name]) for name, source in sources.items()}
    queries = {row["query"] for _, heldout in sides.values() for row in heldout}
    train = {name: [row for row in side[0] if row["query"] not in queries] for name, side in sides.items()}
    counts = rows_to_train_on(_sizes(train), sources, config.get("train_rows"))
    return {name: (train[name][: counts[name]], sides[name][1]) for name in sources}


def rows_to_train_on(sizes: Mapping[str, int], sources: Sources, wanted: int | None) -> dict[str, int]:
    """Return how many rows of each source are trained on, with a note if one of them limits the others.

    sizes: the rows that each has; wanted: the rows of all together, at most; None: as many as possible.
    """
    for name, size in sizes.items():
        if not size:
            raise BadInput(f"{origin(sources[name])}: no training rows are left")
    shares = shares_of(sources, sizes)
    most = most_rows(sizes, shares)
    if given_shares(sources) and (wanted or sum(sizes.values())) > most:
        least = min(sizes, key=lambda name: sizes[name] / shares[name])
        note(
            f"{key_of(sources[least])}: its {sizes[least]:,} training rows are {float(shares[least]):.4g} of"
            f" {most:,}; to keep the shares, no more rows of all sources are used"
        )
    rows = min(wanted or most, most)
    counts = apportioned(rows, shares)
    for name, count in counts.items():
        if not count:
            raise BadInput(f"{key_of(sources[name])}: its share of {rows} training rows is less than one row")
    return counts


def check_same_columns(usable: Mapping[str, list[Row]], sources: Sources) -> None:
    """Raise BadInput if some sources have negatives and others have none."""
    has = {name: _has_negatives(rows, sources[name]) for name, rows in usable.items()}
    if len(set(has.values())) > 1:
        having, lacking = ([name for name in has if has[name] is negatives] for negatives in (True, False))
        raise BadInput(
            f"{key_of(sources[lacking[0]])} has no negatives, but {key_of(sources[having[0]])} has; add some,"
            f" or set columns.negative to null for {', '.join(having)}"
        )


def without_own_sources(sources: Sources) -> dict[str, dict[str, Any]]:
    """Return the data configs of sources, whose own column "source", if they have one, is not read."""
    unread = {SOURCE: None}
    return {name: own | {"columns": own["columns"] | unread} for name, own in sources.items()}


def joined(sides: Mapping[str, Sides], seed: int) -> Sides:
    """Return the rows of all sources in random order, each with the name of its source."""
    chance = random.Random(seed)
    train, heldout = (
        [row | {SOURCE: name} for name, rows in sides.items() for row in rows[side]] for side in (0, 1)
    )
    return chance.sample(train, len(train)), chance.sample(heldout, len(heldout))


def by_source(reports: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the reports on several sources as one: key -> source -> its value."""
    keys = dict.fromkeys(key for report in reports.values() for key in report)
    return {key: {name: report[key] for name, report in reports.items() if key in report} for key in keys}


def _has_negatives(rows: list[Row], source: dict[str, Any]) -> bool:
    return source["source"] == "docstrings" or "negative" in rows[0]


def _sizes(rows: Mapping[str, list[Row]]) -> dict[str, int]:
    return {name: len(group) for name, group in rows.items()}


def _split(rows: list[Row], source: dict[str, Any], heldout_rows: int) -> Sides:
    """Return all training rows of a source, and this many held-out ones."""
    try:
        return split_rows(rows, source | {"heldout_rows": heldout_rows})
    except BadInput as error:
        raise BadInput(f"{key_of(source)}, with its share of the held-out rows: {error}") from None
