"""Fetches the data of MTEB tasks from the hub, and reads them once, so that later no network is needed.

python -m embedding_designs.fetching.fetch_tasks TASKS.json --output FETCHED.json
"""

import argparse
from pathlib import Path
from typing import Any

from ..common.command import command, progress
from ..common.errors import BadInput
from ..common.json_files import Kind, read_object, write_json
from .hub import explaining_failures, fetch
from .mteb_tasks import check_names, in_cache, mteb_task, parts

CONFIG: dict[str, Kind] = {"tasks": list, "benchmark": str | None}


def fetch_task(name: str, benchmark: str | None = None) -> list[dict[str, Any]]:
    """Return what was fetched for a task, or for each of its parts if it is made of others.

    It is read once: datasets keeps what it reads, in its own format, and jobs find it there.
    """
    fetched = []
    for task in parts(mteb_task(name, benchmark)):
        data = task.metadata.dataset
        source = f"task {name}", data["path"], data.get("revision"), "dataset"
        commit = fetch(*source)
        fetched.append({"kind": "task", "for": name, "name": data["path"], "revision": commit})
        with explaining_failures(*source):
            in_cache(task).load_data()
    return fetched


@command
def main() -> None:
    """Fetch the data of some tasks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("tasks", type=Path, help="JSON file with the names of MTEB tasks and their benchmark")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write: what was fetched")
    arguments = parser.parse_args()

    config = read_object(arguments.tasks, CONFIG)
    names, benchmark = config["tasks"], config["benchmark"]
    if not all(isinstance(name, str) for name in names):
        raise BadInput(f"{arguments.tasks}: tasks is not a list of MTEB task names")
    check_names(arguments.tasks, {"*": names}, benchmark)
    fetched = [fetch_task(name, benchmark) for name in progress(names, description="fetch tasks")]
    write_json(arguments.output, [entry for entries in fetched for entry in entries])


if __name__ == "__main__":
    main()
