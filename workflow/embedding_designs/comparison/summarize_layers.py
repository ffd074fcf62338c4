"""Summarizes the layers of all models of a study: best layers, similarities, and what poolings read.

python -m embedding_designs.comparison.summarize_layers layers/mini/*.json layers/mini/*/*.json \\
        --study study.json --collected collected.json --output layers.json --tables layer_tables/
"""

import argparse
from pathlib import Path

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.layer_files import read_layers
from ..scores.report_file import read_report
from ..study.config_files import read_study
from ..study.parts import statistics_settings
from .layer_results import write_layer_summary
from .layer_summary import summarize
from .layer_tables import layer_tables, write_layer_tables


@command
def main() -> None:
    """Summarize the layers of all models of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("layers", type=Path, nargs="+", help="the analyses of the models")
    parser.add_argument("--study", type=Path, required=True, help="study.json, the validated study")
    parser.add_argument(
        "--collected", type=Path, required=True, help="collected.json, which names collapsed runs"
    )
    parser.add_argument("--output", type=Path, required=True, help="layers.json to write")
    parser.add_argument("--tables", type=Path, required=True, help="folder of tables to write")
    arguments = parser.parse_args()
    alpha = statistics_settings(read_study(arguments.study))["alpha"]
    analyses = [read_layers(path) for path in arguments.layers]
    summary = summarize(analyses, alpha, read_report(arguments.collected).collapsed)
    with atomic(arguments.tables) as folder:
        write_layer_tables(layer_tables(analyses, summary), folder)
    write_layer_summary(arguments.output, summary)


if __name__ == "__main__":
    main()
