"""Compares a table of scores in a notebook: `from embedding_designs import compare`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from ..common.command import note
from ..common.errors import BadInput
from ..common.score_files import SCORE_DIGITS
from ..common.wording import few
from ..comparison.compare import compare_study
from ..scores.given_scores import MISSING, read_given
from ..scores.not_used import note_all
from ..scores.published.labels import LABELS, UNKNOWN
from ..scores.published.pools import EVERY_MODEL, in_pools
from ..scores.published.sources import filled
from ..scores.report_file import Report
from ..scores.score_table import COLUMNS, checked
from .notebook import Comparison
from .results_folder import study_of

Table: TypeAlias = pd.DataFrame | str | os.PathLike[str]
DESCRIPTIONS = ["pooling", "attention"]


def compare(
    scores: Table | Sequence[Table],
    *,
    higher_is_better: bool = True,
    unit: str | None = None,
    missing: str = "refuse",
    tasks_in: str | None = None,
    **statistics: Any,
) -> Comparison:
    """Return which models could be the best, what they are tied with, and all tests of a table of scores.

    scores: a pandas table or the path of a CSV file, or several of them. Either tidy, with one row per score
        and the columns model (or design), task, and score, and optionally base, seed, category, pooling,
        attention, and metric; or wide, with one row per model and one column per task, or the reverse. With
        at least three seeds, there are claims about newly trained models too. A category is MTEB's unless
        the table has one.
    higher_is_better: False for losses and error rates.
    unit: what to call what is compared, "model" or "design"; default: as the table calls it.
    missing: what to do if a score is missing: "refuse", "drop_tasks", or "drop_models".
    tasks_in: "rows" or "columns" of a wide table that does not say so itself.
    statistics: alpha, rope, control, and correction, as in a study (config/README.md).

    Raises BadInput, with the row or line, if a cell is unusable, the layout or scale of the table is
    ambiguous, a score is missing, or there is only one model or task.
    """
    check_choice("unit", unit, (None, "model", "design"))
    check_choice("missing", missing, MISSING)
    check_choice("tasks_in", tasks_in, (None, "rows", "columns"))
    sources = [_source(one) for one in (scores if isinstance(scores, list | tuple) else [scores])]
    given = read_given(sources, higher_is_better, tasks_in, missing)
    name = few(
        list(dict.fromkeys("scores" if isinstance(one, pd.DataFrame) else str(one) for one in sources))
    )
    source = {"from": "table", "path": name, "unit": unit or given.unit}
    study: dict[str, Any] = {"name": "scores"} | study_of(f"the scores in {name}", source, missing)
    study["statistics"] = study.get("statistics", {}) | statistics
    rows, left = _described(given.rows, study, name)
    report = Report({}, [*given.not_used, *left], {}, inferred=given.said)
    try:
        found = compare_study(rows, study, name, report, quiet=True)
    except BadInput as error:  # the keys of `statistics` are arguments here
        raise BadInput(str(error).removeprefix("statistics.")) from None
    for line in found.inferred:
        note(line)
    note_all(found.not_used)
    return Comparison(found, rows, study)


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise BadInput if an argument does not have one of the allowed values."""
    if value not in allowed:
        raise BadInput(f"{name} {value!r} is not known; choose from {', '.join(map(repr, allowed))}")


def _source(scores: Any) -> pd.DataFrame | Path:
    if isinstance(scores, pd.DataFrame):
        return scores
    if isinstance(scores, str | os.PathLike):
        return Path(scores)
    raise BadInput(f"scores: {type(scores).__name__} is not a pandas table or the path of a CSV file")


def _described(rows: pd.DataFrame, study: dict[str, Any], name: str) -> tuple[pd.DataFrame, list]:
    """Return checked rows with the columns of scores.csv, and the report on models that are left out."""
    for column in DESCRIPTIONS:
        names = [name for name in ("base", "model") if name in rows]
        rows = filled(rows.assign(**{column: rows.get(column, "")}), names, column)
    rows[DESCRIPTIONS] = rows[DESCRIPTIONS].replace("", UNKNOWN)
    rows = checked(rows.assign(metric=rows.get("metric", "main_score")))
    rows["score"] = rows["score"].round(SCORE_DIGITS)
    left: list = []
    if "base" not in rows:
        pools = study["scores"].get("pools", EVERY_MODEL)
        rows, left = in_pools(rows, pools, pd.DataFrame(columns=LABELS), list(rows["task"].unique()), name)
    return rows.assign(design=rows["model"])[COLUMNS], left
