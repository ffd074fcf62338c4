"""Fetches the training data from the hub, and reads them once, so that later no network is needed.

python -m embedding_designs.fetching.fetch_data SOURCE.json --output FETCHED.json
"""

import argparse
from pathlib import Path
from typing import Any

from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import write_json
from ..study.data_config import is_on_hub, origin, sources_of
from ..study.parts import read_data_config
from .hub import cached, explaining_failures, fetch
from .hub_rows import load_hub_rows


@command
def main() -> None:
    """Fetch the training data of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source", type=Path, help="data config")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write: what was fetched")
    arguments = parser.parse_args()

    sources = sources_of(read_data_config(arguments.source))
    on_hub = {name: own for name, own in sources.items() if is_on_hub(own)}
    if not on_hub:
        kinds = ", ".join(f'"{own["source"]}"' for own in sources.values())
        raise BadInput(f'{arguments.source}: source {kinds} cannot be fetched; expected "hub"')
    write_json(arguments.output, [fetch_source(name, own) for name, own in on_hub.items()])


def fetch_source(name: str, config: dict[str, Any]) -> dict[str, str]:
    """Fetch the dataset of a source, and return its entry for the list of what was fetched."""
    dataset = config["dataset"]
    asked = origin(config), dataset, config.get("revision"), "dataset"
    commit = fetch(*asked)
    with explaining_failures(*asked):
        load_hub_rows({**config, "folder": str(cached(dataset, commit))})
    return {"kind": "data", "for": name, "name": dataset, "revision": commit}


if __name__ == "__main__":
    main()
