"""Build MTEB tasks from the docstrings of the evaluation packages, and load them.

python -m embedding_designs.data.build_docstring_tasks tasks.json --docstrings docstrings.parquet \\
        --output tasks/docstrings/
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import read_json, write_json
from ..study.docstring_task_names import CATEGORIES, task_name
from .docstring_table import read_docstrings
from .docstrings.sample import Pool, draw_pool
from .docstrings.task_data import BUILDERS
from .docstrings.task_folder import INDEX
from .parquet_tables import write_table

if TYPE_CHECKING:
    pass

DEFAULTS: dict[str, Any] = {
    "categories": list(CATEGORIES), "documents": 256, "queries": 120, "classes": 8, "max_words": 48,
    "min_description_words": 10, "seed": 0,
}  # fmt: skip


@command
def main() -> None:
    """Write the folder of tasks that tasks.json asks for."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("tasks", help="JSON with packages and categories")
    arguments.add_argument("--docstrings", required=True, help="Parquet file of the harvest")
    arguments.add_argument("--output", required=True, help="folder to write")
    given = arguments.parse_args()
    config = read_config(given.tasks)
    pools = draw_pools(config, given.tasks, given.docstrings)
    with atomic(given.output.rstrip("/")) as folder:
        write_tasks(folder, pools, config)


def read_config(path: str) -> dict[str, Any]:
    """Return the config of the tasks with its defaults; BadInput names the key that is not allowed."""
    given = read_json(path, ["packages"])
    for key in given:
        if key not in {"packages", *DEFAULTS}:
            raise BadInput(f'{path}: "{key}" is not known; choose packages, {", ".join(DEFAULTS)}')
    config = DEFAULTS | given
    if not config.get("packages") or not isinstance(config["packages"], list):
        raise BadInput(f"{path}: packages {config.get('packages')!r} is not a list of package names")
    for category in config["categories"]:
        if category not in CATEGORIES:
            raise BadInput(f'{path}: categories "{category}" is not known; choose {", ".join(CATEGORIES)}')
    for key in ("documents", "queries", "classes", "max_words", "min_description_words", "seed"):
        if not isinstance(config[key], int) or config[key] < 0:
            raise BadInput(f"{path}: {key} {config[key]!r} is not a whole number, 0 or more")
    return config


def draw_pools(config: dict[str, Any], path: str, docstrings: str) -> dict[str, Pool]:
    """Return the pool of every package; BadInput where the harvest has too little of one."""
    evaluated = [row for row in read_docstrings(docstrings) if row["split"] == "eval"]
    pools = {}
    for package in config["packages"]:
        rows = [row for row in evaluated if row["package"] == package]
        if not rows:
            raise BadInput(f'{path}: packages "{package}" is not among eval_packages of {docstrings}')
        try:
            pools[package] = draw_pool(package, rows, config)
        except ValueError as error:
            raise BadInput(f'{path}: packages "{package}": {error}') from None
    return pools


def write_tasks(folder: Path, pools: dict[str, Pool], config: dict[str, Any]) -> None:
    """Write each task's tables to `folder`/{task}/ and what they are to tasks.json."""
    index = {}
    for category in config["categories"]:
        for package, pool in pools.items():
            name = task_name(category, package)
            tables = BUILDERS[category](pool, config)
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
