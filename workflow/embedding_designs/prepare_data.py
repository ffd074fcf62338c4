"""Turn any source of training data into training and held-out triplets and a report on them.

    python -m embedding_designs.prepare_data source.json --docstrings docstrings.parquet \\
        --train train.parquet --heldout heldout.parquet --report report.json
"""

import argparse
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet

from .command import BadInput, command, read_json, write_json
from .docstrings.text import folded
from .docstrings.triplets import docstring_triplets, sample
from .harvest import content_hash, write_table
from .training.files import Row, read_rows

DEFAULTS: dict[str, Any] = {"seed": 0, "heldout_rows": 0, "train_rows": None}
DOCSTRING_DEFAULTS = {"min_description_words": 10, "max_words": 60}


@command
def main() -> None:
    """Write the training rows, the held-out rows and the report of a data card."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("source", help="data card: JSON with source docstrings, file or hub")
    arguments.add_argument("--docstrings", nargs="?", help="Parquet file; source docstrings needs it")
    arguments.add_argument("--fetched", type=Path, nargs="?", help="what was fetched, for source hub")
    arguments.add_argument("--train", required=True, help="Parquet file to write")
    arguments.add_argument("--heldout", required=True, help="Parquet file to write")
    arguments.add_argument("--report", required=True, help="JSON file to write")
    given = arguments.parse_args()
    train, heldout, report = prepare(given.source, given.docstrings, given.fetched)
    for path, rows in ((given.train, train), (given.heldout, heldout)):
        write_table(path, {column: [row[column] for row in rows] for column in train[0]})
    write_json(given.report, report)


def prepare(
    source: str, docstrings: str | None, fetched: Path | None = None
) -> tuple[list[Row], list[Row], dict[str, Any]]:
    """Return the training rows, the held-out rows and the report of the data card `source`.

    Rows have query and positive, and negative where the source has hard negatives.
    """
    card = DEFAULTS | read_card(source)
    if fetched:
        from .hub.fetched import fetched_data  # the hub's client takes a while to import

        card |= fetched_data(fetched)
    harvested = read_docstrings(docstrings) if docstrings else []
    if card["source"] == "docstrings":
        card = DOCSTRING_DEFAULTS | card
        if not docstrings:
            raise BadInput(f"{source}: source docstrings needs --docstrings")
        train, heldout, dropped = docstring_triplets(harvested, card)
    else:
        rows, dropped = read_rows(card, source)
        train, heldout = split_by_query(rows, card)
    if not train:
        raise BadInput(f"{source}: no training rows are left; dropped: {dropped}")
    evaluated = [row for row in harvested if row["split"] == "eval"]
    return train, heldout, report_on(train, heldout, dropped, card, evaluated)


def read_card(source: str) -> dict[str, Any]:
    """Return the data card; BadInput where its `source` or a number of rows is not allowed."""
    card = read_json(source)
    kind = card.get("source") if isinstance(card, dict) else None
    if kind not in ("docstrings", "file", "hub"):
        raise BadInput(f'{source}: source "{kind}" is not known; choose docstrings, file or hub')
    for key in ("train_rows", "heldout_rows", "seed", "min_description_words", "max_words"):
        value = card.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise BadInput(f"{source}: {key} {value!r} is not a whole number, 0 or more")
    return card


def read_docstrings(path: str) -> list[Row]:
    """Return the rows of a harvest."""
    if not Path(path).is_file():
        raise BadInput(f"{path}: no such file")
    return pyarrow.parquet.read_table(path).to_pylist()


def split_by_query(rows: list[Row], card: dict[str, Any]) -> tuple[list[Row], list[Row]]:
    """Return training and held-out rows in random order; all rows of a query are on one side."""
    chance = random.Random(card["seed"])
    queries = sorted({row["query"] for row in rows})
    chance.shuffle(queries)
    counts, heldout_queries, count = Counter(row["query"] for row in rows), set(), 0
    for query in queries:
        if count >= card["heldout_rows"]:
            break
        heldout_queries.add(query)
        count += counts[query]
    train = [row for row in rows if row["query"] not in heldout_queries]
    heldout = [row for row in rows if row["query"] in heldout_queries]
    return sample(train, card["train_rows"], chance), sample(heldout, card["heldout_rows"], chance)


def report_on(
    train: list[Row], heldout: list[Row], dropped: dict[str, int], card: dict[str, Any], evaluated: list[Row]
) -> dict[str, Any]:
    """Return the data report: rows, drops by reason, lengths in words, overlap with the tasks' texts."""
    texts = {folded(row[key]) for row in evaluated for key in ("summary", "description", "text")}
    found = sum(folded(text) in texts for row in train for text in row.values())
    return {
        "source": card["source"],
        "seed": card["seed"],
        "rows": {"train": len(train), "heldout": len(heldout)},
        "rows_asked": {"train": card["train_rows"], "heldout": card["heldout_rows"]},
        "dropped": dropped,
        "words": {column: word_counts([row[column] for row in train]) for column in train[0]},
        "train_texts_in_evaluation": found if evaluated else None,
        "sha256": content_hash(train),
    }


def word_counts(texts: list[str]) -> dict[str, int]:
    """Return the smallest, median, 95th percentile (both by nearest rank) and largest number of words."""
    counts = sorted(len(text.split()) for text in texts)
    rank = {"median": 0.5, "p95": 0.95}
    by_rank = {name: counts[math.ceil(share * len(counts)) - 1] for name, share in rank.items()}
    return {"min": counts[0], **by_rank, "max": counts[-1], "total": sum(counts)}


if __name__ == "__main__":
    main()
