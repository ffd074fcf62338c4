"""Gathers everything that the findings page shows from the files of a study."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ...common.json_files import read_json
from ...comparison.results import Comparison, Statistics
from ...comparison.sentences.claims import tested
from ...comparison.statistics_file import read_statistics
from ...scores.collapsed_runs import left_out
from ...scores.not_used import check_unchanged, in_words
from ...scores.score_table import BASELINE_COLUMNS, read_scores, read_table
from ...study.config_files import read_study
from ...study.provenance import provenance
from . import collapsed, tables
from .base import of_base, shows_effects
from .data import report
from .figures import composition
from .layers import layers_by_base

REVISIONS = Path("fetched") / "revisions.json"
DATA_REPORTS = {"data/report.json": "Training data", "data/harvest.json": "Harvested docstrings"}


class Files(NamedTuple):
    """The study, its statistics, the scores that were compared, all scores, and the baselines."""

    folder: Path
    study: dict[str, Any]
    statistics: Statistics
    scores: pd.DataFrame
    every: pd.DataFrame
    baselines: pd.DataFrame


def gather(folder: Path) -> dict[str, Any]:
    """Return everything that the page shows, from the files of a study under `folder`.

    The study, its statistics, and its scores are required. Baselines, training logs, benchmarks, and data
    reports are shown if they exist, because a study can start from existing scores. Raises BadInput if a
    required file is missing.
    """
    files = read_files(folder)
    bases = of_bases(files)
    return {
        **about_study(files),
        **about_claims(files),
        "bases": bases,
        "effects": any(map(shows_effects, bases)),
        "trained": any(base["figures"]["training"] for base in bases),
        "tuned": any(base["tuning"] for base in bases),
        "layered": any(base["layers"] for base in bases),
        "costed": any(base["cost"] for base in bases),
        "data": data_reports(folder),
        "composition": composition(folder / "figures"),
    }


def read_files(folder: Path) -> Files:
    """Return the files of a study that the page needs; BadInput if a table was edited since."""
    study = read_study(folder / "configs" / "study.json", "name", "description")
    statistics = read_statistics(folder / "statistics.json")
    for table in (folder / "scores.csv", folder / "baselines.csv"):
        check_unchanged(table, statistics.sha256, "run the study again")
    every, baselines = read_scores(folder / "scores.csv"), read_baselines(folder / "baselines.csv")
    return Files(folder, study, statistics, compared(every, statistics.comparisons), every, baselines)


def about_study(files: Files) -> dict[str, Any]:
    """Return what the page says of a study: its name and size, its provenance, and its settings."""
    folder, study, statistics, scores = files[:4]
    own = {key: value for key, value in study.items() if key != "made_by"}
    hashed = [folder / "configs" / "study.json", folder / "scores.csv", folder / "data" / "train.parquet"]
    return {
        "study": study,
        "study_text": json.dumps(own, indent=2, ensure_ascii=False),
        "statistics": statistics,
        "unit": statistics.unit,
        "group": "pool" if study.get("scores") else "base",
        "from_scratch": [name for name, base in study.get("bases", {}).items() if "pretrain" in base],
        "size": {
            "designs": len(statistics.designs),
            "seeds": scores["seed"].nunique(),
            "runs": len(scores[_run(statistics)].drop_duplicates()),
            "tasks": scores["task"].nunique(),
            "categories": scores["category"].nunique(),
        },
        "revisions": tables.revisions(statistics.revisions),
        "provenance": provenance(study, [path for path in hashed if path.exists()], folder / REVISIONS),
    }


def about_claims(files: Files) -> dict[str, Any]:
    """Return what the page says of all claims: their kinds, their scope, and what was not used for them."""
    statistics = files.statistics
    n_runs = len(files.every[_run(statistics)].drop_duplicates())
    return {
        "tested": tested(statistics.unit),
        "scope": statistics.scope,
        "collapsed": collapsed.warning(statistics.collapsed, n_runs, _names(statistics)),
        "not_used": [in_words(entry) for entry in statistics.not_used],
    }


def of_bases(files: Files) -> list[dict[str, Any]]:
    """Return what the page shows of each base."""
    folder, study, statistics, scores, _, baselines = files
    layers = layers_by_base(folder, "layers" in study)
    return [
        of_base(
            folder,
            study,
            [comparison for comparison in statistics.comparisons if comparison.base == name],
            scores[scores["base"] == name],
            baselines[baselines["base"] == name],
            statistics.alpha,
            left_out(statistics.collapsed, name),
        )
        | {"layers": layers.get(name)}
        for name in _names(statistics)
    ]


def _names(statistics: Statistics) -> list[str]:
    return list(dict.fromkeys(comparison.base for comparison in statistics.comparisons))


def _run(statistics: Statistics) -> list[str]:
    """Return the columns that identify a run; a model can be in several pools."""
    return ["design", "seed"] if statistics.unit == "model" else ["base", "design", "seed"]


def compared(scores: pd.DataFrame, comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return the scores on the tasks that were compared, without dropped tasks."""
    cells = {(c.base, task) for c in comparisons for task in c.tasks}
    return scores[[cell in cells for cell in zip(scores["base"], scores["task"], strict=True)]]


def read_baselines(path: Path) -> pd.DataFrame:
    """Return the scores of the baselines, in an empty table if the study has none."""
    return read_table(path, BASELINE_COLUMNS) if path.exists() else pd.DataFrame(columns=BASELINE_COLUMNS)


def data_reports(folder: Path) -> list[dict[str, Any]]:
    """Return the existing data reports as titled tables."""
    return [
        {"title": title, "tables": report(read_json(folder / file))}
        for file, title in DATA_REPORTS.items()
        if (folder / file).exists()
    ]
