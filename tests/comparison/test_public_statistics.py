"""`embedding_designs.statistics`: every name is documented, and every function refuses missing numbers."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest

from embedding_designs import statistics
from embedding_designs.common.errors import BadInput

ARGUMENTS = {"alpha": 0.05, "control": "a", "rope": 0.01}
OF_TABLES = [
    name
    for name in statistics.__all__
    if {"scores", "runs"} & set(signature(getattr(statistics, name)).parameters)
]


def test_each_name_is_described_in_the_module_and_by_itself():
    assert [name for name in statistics.__all__ if name not in statistics.__doc__] == []
    assert [name for name in statistics.__all__ if not getattr(statistics, name).__doc__] == []


def called(name: str, scores: pd.DataFrame):
    """Call a function with a table: of tasks x models, or its transpose if the function is about runs."""
    function = getattr(statistics, name)
    parameters = signature(function).parameters
    first = next(iter(parameters))
    given = (
        scores if first == "scores" else scores.T.set_axis(pd.MultiIndex.from_product([scores.columns, [1]]))
    )
    return function(given, **{name: value for name, value in ARGUMENTS.items() if name in parameters})


def table() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).uniform(size=(6, 3)), columns=list("abc"))


@pytest.mark.parametrize("name", OF_TABLES)
def test_a_wide_table_is_enough(name):
    called(name, table())


@pytest.mark.parametrize("name", OF_TABLES)
def test_a_missing_score_is_refused(name):
    scores = table()
    scores.iat[2, 1] = np.nan
    with pytest.raises(BadInput, match=f"^{name}: (scores|runs) has nan in row .*must be finite"):
        called(name, scores)
