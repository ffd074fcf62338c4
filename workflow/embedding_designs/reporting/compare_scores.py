"""Compares anybody's scores without the workflow: which model is best, and what is it tied with?

python -m embedding_designs.reporting.compare_scores compare scores.csv    # or: embedding-designs compare …
"""

import argparse
import sys
from pathlib import Path

from ..common.command import command
from ..scores.given_scores import MISSING
from ..scores.not_used import in_lines
from .results_folder import Failed, compare_scores, default_output, not_computed, over_all_tasks, verdict


def parse_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="embedding-designs", description=main.__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    compare = parts.add_parser("compare", help="which model is best, what is it tied with?")
    compare.add_argument(
        "scores", type=Path, nargs="+",
        help="CSV files, tidy or wide, or one folder of MTEB results or clone of the results repository",
    )  # fmt: skip
    compare.add_argument("--output", type=Path, help="folder of the results; default: results/NAME")
    compare.add_argument("--labels", type=Path, help="CSV file with short names and labels of the models")
    compare.add_argument("--benchmark", help='compare the tasks of a benchmark only, such as "MTEB(eng, v2)"')
    compare.add_argument(
        "--higher-is-better", choices=["yes", "no"], default="yes", help="no: losses or error rates"
    )
    compare.add_argument("--tasks-in", choices=["rows", "columns"], help="of a wide table; default: inferred")
    compare.add_argument(
        "--missing", choices=MISSING,
        help="if a score is missing: stop (default for tables), or leave out its task or its model",
    )  # fmt: skip
    compare.add_argument(
        "--unit", choices=["model", "design"],
        help="what to call the compared things; default: as the table, or model",
    )  # fmt: skip
    return parser.parse_args()


@command
def main() -> None:
    """Compare scores; print what was left out, the verdict, and the path of the findings page."""
    arguments = parse_arguments()
    output = arguments.output or default_output(arguments.scores)
    try:
        statistics = compare_scores(
            arguments.scores, output, arguments.labels, arguments.benchmark,
            arguments.higher_is_better == "yes", arguments.tasks_in, arguments.missing, arguments.unit,
        )  # fmt: skip
    except Failed as failure:
        sys.exit(failure.code)
    left_out = [*in_lines(statistics.not_used), *not_computed(statistics)]
    print(*left_out, *verdict(over_all_tasks(statistics)), f"Findings: {output / 'findings.html'}", sep="\n")


if __name__ == "__main__":
    main()
