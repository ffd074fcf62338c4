"""Tables of scores: how they are written."""

from pathlib import Path

import pandas as pd

from .command import whole

SCORE_DIGITS = 6  # what scores are recorded to, and so what counts as a tie


def write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write a table of scores as CSV, whole or not at all."""
    with whole(path) as part:
        scores.to_csv(part, index=False, float_format=f"%.{SCORE_DIGITS}f", lineterminator="\n")
