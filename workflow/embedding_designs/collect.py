"""Puts the score files of all runs into scores.csv, and those of the references into references.csv.

python -m embedding_designs.collect --study STUDY.json --scores FILES… --output scores.csv …
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from .command import command, read_json
from .scores import write_scores

RUN_COLUMNS = ["base", "design", "pooling", "attention", "seed", "task", "category", "metric", "score"]
REFERENCE_COLUMNS = ["base", "reference", "task", "category", "metric", "score"]


def run_scores(path: Path, study: dict[str, Any]) -> pd.DataFrame:
    """Return one score file, …/scores/{base}/{design}/seed{seed}/{batch}.csv, with its run's columns."""
    base, design, seed = path.parts[-4:-1]
    settings = study["designs"][design]
    return pd.read_csv(path).assign(
        base=base,
        design=design,
        pooling=settings["pooling"]["kind"],
        attention=settings["attention"],
        seed=int(seed.removeprefix("seed")),
    )


def reference_scores(path: Path) -> pd.DataFrame:
    """Return one reference's score file, …/references/{base}/{reference}.csv, with its columns."""
    return pd.read_csv(path).assign(base=path.parts[-2], reference=path.stem)


def table(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return all rows as one table, sorted, so that the same scores give the same file."""
    rows = pd.concat([pd.DataFrame(columns=columns), *parts]) if not parts else pd.concat(parts)
    return rows[columns].sort_values(columns[:-2]).reset_index(drop=True)


@command
def main() -> None:
    """Collect all scores of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--references", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--references-output", type=Path, required=True)
    arguments = parser.parse_args()

    study = read_json(arguments.study)
    write_scores(table([run_scores(path, study) for path in arguments.scores], RUN_COLUMNS), arguments.output)
    references = [reference_scores(path) for path in arguments.references]
    write_scores(table(references, REFERENCE_COLUMNS), arguments.references_output)


if __name__ == "__main__":
    main()
