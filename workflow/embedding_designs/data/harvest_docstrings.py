"""Collects the docstrings of installed Python packages, without importing any.

python -m embedding_designs.data.harvest_docstrings source.json \\
        --output docstrings.parquet --report harvest.json
"""

import argparse
import gc
import json
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from ..common.command import command, progress
from ..common.errors import BadInput
from ..common.json_files import read_json, write_json
from ..study.data_config import sources_of
from .docstring_table import COLUMNS, rows_hash
from .docstrings.package import documented_objects, is_installed, package_files, package_version
from .docstrings.text import folded
from .parquet_tables import write_table


@command
def main() -> None:
    """Write the docstrings of the packages that a data config names, and a report on them."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("source", help="data config: JSON with train_packages and eval_packages")
    arguments.add_argument("--output", required=True, help="Parquet file to write")
    arguments.add_argument("--report", required=True, help="JSON file to write")
    arguments.add_argument("--processes", type=int, default=1)
    given = arguments.parse_args()
    splits = read_packages(given.source)
    rows, report = harvest(splits, given.processes)
    write_table(given.output, {column: [row[column] for row in rows] for column in COLUMNS})
    write_json(given.report, report)


def read_packages(source: str) -> dict[str, str]:
    """Return the split, "train" or "eval", of every package that the data config `source` names.

    Either list may be missing: a study may train on other data, or have no docstring tasks.
    """
    config = read_json(source)
    config = config if isinstance(config, dict) else {}
    for own in sources_of(config).values():
        config = own | config
    splits: dict[str, str] = {}
    for key, split in (("train_packages", "train"), ("eval_packages", "eval")):
        names = config.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadInput(f"{source}: {key} {json.dumps(names)} is not a list of package names")
        for name in names:
            if splits.setdefault(name, split) != split:
                raise BadInput(
                    f'{source}: {key} "{name}" is also among train_packages; choose one of the two'
                )
            if not is_installed(name):
                raise BadInput(f'{source}: {key} "{name}" is not an installed package')
    if not splits:
        raise BadInput(f"{source}: neither train_packages nor eval_packages names a package to harvest")
    inside_stdlib = sorted(sys.stdlib_module_names & splits.keys())
    if "stdlib" in splits and inside_stdlib:
        raise BadInput(f'{source}: "{inside_stdlib[0]}" is already part of "stdlib"; name one of the two')
    return splits


def harvest(splits: dict[str, str], processes: int = 1) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Return the documented objects of the packages as rows with COLUMNS, and the report on them.

    `splits` gives each package's split. The rows are ordered by split, package, module and place in the
    file; they depend on the installed files alone.
    """
    order = sorted(splits, key=lambda package: (splits[package], package))
    jobs = [(package, module, path) for package in order for module, path in package_files(package)]
    rows: list[dict[str, Any]] = []
    files, unreadable = Counter[str](), Counter[str]()
    for (package, _, _), found in zip(jobs, _read_all(jobs, processes), strict=True):
        files[package] += 1
        unreadable[package] += found is None
        rows += [row | {"split": splits[package]} for row in found or ()]
    kept, dropped = without_duplicates(rows)
    counts = {
        package: {
            "split": splits[package],
            "version": package_version(package),
            "files": files[package],
            "unreadable_files": unreadable[package],
            "docstrings": sum(row["package"] == package for row in kept),
            "words": sum(len(row["text"].split()) for row in kept if row["package"] == package),
        }
        for package in order
    }
    return kept, {
        "python": platform.python_version(),
        "sha256": rows_hash(kept),
        "docstrings": len(kept),
        "words": sum(count["words"] for count in counts.values()),
        "files": files.total(),
        "unreadable_files": unreadable.total(),
        "dropped": dropped,
        "packages": counts,
    }


def _read_all(jobs: list[tuple[str, str, Path]], processes: int) -> Iterator[list[dict[str, str]] | None]:
    if processes < 2:
        gc.disable()  # a syntax tree has no cycles; collecting while it grows takes 40 % of the time
        yield from map(documented_objects, progress(jobs, description="harvest"))
        gc.enable()
        return
    with ProcessPoolExecutor(processes, initializer=gc.disable) as pool:
        found = pool.map(documented_objects, jobs, chunksize=32)  # in the order of the jobs
        yield from progress(found, description="harvest", total=len(jobs))


def without_duplicates(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, int]]:
    """Return the rows with unique texts and the number dropped by reason.

    Texts are compared without case and spacing. A training row is removed if its text, summary, or
    description appears in an eval row, whichever comes first.
    """
    evaluated = {
        key: {folded(row[key]) for row in rows if row["split"] == "eval" and row[key]}
        for key in ("text", "summary", "description")
    }
    kept, seen, dropped = [], set(), Counter(duplicate=0, in_eval_packages=0)
    for row in rows:
        text = folded(row["text"])
        if row["split"] == "train" and any(folded(row[key]) in texts for key, texts in evaluated.items()):
            dropped["in_eval_packages"] += 1
        elif text in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(text)
            kept.append(row)
    return kept, dict(dropped)


if __name__ == "__main__":
    main()
