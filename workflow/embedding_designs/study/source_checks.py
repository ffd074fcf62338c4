"""Checks the sources of a study's training data together: their keys, and their shares."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from .data_config import SOURCE_KEYS, check_columns, check_source, sources_of
from .shares import TOLERANCE, apportioned, given_shares, shares_of


def check_sources(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of `data`, before defaults are filled in."""
    if "sources" in data:
        yield from _check_keys(data)
        yield from check_shares(data)
    for source in sources_of(data).values():
        yield from check_source(source)
        yield from check_columns(source)


def _check_keys(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each key that does not go together with `sources`."""
    if "source" in data:
        yield "data.source and data.sources exclude each other; choose one"
    for key in data:
        if any(key in keys for keys in SOURCE_KEYS.values()):
            yield f"data.{key} belongs to a source; move it to data.sources.{next(iter(data['sources']))}"
    harvested = [name for name, source in data["sources"].items() if source["source"] == "docstrings"]
    if len(harvested) > 1:
        named = " and ".join(harvested)
        yield f'data.sources: {named} are "docstrings"; only one source can be, with all packages'
    for name, source in data["sources"].items():
        if "source" in source.get("columns", {}):
            yield f"data.sources.{name}.columns.source: the source of its rows is {name}; remove this key"


def check_shares(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line if only some sources have a share, or if the shares do not add up to 1."""
    sources = data.get("sources", {})
    shares = given_shares(sources)
    if lacking := [name for name in sources if name not in shares] if shares else []:
        yield f"data.sources.{lacking[0]}.share is missing; give every source a share, or none"
    elif shares and abs((total := sum(shares.values(), Fraction())) - 1) > TOLERANCE:
        listed = ", ".join(f"{name} {sources[name]['share']}" for name in sources)
        yield f"data.sources: the shares add up to {float(total):g}, not 1: {listed}"


def check_sizes(data: Mapping[str, Any], batch_size: int) -> Iterator[str]:
    """Yield one line for each source whose share of `train_rows` does not fill a batch."""
    sources = data.get("sources", {})
    if data.get("batches") != "homogeneous" or not given_shares(sources):
        return
    for name, rows in apportioned(data["train_rows"], shares_of(sources, {})).items():
        if rows < batch_size:
            yield (
                f"training.batch_size {batch_size} is more than the {rows} of data.train_rows"
                f' {data["train_rows"]} from {name}; raise its share, or set data.batches to "mixed"'
            )
