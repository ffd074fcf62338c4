"""What evaluation and collection share: the columns and the precision of a file of scores."""

from pathlib import Path

import pandas as pd

from .atomic_writes import atomic

SCORE_COLUMNS = ["task", "category", "metric", "score"]  # of the file of one run and one batch of tasks
SCORE_DIGITS = 6  # what scores are recorded to, and so what counts as a tie


def write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write a table of scores as CSV, atomically; a missing score is an empty cell."""
    with atomic(path) as part:
        scores.to_csv(part, index=False, float_format=f"%.{SCORE_DIGITS}f", lineterminator="\n")
