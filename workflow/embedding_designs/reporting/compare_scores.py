"""Compares anybody's scores without the workflow: which model is best, and what is it tied with?

python -m embedding_designs.reporting.compare_scores compare scores.csv    # or: embedding-designs compare …
"""

import argparse
import sys
from pathlib import Path

from ..common.command import command
from .results_folder import Failed, compare_scores, default_output


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
    return parser.parse_args()


@command
def main() -> None:
    """Compare scores; print the verdict and the path of the findings page."""
    arguments = parse_arguments()
    output = arguments.output or default_output(arguments.scores)
    try:
        verdicts = compare_scores(
            arguments.scores, output, arguments.labels, arguments.benchmark,
            arguments.higher_is_better == "yes", arguments.tasks_in,
        )  # fmt: skip
    except Failed as failure:
        sys.exit(failure.code)
    print(*verdicts, f"Findings: {output / 'findings.html'}", sep="\n")


if __name__ == "__main__":
    main()
