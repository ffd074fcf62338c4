"""Makes a folder of results from anybody's scores by the commands of the rules, on a study made for them."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..common.atomic_writes import atomic
from ..common.command import note
from ..common.errors import BadInput
from ..comparison.statistics_file import read_statistics
from ..scores.given_scores import given_columns, read_given
from ..study.run_configs import config_text
from ..study.study import load_study

GIVEN = "given_scores.csv"
STEPS = {  # command: its arguments, as in the rule of its name
    "scores.collect_published_scores": ["configs/scores.json", "--output", "scores.csv",
                                        "--collected", "collected.json"],
    "comparison.compare_designs": ["scores.csv", "--study", "configs/study.json", "--collected",
                                   "collected.json", "--output", "statistics.json", "--tables", "tables"],
    "reporting.draw_figures": ["--statistics", "statistics.json", "--scores", "scores.csv",
                               "--output", "figures"],
    "reporting.write_findings": [".", "--output", "findings.html"],
}  # fmt: skip


class Failed(Exception):
    """A step has failed and has said why; code: its exit code."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


def compare_scores(
    paths: Sequence[Path],
    output: Path,
    labels: Path | None = None,
    benchmark: str | None = None,
    higher_is_better: bool = True,
    tasks_in: str | None = None,
) -> list[str]:
    """Return the verdict on each pool of models; the folder `output` then holds what a study's results hold.

    paths: CSV files, or one folder of MTEB results or clone of the results repository; labels: a table as
    `scores.labels` in a study; benchmark: compare only its tasks. Raises BadInput for unusable input, and
    Failed if a step has reported an error.
    """
    study_file = output / f"{study_name(paths[0])}.yaml"
    if output.is_dir() and any(output.iterdir()) and not study_file.exists():
        raise BadInput(f"--output {output}: holds other files; choose an empty or new folder")
    source, said = read_source(paths, output, higher_is_better, tasks_in)
    source |= {"benchmark": benchmark} if benchmark else {}
    source |= {"labels": str(labels.resolve())} if labels else {}
    about = "; ".join([f"A comparison of the scores in {', '.join(map(str, paths))}", *said])
    study = {"description": f"{about}.", "scores": source}
    if paths[0].is_dir():  # published results are rarely complete
        study |= {"statistics": {"missing": "drop_tasks"}} if not benchmark else {}
        source |= {"pools": {"all": {"complete": True}}} if benchmark else {}
    write(study_file, yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
    loaded = load_study(study_file)
    for name in ("study", "scores"):
        write(output / "configs" / f"{name}.json", config_text(loaded, name) + "\n")
    for module, arguments in STEPS.items():
        command = [sys.executable, "-m", f"embedding_designs.{module}", *arguments]
        if code := subprocess.run(command, cwd=output).returncode:
            raise Failed(code)
    overall = [
        one for one in read_statistics(output / "statistics.json").comparisons if one.category == "All"
    ]
    return [sentence for one in overall for sentence in verdict(one.sentences)]


def verdict(sentences: dict[str, list[str]]) -> list[str]:
    """Return what could be the best or, if nothing can be tested, why."""
    return sentences["verdict"] or sentences["undecidable"]


def read_source(
    paths: Sequence[Path], output: Path, higher_is_better: bool, tasks_in: str | None
) -> tuple[dict[str, Any], list[str]]:
    """Return the `scores` of a study for the input, and what was inferred.

    Tables become one tidy table in the output folder.
    """
    if folders := [path for path in paths if path.is_dir()]:
        if len(paths) > 1:
            raise BadInput(f"{folders[0]}: a folder of MTEB results cannot be compared with other files")
        if tasks_in or not higher_is_better:
            raise BadInput(
                f"{folders[0]}: --tasks-in and --higher-is-better are for tables, not for MTEB results"
            )
        return {"from": "mteb_results", "path": str(paths[0].resolve())}, []
    given = read_given(paths, higher_is_better, tasks_in)
    for line in given.said:
        note(line)
    write(output / GIVEN, given.rows[given_columns(given.rows)].to_csv(index=False))
    return {"from": "table", "path": str((output / GIVEN).resolve())}, given.said


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
