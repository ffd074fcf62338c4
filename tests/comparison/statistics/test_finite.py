"""Every public statistics function refuses a number that is missing or infinite, in any of its arguments."""

from importlib import import_module
from inspect import getmembers, isroutine, signature
from pkgutil import iter_modules

import numpy as np
import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison import statistics
from embedding_designs.comparison.statistics import pairwise, ranks
from helpers.literature import random_scores


def examples(bad: float) -> dict[str, object]:
    """Return an argument with a bad number for each type that an annotation can name; containers first."""
    return {
        "DataFrame": pd.DataFrame({"a": [0.1, 0.2], "b": [0.3, bad]}),
        "ndarray": np.array([[0.1, 0.2], [0.3, bad]]),
        "Sequence[collections.abc.Mapping": [{"first": "a", "p_holm": bad}],
        "Mapping[str, float": {"STS": 0.1, "Retrieval": bad},
        "Sequence[float]": [0.1, bad],
        "float": bad,
    }


def parameters() -> list[tuple]:
    """Return each parameter of a public function that can hold a number other than an integer."""
    found = []
    for module in iter_modules(statistics.__path__, f"{statistics.__name__}."):
        for name, function in getmembers(import_module(module.name), isroutine):
            if name[0] == "_" or name == "finite" or function.__module__ != module.name:
                continue
            for parameter in signature(function).parameters.values():
                annotation = str(parameter.annotation)
                kinds = [
                    kind for kind in examples(0) if kind in annotation or annotation == f"<class '{kind}'>"
                ]
                if kinds and "Callable" not in annotation:
                    case = f"{module.name.split('.')[-1]}.{name}-{parameter.name}"
                    found.append(pytest.param(function, parameter.name, kinds[0], id=case))
    return found


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("function", "name", "kind"), parameters())
def test_a_number_that_is_not_finite_is_refused(function, name, kind, bad):
    arguments = dict.fromkeys(signature(function).parameters) | {name: examples(bad)[kind]}
    with pytest.raises(
        BadInput, match=f"^{function.__name__}: {name} has {bad}.*; every number must be finite$"
    ):
        function(**arguments)


def test_all_modules_are_covered():
    assert len(parameters()) > 50


def test_the_message_names_the_cell():
    scores = random_scores(4, 3, seed=1)
    scores.loc[2, "d1"] = np.nan
    with pytest.raises(
        BadInput, match=r"^friedman: scores has nan in row 2, column d1; every number must be fin"
    ):
        ranks.friedman(scores)
    with pytest.raises(BadInput, match=r"^wilcoxon: alpha has inf; every number must be finite$"):
        pairwise.wilcoxon(random_scores(4, 3, seed=1), float("inf"))
    with pytest.raises(BadInput, match=r"^signed_rank_p: differences has nan at \[0, 1\];"):
        pairwise.signed_rank_p(np.array([[0.1, np.nan]]))


def test_a_missing_score_in_a_table_of_objects_is_refused():
    scores = random_scores(4, 3, seed=1).astype(object)
    scores.iloc[0, 0] = None
    with pytest.raises(BadInput, match=r"^rank_designs: scores has None in row"):
        ranks.rank_designs(scores)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_numpys_numbers_are_checked_too(kind):
    with pytest.raises(BadInput, match=r"^wilcoxon: alpha has nan; every number must be finite$"):
        pairwise.wilcoxon(random_scores(4, 3, seed=1), kind("nan"))


def test_none_is_not_a_number():
    assert ranks.iman_davenport(None, 5, 3)["p"] is None
    assert not ranks.open_categories({"STS": None}, 0.05)["STS"]["open"]
