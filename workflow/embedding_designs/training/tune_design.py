"""Trains one design briefly with the settings of one point of the study's grid; only the log is kept.

python -m embedding_designs.training.tune_design CONFIG.json --train T.parquet --heldout H.parquet …

A killed run resumes from its last checkpoint. A run that diverges is finished: its log says so.
"""

import argparse
import json
from pathlib import Path

from ..common.command import command, note
from . import processes
from .train_run import add_arguments, begin, shared_checkpoints, train_run, with_fetched_encoder
from .trainer import Diverged


def log_divergence(log: Path, reason: str) -> None:
    """Add to a training log that its run diverged; such a run is never chosen."""
    note(f"{reason} (this setting is not chosen)")
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"event": "diverged", "reason": reason}) + "\n")


@command
def main() -> None:
    """Train one design with the settings of one point."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_arguments(parser)
    arguments = parser.parse_args()
    config, base = begin(arguments)
    config, encoder = with_fetched_encoder(config, arguments.fetched)
    with shared_checkpoints(arguments, config) as (checkpoints, log):
        name = f"{config.design['name']} {arguments.config.stem}"
        try:
            rows = arguments.train, arguments.heldout
            train_run(config, base, *rows, checkpoints, log, name, encoder)
        except Diverged as error:
            if processes.is_main():
                log_divergence(log, str(error))


if __name__ == "__main__":
    main()
