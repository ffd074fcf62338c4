"""Completes a trained model: the same files, hard-linked, with a model card that reports its scores.

python -m embedding_designs.reporting.write_model_card TRAINED --scores A.csv B.csv … --output DIR
"""

import argparse
import os
import shutil
from pathlib import Path
from typing import Any

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import read_json, read_object
from ..common.training_logs import log_entries
from ..comparison.statistics_file import read_statistics
from ..fetching.fetched import fetched_revisions
from ..scores.score_table import read_table
from ..study.provenance import commit
from ..study.run_config import RunConfig
from .model_card import model_card
from .model_verdict import ModelVerdict, model_verdict

# Snakemake touches its timestamp in an output folder; a link would touch the trained model's as well.
NOT_LINKED = shutil.ignore_patterns(".snakemake_timestamp", "README.md")
SCORES = ["task", "category", "metric", "score"]  # columns of a run's score files


def write_model(trained: Path, card: str, output: Path) -> None:
    """Write the files of a trained model, with `card` as model card, to a folder, atomically."""
    with atomic(output) as part:
        shutil.copytree(trained, part, copy_function=link_or_copy, ignore=NOT_LINKED)
        (part / "README.md").write_text(card, encoding="utf-8")


def link_or_copy(source: str, target: str) -> None:
    """Hard-link a file to `target`, or copy it if links are impossible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def read_scores(files: list[Path]) -> list[dict[str, Any]]:
    """Return the rows of the run's score files: task, category, metric and, as a number, score."""
    rows = [row for file in files for row in read_table(file, SCORES).to_dict("records")]
    if not rows:
        raise BadInput(f"{files[0]}: no scores")
    return rows


def summary(log: Path) -> dict[str, Any]:
    """Return the last entry of a training log, the summary of the training."""
    *_, (_, last) = [(0, {"event": None}), *log_entries(log)]
    if last["event"] != "summary":
        raise BadInput(f"{log}: does not end with a summary; expected the log of a finished training")
    return last


def of_the_folder(trained: Path) -> dict[str, Any]:
    """Return the facts in the folder of a trained model: run config, pooling, versions, code files."""
    modules = read_json(trained / "modules.json")
    versions = read_json(trained / "config_sentence_transformers.json", ["__version__"])["__version__"]
    return {
        "run": RunConfig.read(trained / "run_config.json"),
        "settings": read_json(trained / modules[1]["path"] / "config.json"),
        "versions": [f"{name.replace('_', '-')} {version}" for name, version in sorted(versions.items())],
        "code": sorted(file.name for file in trained.glob("*.py")),
    }


def verdict_on(run: RunConfig, statistics: Path | None) -> ModelVerdict | None:
    """Return the study's verdict on the designs of a run's base, or None if it has none."""
    if statistics is None:
        return None
    return model_verdict(read_statistics(statistics), run.base["name"], run.design["name"])


@command
def main() -> None:
    """Complete one trained model."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("trained", type=Path, help="folder that training wrote")
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--source", type=Path, required=True, help="config of the data")
    parser.add_argument(
        "--fetched", type=Path, nargs="?", help="data fetched from the hub, with its revision"
    )
    parser.add_argument("--tasks", type=Path, required=True, help="config of all tasks")
    parser.add_argument("--data", type=Path, required=True, help="data report")
    parser.add_argument("--training-log", type=Path, required=True)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--statistics", type=Path, help="statistics.json, for the verdict on the designs")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    source = read_object(arguments.source, {})
    revisions = fetched_revisions(arguments.fetched) if arguments.fetched else {}
    for name, revision in revisions.items():
        (source["sources"][name] if "sources" in source else source)["revision"] = revision
    facts = {
        "study": arguments.study,
        "source": source,
        "tasks": read_json(arguments.tasks, ["max_seq_length"]),
        "data": read_object(arguments.data, {"rows": dict}),
        "training": summary(arguments.training_log),
        "scores": read_scores(arguments.scores),
        "commit": commit(),
    }
    facts |= of_the_folder(arguments.trained)
    facts["verdict"] = verdict_on(facts["run"], arguments.statistics)
    write_model(arguments.trained, model_card(facts), arguments.output)


if __name__ == "__main__":
    main()
