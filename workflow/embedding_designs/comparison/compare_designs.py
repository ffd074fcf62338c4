"""Tests which designs differ, in each category of tasks and over all of them.

python -m embedding_designs.comparison.compare_designs scores.csv --study study.json \\
        --output statistics.json --tables tables/
"""

import argparse
from pathlib import Path

from ..common.atomic_writes import atomic
from ..common.command import command
from ..scores.not_used import check_unchanged, note_all
from ..scores.report_file import NO_REPORT, read_report
from ..scores.score_table import read_scores
from ..study.config_files import read_study
from . import tables as comparison_tables
from .compare import compare_study
from .statistics_file import write_statistics

CHANGED = (
    "delete it to collect it again, or use your own table in a study with scores: {from: table, path: …}"
)


@command
def main() -> None:
    """Test which designs differ, in each category of tasks and over all of them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("scores", type=Path, help="scores.csv")
    parser.add_argument("--study", type=Path, required=True, help="study.json, the validated study")
    parser.add_argument(
        "--collected", type=Path, help="collected.json, the report on unused input (default: none)"
    )
    parser.add_argument("--output", type=Path, required=True, help="statistics.json to write")
    parser.add_argument("--tables", type=Path, required=True, help="folder of tables to write")
    arguments = parser.parse_args()
    study, path = read_study(arguments.study), arguments.scores
    report = read_report(arguments.collected) if arguments.collected else NO_REPORT
    check_unchanged(path, report.sha256, CHANGED)
    note_all(report.not_used)
    source = study.get("scores", {}).get("path", str(path))
    statistics = compare_study(read_scores(path), study, source, report)
    note_all(statistics.not_used[len(report.not_used) :])
    with atomic(arguments.tables) as folder:
        comparison_tables.write_tables(statistics, folder)
    write_statistics(arguments.output, statistics)


if __name__ == "__main__":
    main()
