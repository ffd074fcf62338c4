"""Collects the score files of all runs in scores.csv and those of the baselines in baselines.csv.

python -m embedding_designs.scores.collect_scores STUDY.json --results results/quickstart …
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.command import command
from ..common.score_files import SCORE_COLUMNS, write_scores
from ..study.config_files import read_study
from ..study.designs import attention_name
from ..study.inputs import pooled_name
from ..study.run_configs import task_batches
from .collapsed_runs import collapsed_runs
from .not_used import NotUsed, not_used, write_report
from .score_table import BASELINE_COLUMNS, COLUMNS, WHERE, checked
from .text_tables import read_texts


def run_files(results: Path, study: Mapping[str, Any]) -> dict[Path, dict[str, str]]:
    """Return each score file of the study's runs, with the columns that follow from its path."""
    return {
        results / f"scores/{base}/{design}/seed{seed}/{batch}.csv": {
            "base": base,
            "design": design,
            "pooling": pooled_name(study["designs"][design]),
            "attention": attention_name(study["designs"][design]["attention"]),
            "seed": str(seed),
        }
        for base, design, seed, batch in product(
            study["bases"], study["designs"], study["seeds"], task_batches(study)
        )
    }


def baseline_files(results: Path, study: Mapping[str, Any]) -> dict[Path, dict[str, str]]:
    """Return each score file of the study's baselines, with the columns that follow from its path."""
    return {
        results / f"baselines/{base}/{baseline}.csv": {"base": base, "baseline": baseline}
        for base, baseline in product(study["bases"], study["baselines"])
    }


def table(files: Mapping[Path, Mapping[str, str]], columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows of score files as one table, sorted so that the same scores give the same file."""
    parts = [pd.DataFrame(columns=[*columns, WHERE], dtype=str)]
    for path, described in files.items():
        texts = read_texts(path, SCORE_COLUMNS)[SCORE_COLUMNS]
        parts.append(texts.assign(**described, **{WHERE: [f"{path}:{line}" for line in texts.index]}))
    rows = checked(pd.concat(parts, ignore_index=True))
    return rows[columns].sort_values(columns[:-2]).reset_index(drop=True)


def others(folder: Path, used: Mapping[Path, Any]) -> list[NotUsed]:
    """Return the report on score files in a folder that belong to no run or baseline of the study."""
    found = [path for path in sorted(folder.rglob("*.csv")) if not path.name.startswith(".")]
    left = [str(path) for path in found if path not in used]
    return not_used("score file", left, "the study has no such run, baseline, or batch of tasks")


@command
def main() -> None:
    """Collect all scores of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("study", type=Path, help="study.json, the validated study")
    parser.add_argument("--results", type=Path, required=True, help="folder of the study, results/{study}")
    parser.add_argument("--output", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--baselines-output", type=Path, required=True, help="baselines.csv to write")
    parser.add_argument("--collected", type=Path, required=True, help="JSON file to write: unused input")
    arguments = parser.parse_args()

    study = read_study(arguments.study, "bases", "designs", "seeds", "baselines", "evaluation")
    runs, baselines = run_files(arguments.results, study), baseline_files(arguments.results, study)
    write_scores(table(runs, COLUMNS), arguments.output)
    write_scores(table(baselines, BASELINE_COLUMNS), arguments.baselines_output)
    left = [
        *others(arguments.results / "scores", runs),
        *others(arguments.results / "baselines", baselines),
    ]
    collapsed = [asdict(run) for run in collapsed_runs(arguments.results / "runs", study)]
    tables = [arguments.output, arguments.baselines_output]
    write_report(arguments.collected, tables, left, {}, collapsed=collapsed)


if __name__ == "__main__":
    main()
