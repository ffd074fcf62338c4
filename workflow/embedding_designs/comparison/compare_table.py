"""Compares one table of scores without the workflow: `from embedding_designs import compare`."""

import os
from pathlib import Path

import pandas as pd

from ..common.errors import BadInput
from ..scores.not_used import note_all
from ..scores.published.sources import CURES, filled, tidy, with_categories
from ..scores.score_table import COLUMNS, checked
from ..scores.text_tables import as_texts, read_texts
from .compare import compare_study
from .results import Statistics

DESCRIPTIONS = ["pooling", "attention"]


def compare(scores: pd.DataFrame | str | os.PathLike[str]) -> Statistics:
    """Return the statistics of a table of scores, with a study's default settings.

    scores: a pandas table or the path of a CSV file, with one row per design, task, and seed.
        Required columns: design (or model), task, score (from -1 to 1), and category if a task is not an MTEB
        task. Optional columns: base, seed, pooling, attention, metric. Others are ignored, with a note.

    Raises BadInput, with the row or line, if a cell is unusable or a score is missing.
    """
    table, name = _texts(scores)
    rows, left, _ = tidy(table, name)
    note_all(left)
    rows = rows.rename(columns={"model": "design"}).assign(base=rows.get("base", "all"))
    for column in DESCRIPTIONS:
        rows = filled(rows.assign(**{column: rows.get(column, "")}), ["base", "design"], column)
    rows[DESCRIPTIONS] = rows[DESCRIPTIONS].replace("", "unknown")
    rows = checked(with_categories(rows, dict.fromkeys(rows["task"]), CURES["table"]))
    return compare_study(rows[COLUMNS], {}, name)


def _texts(scores: pd.DataFrame | str | os.PathLike[str]) -> tuple[pd.DataFrame, str]:
    """Return a table as text, and its name in error messages."""
    if isinstance(scores, pd.DataFrame):
        return as_texts(scores, "scores"), "scores"
    if isinstance(scores, (str, os.PathLike)):
        return read_texts(Path(scores)), str(scores)
    raise BadInput(f"scores: {type(scores).__name__} is not a pandas table or the path of a CSV file")
