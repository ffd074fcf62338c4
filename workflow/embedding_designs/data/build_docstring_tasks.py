"""Builds MTEB tasks from the docstrings of the evaluation packages.

python -m embedding_designs.data.build_docstring_tasks tasks.json --docstrings docstrings.parquet \\
        --output tasks/docstrings/
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import write_json
from ..study.docstring_task_names import task_name
from ..study.parts import read_docstring_tasks_config
from .docstring_table import read_docstrings
from .docstrings.sample import PackageSample, draw_sample
from .docstrings.task_data import BUILDERS
from .docstrings.task_folder import INDEX
from .parquet_tables import write_table


@command
def main() -> None:
    """Write the folder of tasks that tasks.json asks for."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("tasks", help="JSON with packages and categories")
    arguments.add_argument("--docstrings", required=True, help="Parquet file of the harvest")
    arguments.add_argument("--output", required=True, help="folder to write")
    given = arguments.parse_args()
    config = read_docstring_tasks_config(given.tasks)
    samples = draw_samples(config, given.tasks, given.docstrings)
    with atomic(given.output.rstrip("/")) as folder:
        write_tasks(folder, samples, config)


def draw_samples(config: dict[str, Any], path: str, docstrings: str) -> dict[str, PackageSample]:
    """Return the sample of each package; BadInput if the harvest has too little of one."""
    evaluated = [row for row in read_docstrings(docstrings) if row["split"] == "eval"]
    samples = {}
    for package in config["packages"]:
        rows = [row for row in evaluated if row["package"] == package]
        if not rows:
            raise BadInput(f'{path}: packages "{package}" is not among eval_packages of {docstrings}')
        try:
            samples[package] = draw_sample(package, rows, config)
        except ValueError as error:
            raise BadInput(f'{path}: packages "{package}": {error}') from None
    return samples


def write_tasks(folder: Path, samples: dict[str, PackageSample], config: dict[str, Any]) -> None:
    """Write each task's tables to `folder`/{task}/ and what they are to tasks.json."""
    index = {}
    for category in config["categories"]:
        for package, sample in samples.items():
            name = task_name(category, package)
            tables = BUILDERS[category](sample, config)
            for table, columns in tables.items():
                write_table(folder / name / f"{table}.parquet", columns)
            index[name] = {
                "category": category,
                "package": package,
                "rows": {table: len(next(iter(columns.values()))) for table, columns in tables.items()},
                "sha256": hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest(),
            }
    write_json(folder / INDEX, index)


if __name__ == "__main__":
    main()
