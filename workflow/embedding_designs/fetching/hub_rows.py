"""Loads the rows of a dataset on the hub."""

from typing import Any

from ..common.errors import BadInput, is_full_disk, reason
from ..study.data_config import key_of


def load_hub_rows(config: dict[str, Any]):
    """Return the rows of a dataset of the hub, from its folder if it was fetched."""
    from datasets import load_dataset

    name, split = config["dataset"], config["split"]
    place = config.get("folder") or name
    try:
        return load_dataset(place, config.get("name"), revision=config.get("revision"), split=split)
    except Exception as error:  # the hub, the network and the builders raise many kinds
        if is_full_disk(error):
            raise
        raise BadInput(
            f'{key_of(config)}.dataset "{name}", split "{split}" cannot be loaded: {reason(error)}'
        ) from None
