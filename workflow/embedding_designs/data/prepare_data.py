"""Turns any source of training data into training and held-out triplets and a report on them.

    python -m embedding_designs.data.prepare_data source.json --docstrings docstrings.parquet \\
        --train train.parquet --heldout heldout.parquet --report report.json
"""

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..common.command import command, note
from ..common.errors import BadInput
from ..common.json_files import write_json
from ..study.data_config import origin
from ..study.parts import read_data_config
from .columns import listed
from .docstring_table import read_docstrings, rows_hash
from .docstrings.text import folded
from .docstrings.triplets import docstring_triplets, heldout_groups, sample
from .parquet_tables import write_table
from .rows import Row, read_rows


@command
def main() -> None:
    """Write the training rows, the held-out rows and the report of a data config."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("source", help="data config: JSON with source docstrings, file or hub")
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
    """Return the training rows, the held-out rows and the report of the data config `source`.

    Rows have query and positive, and negative where the source has hard negatives.
    """
    config = read_data_config(source)
    if fetched:
        from ..fetching.fetched import fetched_data  # the hub's client takes a while to import

        config |= fetched_data(fetched)
    harvested = read_docstrings(docstrings) if docstrings else []
    if config["source"] == "docstrings":
        if not docstrings:
            raise BadInput(f"{source}: source docstrings needs --docstrings")
        train, heldout, dropped = docstring_triplets(harvested, config)
        about = {"dropped": dropped}
    else:
        rows, about = read_rows(config)
        train, heldout = split_by_query(rows, config)
        about["dropped"]["not_needed"] = len(rows) - len(train) - len(heldout)
    if not train:
        reasons = nonzero(about["dropped"]) or "none"
        raise BadInput(f"{origin(config)}: no training rows are left; dropped: {reasons}")
    evaluated = [row for row in harvested if row["split"] == "eval"]
    report = report_on(train, heldout, about, config, evaluated)
    for line in losses(report, config):
        note(line)
    return train, heldout, report


def split_by_query(rows: list[Row], config: dict[str, Any]) -> tuple[list[Row], list[Row]]:
    """Return training and held-out rows in random order; all rows of a query are on one side."""
    chance = random.Random(config["seed"])
    sizes = Counter(row["query"] for row in rows)
    queries = heldout_groups(config["heldout_rows"], sizes, "query", chance)
    train = [row for row in rows if row["query"] not in queries]
    heldout = [row for row in rows if row["query"] in queries]
    return sample(train, config.get("train_rows"), chance), sample(heldout, config["heldout_rows"], chance)


def report_on(
    train: list[Row], heldout: list[Row], about: dict[str, Any], config: dict[str, Any], evaluated: list[Row]
) -> dict[str, Any]:
    """Return the data report: rows, drops by reason, lengths in words, texts that occur in several places.

    about: the report on the source's rows, with drops by reason; evaluated: the tasks' docstrings.
    """
    positives = {row["positive"] for row in train}
    return {
        "source": config["source"],
        "seed": config["seed"],
        "rows": {"train": len(train), "heldout": len(heldout)},
        "rows_asked": {"train": config.get("train_rows"), "heldout": config["heldout_rows"]},
        **about,
        "words": {column: word_counts([row[column] for row in train]) for column in train[0]},
        "shared_texts": shared_texts(train),
        "heldout_rows_with_a_positive_of_training": sum(row["positive"] in positives for row in heldout),
        "train_texts_in_evaluation": texts_in(evaluated, train) if evaluated else None,
        "sha256": rows_hash(train),
    }


def texts_in(evaluated: list[Row], train: list[Row]) -> int:
    """Return how many texts of the training rows also occur in the tasks' docstrings."""
    texts = {folded(row[key]) for row in evaluated for key in ("summary", "description", "text")}
    return sum(folded(text) in texts for row in train for text in row.values())


def shared_texts(rows: list[Row]) -> dict[str, int]:
    """Return how many rows would be false negatives of each other in one batch, by reason.

    In a batch the positives and negatives of all rows are negatives of the other queries.
    """
    queries = Counter(row["query"] for row in rows)
    pairs = {(row["query"], row["positive"]) for row in rows}
    positive_for = Counter(positive for _, positive in pairs)  # text -> queries
    several = [positive_for[row["positive"]] > 1 for row in rows]
    own = [(row["query"], row.get("negative")) in pairs for row in rows]
    others = [positive_for[row.get("negative", "")] > is_own for row, is_own in zip(rows, own, strict=True)]
    return {
        "rows_whose_query_has_other_rows": sum(queries[row["query"]] > 1 for row in rows),
        "passages_positive_for_several_queries": sum(count > 1 for count in positive_for.values()),
        "rows_with_such_a_positive": sum(several),
        "rows_whose_negative_is_positive_for_another_query": sum(others),
        "rows_whose_negative_is_positive_for_their_query": sum(own),
    }


def losses(report: dict[str, Any], config: dict[str, Any]) -> Iterator[str]:
    """Yield one line each on columns not read, rows dropped, and fewer rows than asked for."""
    if columns := report.get("columns_not_read"):
        yield f"{origin(config)}: columns not read: {listed(columns)}"
    dropped = {reason: count for reason, count in report["dropped"].items() if reason != "not_needed"}
    if config["source"] != "docstrings" and any(dropped.values()):
        yield f"{origin(config)}: dropped: {nonzero(dropped)}"
    for side, asked in report["rows_asked"].items():
        if asked and report["rows"][side] < asked:
            yield f"data.{side}_rows {asked}: only {report['rows'][side]} rows are available"


def nonzero(counts: dict[str, int]) -> str:
    """Return the counts that are not 0, as in "2 duplicate, 1 empty"."""
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in counts.items() if count)


def word_counts(texts: list[str]) -> dict[str, int]:
    """Return the smallest, median, 95th percentile (both by nearest rank) and largest number of words."""
    counts = sorted(len(text.split()) for text in texts)
    rank = {"median": 0.5, "p95": 0.95}
    by_rank = {name: counts[math.ceil(share * len(counts)) - 1] for name, share in rank.items()}
    return {"min": counts[0], **by_rank, "max": counts[-1], "total": sum(counts)}


if __name__ == "__main__":
    main()
