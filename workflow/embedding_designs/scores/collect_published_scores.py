"""Collects published scores, or the user's own, in the table of scores that the comparison reads.

python -m embedding_designs.scores.collect_published_scores CONFIG.json --output scores.csv
"""

import argparse
from pathlib import Path

from ..common.command import command
from ..common.json_files import read_object
from ..common.score_files import write_scores
from .not_used import write_report
from .published.pools import published_scores

CONFIG = {"from": str, "path": str, "benchmark": str | None, "tasks": list, "pools": dict}


@command
def main() -> None:
    """Write the table of scores of a study that starts from existing scores."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path, help="the study's `scores`, configs/scores.json")
    parser.add_argument("--output", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--collected", type=Path, required=True, help="JSON file to write: what was not used")
    arguments = parser.parse_args()
    scores, left, revisions = published_scores(read_object(arguments.config, CONFIG))
    for base, own in scores.groupby("base", sort=False):
        print(f"{base}: {own['design'].nunique()} models, {own['task'].nunique()} tasks, {len(own)} scores")
    write_scores(scores, arguments.output)
    write_report(arguments.collected, [arguments.output], left, revisions)


if __name__ == "__main__":
    main()
