"""Chooses the settings of a design on a base: those whose tuning run has the lowest held-out loss.

python -m embedding_designs.training.choose_settings TUNING.json --logs POINT.jsonl … --output choice.json
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..common.collapse import has_collapsed
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import Kind, read_object, write_json
from ..common.training_logs import log_entries
from ..study.tuning import Choice, Point, Settings

TUNING: dict[str, Kind] = {"points": dict, "steps": int, "seed": int}


def choose(tuning: Mapping[str, Any], logs: Sequence[Path]) -> Choice:
    """Return the choice among the points of a design's grid; of equal losses, the first one's.

    tuning: `steps`, `seed`, and `points`, the settings by name; logs: the training logs, named after the
    points. Raises BadInput if a log is missing or incomplete, or if no point has a finite loss.
    """
    by_name = {log.stem: log for log in logs}
    if missing := [name for name in tuning["points"] if name not in by_name]:
        raise BadInput(f"--logs: no log of {missing[0]}; there are {', '.join(by_name) or 'none'}")
    read = [read_point(settings, by_name[name]) for name, settings in tuning["points"].items()]
    points = [point for point, _ in read]
    finite = [point for point in points if point.heldout_loss is not None]
    if not finite:
        raise BadInput(
            f"{logs[0].parent}: the loss was not finite with any of the {len(points)} settings that were "
            "tried; add lower values to tuning.grid.learning_rate"
        )
    best = min(finite, key=lambda point: point.heldout_loss or 0.0)
    documents = max(number for _, number in read)
    return Choice(best.settings, best.heldout_loss or 0.0, tuning["steps"], tuning["seed"], documents, points)


def read_point(settings: Settings, log: Path) -> tuple[Point, int]:
    """Return a point with its last held-out loss, and the number of documents; 0 if its run diverged."""
    entries = [entry for _, entry in log_entries(log)]
    last: dict[str, Any] = entries[-1] if entries else {"event": ""}
    losses = [entry["heldout_loss"] for entry in entries if entry["event"] == "heldout"]
    if last["event"] == "diverged":
        return Point(settings, None, collapsed=False), 0
    if last["event"] != "summary" or not losses:
        raise BadInput(f"{log}: not the log of a finished training with a held-out loss")
    documents = last["heldout_documents"]
    finite = losses[-1] if math.isfinite(losses[-1]) else None
    return Point(settings, finite, has_collapsed(losses, documents)), documents


@command
def main() -> None:
    """Choose the settings of a design."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("tuning", type=Path, help="config of the design's tuning")
    parser.add_argument("--logs", type=Path, nargs="+", required=True, help="{point}.jsonl, one per point")
    parser.add_argument("--output", type=Path, required=True, help="choice.json to write")
    arguments = parser.parse_args()
    choice = choose(read_object(arguments.tuning, TUNING), arguments.logs)
    write_json(arguments.output, asdict(choice))


if __name__ == "__main__":
    main()
