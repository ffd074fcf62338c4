"""Turns one or several sources of training data into training and held-out triplets and a report on them.

    python -m embedding_designs.data.prepare_data source.json --docstrings docstrings.parquet \\
        --train train.parquet --heldout heldout.parquet --report report.json
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..common.command import command, note
from ..common.errors import BadInput
from ..common.json_files import write_json
from ..study.data_config import NAMES, SINGLE, SOURCE, origin, sources_of
from ..study.parts import read_data_config
from .columns import listed
from .composition import at_ranks, composition
from .docstring_table import read_docstrings, rows_hash
from .docstrings.text import folded
from .parquet_tables import write_table
from .rows import Row
from .several_sources import by_source, joined, split_by_shares, without_own_sources
from .source_rows import Sides, split_rows, usable_rows


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

    Rows have query and positive, negative where the source has hard negatives, and source where it is known.
    """
    config = read_data_config(source)
    sources = sources_of(config)
    if fetched:
        from ..fetching.fetched import fetched_data  # the hub's client takes a while to import

        sources = fetched_data(sources, fetched)
    if not docstrings and "docstrings" in [own["source"] for own in sources.values()]:
        raise BadInput(f"{source}: source docstrings needs --docstrings")
    harvested = read_docstrings(docstrings) if docstrings else []
    sides, abouts = rows_of(sources, config, harvested)
    if "sources" in config:
        train, heldout = joined(sides, config["seed"])
        about = {"sources": {name: own["source"] for name, own in sources.items()}, **by_source(abouts)}
    else:
        (train, heldout), about = sides[SINGLE], {"source": config["source"], **abouts[SINGLE]}
    if config.get("batches") == "homogeneous" and SOURCE not in train[0]:
        raise BadInput(f'data.batches "homogeneous": no column "{SOURCE}"; name one in data.columns.{SOURCE}')
    evaluated = [row for row in harvested if row["split"] == "eval"]
    report = report_on(train, heldout, about, config, evaluated)
    for line in (*losses(abouts, sources), *shortages(report)):
        note(line)
    return train, heldout, report


def rows_of(
    sources: dict[str, dict[str, Any]], config: dict[str, Any], harvested: list[Row]
) -> tuple[dict[str, Sides], dict[str, dict[str, Any]]]:
    """Return the training and held-out rows of each source, and the report on its rows."""
    if "sources" in config:
        sources = without_own_sources(sources)
    usable, abouts, seen = {}, {}, set[tuple[str, ...]]()
    for name, own in sources.items():
        usable[name], abouts[name] = usable_rows(own, harvested, seen)
        if not usable[name]:
            raise no_rows_left(own, abouts[name])
    if "sources" in config:
        sides = split_by_shares(usable, sources, config)
    else:
        sides = {SINGLE: split_rows(usable[SINGLE], sources[SINGLE])}
    for name, (train, heldout) in sides.items():
        abouts[name]["dropped"]["not_needed"] = len(usable[name]) - len(train) - len(heldout)
        if not train:
            raise no_rows_left(sources[name], abouts[name])
    return sides, abouts


def no_rows_left(config: dict[str, Any], about: dict[str, Any]) -> BadInput:
    """Return the error for a source without a row to train on."""
    reasons = nonzero(about["dropped"]) or "none"
    return BadInput(f"{origin(config)}: no training rows are left; dropped: {reasons}")


def report_on(
    train: list[Row], heldout: list[Row], about: dict[str, Any], config: dict[str, Any], evaluated: list[Row]
) -> dict[str, Any]:
    """Return the data report: rows, drops by reason, lengths in words, texts that occur in several places.

    about: the report on the rows of the source, or by source, with drops by reason; evaluated: the tasks'
    docstrings. Rows with a source are also counted by it.
    """
    sources = {name: about[name] for name in about if name in ("source", "sources")}
    positives = {row["positive"] for row in train}
    return {
        **sources,
        "seed": config["seed"],
        "rows": {"train": len(train), "heldout": len(heldout)},
        "rows_asked": {"train": config.get("train_rows"), "heldout": config["heldout_rows"]},
        **{key: value for key, value in about.items() if key not in sources},
        **(composition(train, heldout) if SOURCE in train[0] else {}),
        "words": {name: word_counts([row[name] for row in train]) for name in NAMES if name in train[0]},
        "shared_texts": shared_texts(train),
        "heldout_rows_with_a_positive_of_training": sum(row["positive"] in positives for row in heldout),
        "train_texts_in_evaluation": texts_in(evaluated, train) if evaluated else None,
        "sha256": rows_hash(train),
    }


def texts_in(evaluated: list[Row], train: list[Row]) -> int:
    """Return how many texts of the training rows also occur in the tasks' docstrings."""
    texts = {folded(row[key]) for row in evaluated for key in ("summary", "description", "text")}
    return sum(folded(row[name]) in texts for row in train for name in NAMES if name in row)


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


def losses(abouts: dict[str, dict[str, Any]], sources: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield one line each on the columns of a source that are not read, and on its rows that are dropped."""
    for about, config in zip(abouts.values(), sources.values(), strict=True):
        if columns := about.get("columns_not_read"):
            yield f"{origin(config)}: columns not read: {listed(columns)}"
        dropped = {reason: count for reason, count in about["dropped"].items() if reason != "not_needed"}
        if config["source"] != "docstrings" and any(dropped.values()):
            yield f"{origin(config)}: dropped: {nonzero(dropped)}"


def shortages(report: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each side that has fewer rows than asked for."""
    for side, asked in report["rows_asked"].items():
        if asked and report["rows"][side] < asked:
            yield f"data.{side}_rows {asked}: only {report['rows'][side]} rows are available"


def nonzero(counts: dict[str, int]) -> str:
    """Return the counts that are not 0, as in "2 duplicate, 1 empty"."""
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in counts.items() if count)


def word_counts(texts: list[str]) -> dict[str, int]:
    """Return the smallest, median, 95th percentile (both by nearest rank) and largest number of words."""
    counts = sorted(len(text.split()) for text in texts)
    by_rank = at_ranks(counts, {"median": 0.5, "p95": 0.95})
    return {"min": counts[0], **by_rank, "max": counts[-1], "total": sum(counts)}


if __name__ == "__main__":
    main()
