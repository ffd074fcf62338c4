"""Trains one design on one base model with one seed; a killed training resumes from its last checkpoint.

python -m embedding_designs.training.train_design CONFIG.json --train T.parquet --heldout H.parquet …

On several GPUs, embedding_designs.training.launch starts one process per GPU. At SIGTERM a checkpoint is
written before the command exits.
"""

import argparse
from pathlib import Path

from ..common.command import command
from ..study.tuning import read_choice
from . import processes
from .model import save_run
from .train_run import add_arguments, begin, shared_checkpoints, train_run, with_fetched_encoder


def parse_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_arguments(parser)
    parser.add_argument("--choice", type=Path, nargs="?", help="settings that tuning chose; default: none")
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


@command
def main() -> None:
    """Train one run."""
    arguments = parse_arguments()
    config, base = begin(arguments)
    config, encoder = with_fetched_encoder(config, arguments.fetched)
    if arguments.choice:
        config = config.with_choice(read_choice(arguments.choice))
    with shared_checkpoints(arguments, config, arguments.choice) as (checkpoints, log):
        rows = arguments.train, arguments.heldout
        model = train_run(config, base, *rows, checkpoints, log, encoder=encoder)
        if processes.is_main():
            save_run(model, config, arguments.output)


if __name__ == "__main__":
    main()
