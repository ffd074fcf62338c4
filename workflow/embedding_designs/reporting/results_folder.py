"""Makes a folder of results from given scores, as the rules do for a study."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..common.atomic_writes import atomic
from ..common.command import note
from ..common.errors import BadInput
from ..common.names import NO_BASE
from ..common.score_files import write_scores
from ..comparison.compare import compare_study
from ..comparison.results import Comparison, Statistics
from ..comparison.statistics_file import write_statistics
from ..comparison.tables import write_tables
from ..scores.given_scores import Given, check_complete, given_columns, read_given
from ..scores.not_used import write_report
from ..scores.published.pools import published_scores
from ..scores.published.tasks import benchmark_tasks
from ..scores.report_file import read_report
from ..scores.score_table import read_scores
from ..study.run_configs import config_text
from ..study.study import load_study

PACKAGES = Path(__file__).parents[2]  # the folder that this package is in
GIVEN = "given_scores.csv"
COMPLETE = {NO_BASE: {"complete": True}}  # pools of a study that compares only models with all scores
STEPS = {  # commands that make the page from statistics and scores; their arguments, as in the rules
    "draw_figures": ["--statistics", "statistics.json", "--scores", "scores.csv", "--output", "figures"],
    "write_findings": [".", "--output", "findings.html"],
}


class Failed(Exception):
    """A step has failed and has said why; code: its exit code."""

    def __init__(self, code: int, said: str = ""):
        super().__init__(said or code)
        self.code = code


def compare_scores(
    paths: Sequence[Path],
    output: Path,
    labels: Path | None = None,
    benchmark: str | None = None,
    higher_is_better: bool = True,
    tasks_in: str | None = None,
    missing: str | None = None,
    unit: str | None = None,
) -> Statistics:
    """Return the statistics; the folder `output` then holds what a study's results hold.

    paths: CSV files, or one folder of MTEB results or clone of the results repository; labels: a table as
    `scores.labels` in a study; benchmark: compare only its tasks; missing: one of MISSING, by default
    "refuse" for tables; unit: "model" or "design". Raises BadInput for unusable input, and Failed if a step
    has reported an error.
    """
    study_file = output / f"{study_name(paths[0])}.yaml"
    if output.is_dir() and any(output.iterdir()) and not study_file.exists():
        raise BadInput(f"--output {output}: holds other files; choose an empty or new folder")
    tasks = benchmark_tasks(benchmark, "--benchmark") if benchmark else None
    given, names = None, ", ".join(map(str, paths))
    if any(path.is_dir() for path in paths):
        check_folder(paths, tasks_in, higher_is_better)
        source = {"from": "mteb_results", "path": str(paths[0].resolve())}
        # published results are rarely complete
        missing = missing or ("drop_models" if benchmark else "drop_tasks")
    else:
        given = read_given(paths, higher_is_better, tasks_in, missing or "refuse", tasks)
        for line in given.said:
            note(line)
        write(output / GIVEN, given.rows[given_columns(given.rows)].to_csv(index=False))
        source = {"from": "table", "path": str((output / GIVEN).resolve()), "unit": given.unit}
    source |= {"benchmark": benchmark} if benchmark else {}
    source |= {"labels": str(labels.resolve())} if labels else {}
    source |= {"unit": unit} if unit else {}
    study = study_of(f"the scores in {names}", source, missing)
    write(study_file, yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
    loaded = load_study(study_file)
    statistics = compare_given(loaded, given, output, names)
    for step in STEPS:
        run_step(step, output)
    return statistics


def study_of(what: str, source: dict[str, Any], missing: str | None) -> dict[str, Any]:
    """Return a study that starts from scores. what: they are, in words; source: its `scores`."""
    study: dict[str, Any] = {"description": f"A comparison of {what}.", "scores": source}
    if missing == "drop_tasks":
        study["statistics"] = {"missing": missing}
    if missing == "drop_models":
        study["scores"] = source | {"pools": COMPLETE}
    return study


def compare_given(study: dict[str, Any], given: Given | None, output: Path, names: str) -> Statistics:
    """Return the statistics of a study that starts from scores, and write what the page is made from.

    names: what errors call the scores.
    """
    for name in ("study", "scores"):
        write(output / "configs" / f"{name}.json", config_text(study, name) + "\n")
    try:
        found = published_scores(study["scores"])
    except BadInput as error:  # about the copy of the table
        raise BadInput(str(error).replace(study["scores"]["path"], names)) from None
    scores, collected = output / "scores.csv", output / "collected.json"
    write_scores(found.rows, scores)
    left = [*(given.not_used if given else ()), *found.not_used]
    write_report(collected, [scores], left, found.revisions, inferred=given.said if given else [])
    rows = read_scores(scores)
    if study["statistics"]["missing"] == "refuse":
        check_complete(rows.assign(model=rows["design"]), names)
    statistics = compare_study(rows, study, names, read_report(collected))
    with atomic(output / "tables") as folder:
        write_tables(statistics, folder)
    write_statistics(output / "statistics.json", statistics)
    return statistics


def write_for_page(study: dict[str, Any], scores: pd.DataFrame, statistics: Statistics, output: Path) -> None:
    """Write to a folder what the page is made from."""
    write(output / "configs" / "study.json", config_text(study, "study") + "\n")
    write_scores(scores, output / "scores.csv")
    write_statistics(output / "statistics.json", statistics)


def run_step(name: str, folder: Path, quiet: bool = False) -> None:
    """Run one of STEPS in a folder of results; raise Failed if it fails, with what it said if it is quiet."""
    paths = os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", f"embedding_designs.reporting.{name}", *STEPS[name]]
    environment = os.environ | {"PYTHONPATH": paths}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=quiet, text=True)
    if run.returncode:
        raise Failed(run.returncode, (run.stderr or "").strip())


def verdict(comparisons: Sequence[Comparison]) -> list[str]:
    """Return for each comparison what could be the best or, if nothing can be tested, why."""
    several = len(comparisons) > 1
    return [
        f"{one.base}: {sentence}" if several else sentence
        for one in comparisons
        for sentence in one.sentences["verdict"] or one.sentences["undecidable"]
    ]


def over_all_tasks(statistics: Statistics) -> list[Comparison]:
    """Return the comparison over all tasks of each base or pool."""
    return [comparison for comparison in statistics.comparisons if comparison.category == "All"]


def not_computed(statistics: Statistics) -> list[str]:
    """Return what is left out because there are too many models."""
    return list(dict.fromkeys(one.left_out for one in statistics.comparisons if one.left_out))


def check_folder(paths: Sequence[Path], tasks_in: str | None, higher_is_better: bool) -> None:
    """Raise BadInput if a folder of MTEB results is combined with other files or with options of tables."""
    folder = next(path for path in paths if path.is_dir())
    if len(paths) > 1:
        raise BadInput(f"{folder}: a folder of MTEB results cannot be compared with other files")
    if tasks_in or not higher_is_better:
        raise BadInput(f"{folder}: --tasks-in and --higher-is-better are for tables, not for MTEB results")


def study_name(path: Path) -> str:
    """Return a study's name for a file or folder of scores."""
    stem = path.resolve().name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "scores"


def write(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def default_output(paths: Sequence[Path]) -> Path:
    """Return the folder of the results if none is given."""
    return Path("results") / study_name(paths[0])
