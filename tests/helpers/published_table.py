"""Published scores of MTEB(eng, v2), for tests at the scale of a real study."""

from pathlib import Path

import pandas as pd
import pytest

from embedding_designs.study.benchmarks import TABLE

FOLDER = Path(__file__).parents[2] / "resources" / "published"


def mteb_english(n_models: int) -> pd.DataFrame:
    """Return the scores of the first models that are complete on MTEB(eng, v2): (41 tasks, models)."""
    if not (FOLDER / "mteb-english-scores.csv.gz").exists():
        pytest.skip(f"{FOLDER} has no mteb-english-scores.csv.gz with published scores")
    tasks = pd.read_csv(TABLE)
    tasks = tasks.loc[tasks["benchmarks"].str.contains("MTEB(eng, v2)", regex=False), "task"]
    scores = pd.read_csv(FOLDER / "mteb-english-scores.csv.gz", index_col="model_name")
    complete = scores[tasks].dropna().T.round(6)
    assert complete.shape[1] >= n_models
    return complete.iloc[:, :n_models]
