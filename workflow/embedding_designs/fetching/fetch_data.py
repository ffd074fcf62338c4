"""Fetches the training data from the hub, and reads them once, so that later no network is needed.

python -m embedding_designs.fetching.fetch_data SOURCE.json --output FETCHED.json
"""

import argparse
from pathlib import Path

from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import write_json
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

    config = read_data_config(arguments.source)
    if config["source"] != "hub":
        raise BadInput(f'{arguments.source}: source "{config["source"]}" cannot be fetched; expected "hub"')
    name = config["dataset"]
    source = f"data.dataset {name}", name, config.get("revision"), "dataset"
    commit = fetch(*source)
    with explaining_failures(*source):
        load_hub_rows({**config, "folder": str(cached(name, commit))})
    write_json(arguments.output, [{"kind": "data", "for": "training", "name": name, "revision": commit}])


if __name__ == "__main__":
    main()
