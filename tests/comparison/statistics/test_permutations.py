"""Expected probabilities come from Siegel's table and from enumeration."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from embedding_designs.comparison.statistics import permutations as module
from embedding_designs.comparison.statistics.permutations import friedman_permutation
from embedding_designs.comparison.statistics.ranks import friedman
from helpers.literature import ROUNDING_TIMES, UNTESTABLE, random_scores


def ranked(*rows: str) -> pd.DataFrame:
    """Return scores with these ranks: "213" is a task whose best design is the second."""
    return pd.DataFrame([[1 - int(rank) / 10 for rank in row] for row in rows])


# Siegel (1956), Nonparametric Statistics, table N: p of Friedman's chi-square
@pytest.mark.parametrize(
    ("rows", "chi_square", "p"),
    [
        (("123", "123"), 4.0, 0.167),
        (("123", "132"), 3.0, 0.500),
        (("123", "123", "123"), 6.0, 0.028),
        (("123", "123", "132"), 4.667, 0.194),
        (("123", "123", "231"), 2.0, 0.528),
        (("123", "123", "123", "123"), 8.0, 0.0046),
        (("123", "123", "123", "132"), 6.5, 0.042),
        (("123", "123", "132", "132"), 6.0, 0.069),
        (("1234", "1234"), 6.0, 0.042),
        (("1234", "1243"), 5.4, 0.167),
        (("1234", "1234", "1234"), 9.0, 0.0017),
        (("1234", "1234", "1243"), 8.2, 0.017),
    ],
)
def test_p_is_that_of_siegels_table(rows, chi_square, p):
    scores = ranked(*rows)
    assert friedman(scores)["chi_square"] == pytest.approx(chi_square, abs=0.0005)
    found = friedman_permutation(scores)
    assert found["p_permutation"] == pytest.approx(p, abs=0.0006) and found["draws"] is None


@pytest.mark.parametrize(("n_tasks", "n_designs", "decimals"), [(4, 3, 1), (5, 3, 1), (3, 4, 1), (3, 4, 6)])
def test_p_is_that_of_all_permutations_with_ties_too(n_tasks, n_designs, decimals):
    scores = random_scores(n_tasks, n_designs, seed=n_tasks, decimals=decimals)
    observed = stats.friedmanchisquare(*scores.to_numpy().T).statistic
    orders = product(*[list(permutations(row)) for row in scores.to_numpy()[1:]])
    everything = np.array([[scores.to_numpy()[0], *order] for order in orders])  # (all, tasks, designs)
    found = stats.friedmanchisquare(*np.moveaxis(everything, 2, 0), axis=1).statistic
    expected = (found >= observed - 1e-9).mean()
    assert friedman_permutation(scores)["p_permutation"] == pytest.approx(expected)


@pytest.mark.parametrize(("n_tasks", "n_designs"), [(2, 3), (4, 3), (3, 5), (2, 7)])
def test_the_smallest_p_is_that_of_identical_orders(n_tasks, n_designs):
    scores = pd.DataFrame([np.arange(n_designs) / 10] * n_tasks)
    expected = float(np.prod(np.arange(1.0, n_designs + 1))) ** (1 - n_tasks)
    assert friedman_permutation(scores)["p_permutation"] == pytest.approx(expected)


def test_with_two_designs_it_is_the_sign_test():
    scores = ranked("12", "12", "12", "12", "12", "21")
    assert friedman_permutation(scores)["p_permutation"] == pytest.approx(stats.binomtest(1, 6).pvalue)


def test_random_permutations_come_close_to_the_exact_p(monkeypatch):
    exact = friedman_permutation(ROUNDING_TIMES)
    assert exact["draws"] is None and exact["p_permutation"] == pytest.approx(0.0038, abs=0.002)
    monkeypatch.setattr(module, "MOST", 1)
    drawn = friedman_permutation(ROUNDING_TIMES)
    assert drawn["draws"] == module.DRAWS == 9_999
    assert drawn["p_permutation"] == pytest.approx(exact["p_permutation"], abs=0.002)
    assert drawn == friedman_permutation(ROUNDING_TIMES)  # seeded


@pytest.mark.parametrize(("n_tasks", "exact"), [(100, True), (300, False)])
def test_three_designs_are_counted_up_to_a_hundred_tasks_and_drawn_beyond(n_tasks, exact):
    # each task adds little to the sums held at once, but with 300 all of them together would take a minute
    assert (friedman_permutation(random_scores(n_tasks, 3, seed=1))["draws"] is None) == exact


def test_many_designs_and_tasks_have_a_p():
    found = friedman_permutation(random_scores(41, 30, seed=3))
    assert found["draws"] == module.DRAWS and 0 < found["p_permutation"] <= 1


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_there_is_no_p(scores, reason):
    assert friedman_permutation(scores) == {"p_permutation": None, "draws": None}
