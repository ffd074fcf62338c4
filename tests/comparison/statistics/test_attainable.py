"""Expected numbers come from R, hand arithmetic, and tables that reach the extreme."""

import json

import numpy as np
import pandas as pd
import pytest

from embedding_designs.comparison.statistics.attainable import attainable, attainable_with_ties
from embedding_designs.comparison.statistics.control import against_control
from embedding_designs.comparison.statistics.pairwise import wilcoxon
from embedding_designs.comparison.statistics.ranks import friedman, nemenyi
from helpers.literature import random_scores


# R 4.2: pchisq(n * (k - 1), k - 1, lower = FALSE); ptukey(z * sqrt(2), k, Inf, lower = FALSE) and
# p.adjust(rep(2 * pnorm(-z), k - 1), "holm") with z = (k - 1) / sqrt(k * (k + 1) / (6 * n))
@pytest.mark.parametrize(
    ("k", "n", "p_friedman", "p_nemenyi", "p_control"),
    [
        (2, 5, 0.025347319, 0.025347319, 0.025347319),
        (3, 2, 0.135335283, 0.112183114, 0.091000528),
        (3, 5, 0.0067379470, 0.0044635156, 0.0031308045),
        (5, 3, 0.0173512652, 0.0166652684, 0.0077830948),
        (5, 5, 0.00049939923, 0.00060582621, 0.00025336993),
        (10, 2, 0.035173539, 0.086703826, 0.026575823),
        (20, 3, 1.1426193e-05, 1.2533220e-02, 1.5914754e-03),
    ],
)
def test_the_smallest_p_is_the_one_of_r(k, n, p_friedman, p_nemenyi, p_control):
    result = attainable(n, k, 0.05)
    assert result["friedman"] == pytest.approx(p_friedman)
    assert result["nemenyi"] == pytest.approx(p_nemenyi)
    assert result["control_holm"] == pytest.approx(p_control)


@pytest.mark.parametrize("n_designs", [2, 3, 5, 12])
@pytest.mark.parametrize("n_tasks", [2, 5, 9, 14, 50])
def test_the_smallest_p_is_reached_if_all_tasks_rank_identically(n_tasks, n_designs):
    steps = np.outer(1 + np.arange(n_tasks) / 1000, np.arange(n_designs))
    scores = pd.DataFrame(0.01 * steps, columns=[f"d{index}" for index in range(n_designs)])
    result = attainable(n_tasks, n_designs, 0.05)
    assert friedman(scores)["p"] == pytest.approx(result["friedman"])
    pairs = wilcoxon(scores, 0.05)
    assert min(pair["p"] for pair in nemenyi(scores, 0.05)["pairs"]) == pytest.approx(
        result["nemenyi"], abs=1e-12
    )
    assert min(pair["p_uncorrected"] for pair in pairs) == pytest.approx(result["wilcoxon"])
    assert min(pair["p_holm"] for pair in pairs) == pytest.approx(result["wilcoxon_holm"])
    control = against_control(scores, "d0", 0.05)
    assert min(other["p_holm"] for other in control) == pytest.approx(result["control_holm"])


@pytest.mark.parametrize("n_tasks", [13, 14, 41, 50])
def test_ties_between_tasks_do_not_keep_wilcoxon_from_its_smallest_p(n_tasks):
    # 19 models on 14 tasks: p = 2^-13, times 171 pairs = .021
    sizes = np.arange(1, n_tasks + 1) / 100
    sizes[1] = sizes[0]
    scores = pd.DataFrame({f"d{index}": sizes * index / 20 for index in range(19)})
    smallest = attainable(n_tasks, 19, 0.05)
    assert smallest["wilcoxon"] == 2.0 ** (1 - n_tasks)
    assert min(pair["p_uncorrected"] for pair in wilcoxon(scores, 0.05)) == smallest["wilcoxon"]
    assert min(pair["p_holm"] for pair in wilcoxon(scores, 0.05)) == pytest.approx(smallest["wilcoxon_holm"])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("decimals", [6, 1])
def test_no_p_is_smaller(seed, decimals):
    n_tasks, n_designs = 4 + seed, 3
    scores = random_scores(n_tasks, n_designs, seed, decimals) + np.linspace(0, 0.3, n_designs).round(1)
    result = attainable(n_tasks, n_designs, 0.05)
    assert friedman(scores)["p"] >= result["friedman"] * (1 - 1e-9)
    for pair in wilcoxon(scores, 0.05):
        assert pair["p_uncorrected"] >= result["wilcoxon"] and pair["p_holm"] >= result["wilcoxon_holm"]


def test_beyond_50_tasks_equal_differences_give_the_smallest_p():
    # R 4.2: wilcox.test(rep(1, 51), exact = FALSE, correct = FALSE)
    assert attainable(51, 2, 0.05)["wilcoxon"] == pytest.approx(9.2365966e-13)
    (pair,) = wilcoxon(pd.DataFrame({"a": [0.6] * 51, "b": [0.5] * 51}), 0.05)
    assert pair["p_uncorrected"] == pytest.approx(9.2365966e-13)


@pytest.mark.parametrize("n_tasks", range(2, 12))
def test_wilcoxon_halves_with_each_task(n_tasks):
    # all N differences have one sign in 2 of 2^N equally likely cases
    assert attainable(n_tasks, 2, 0.05)["wilcoxon"] == 2.0 ** (1 - n_tasks)


@pytest.mark.parametrize(("n_designs", "needed"), [(5, 9), (6, 10), (8, 11), (10, 11), (19, 13)])
def test_tasks_that_wilcoxon_with_holm_needs(n_designs, needed):
    pairs = n_designs * (n_designs - 1) / 2
    assert needed == 1 + int(np.ceil(np.log2(pairs / 0.05)))  # 2^-(N - 1) pairs <= 0.05
    for n_tasks in range(2, 20):
        result = attainable(n_tasks, n_designs, 0.05)
        assert result["tasks_needed"]["wilcoxon_holm"] == needed
        assert (result["wilcoxon_holm"] <= 0.05) == (n_tasks >= needed)


@pytest.mark.parametrize("n_designs", [2, 3, 5, 20, 57])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_tasks_needed_are_the_first_that_reach_alpha(n_designs, alpha):
    needed = attainable(2, n_designs, alpha)["tasks_needed"]
    for test, n_tasks in needed.items():
        assert attainable(n_tasks, n_designs, alpha)[test] <= alpha
        assert n_tasks == 2 or attainable(n_tasks - 1, n_designs, alpha)[test] > alpha


def test_with_three_pair_classification_or_four_reranking_tasks_no_pair_of_five_designs_is_significant():
    for n_tasks in (3, 4):
        result = attainable(n_tasks, 5, 0.05)
        assert result["wilcoxon_holm"] > 0.05 and result["tasks_needed"]["wilcoxon_holm"] > n_tasks


def test_a_single_task_or_design_has_no_p_but_a_reason():
    one_task = attainable(1, 5, 0.05)
    assert one_task["friedman"] is None and one_task["wilcoxon_holm"] is None
    assert "single task" in one_task["reason"] and one_task["tasks_needed"]["wilcoxon_holm"] == 9
    one_design = attainable(8, 1, 0.05)
    assert "only one, so" in one_design["reason"]
    assert set(one_design["tasks_needed"].values()) == {None}
    json.dumps([one_task, one_design, attainable(41, 180, 0.05)], allow_nan=False)


def test_without_ties_the_scores_do_not_matter():
    scores = random_scores(9, 5, seed=1)
    with_ties, without = attainable_with_ties(scores, 0.05), attainable(9, 5, 0.05)
    assert with_ties.pop("tasks_needed") == without.pop("tasks_needed")
    assert with_ties == pytest.approx(without, abs=1e-12)


def test_a_task_on_which_a_pair_ties_does_not_count_for_it():
    # a and b differ on 7 of 9 tasks, c ties with both on 3: the best pair has p = 2 / 2^7, times 3 pairs
    a = np.linspace(0.3, 0.7, 9)
    b, c = a + 0.1, a + 0.2
    b[:2], c[:3] = a[:2], a[:3]
    c[3], c[4] = b[3], a[4]
    result = attainable_with_ties(pd.DataFrame({"a": a, "b": b, "c": c}), 0.05)
    assert result["wilcoxon"] == 2 / 2**7 and result["wilcoxon_holm"] == pytest.approx(6 / 2**7)


def test_tasks_on_which_all_designs_tie_leave_rank_tests_the_others():
    # R 4.2: 3 of 5 tasks rank all: pchisq(3 * 2, 2, lower = FALSE), and ranks that differ by 3 / 5 of 2
    scores = pd.DataFrame(np.repeat([[0.1, 0.2, 0.3], [0.5, 0.5, 0.5]], [3, 2], axis=0), columns=list("abc"))
    result = attainable_with_ties(scores, 0.05)
    assert result["friedman"] == pytest.approx(np.exp(-3)) == pytest.approx(friedman(scores)["p"])
    assert result["nemenyi"] == pytest.approx(min(pair["p"] for pair in nemenyi(scores, 0.05)["pairs"]))
    control = against_control(scores, "a", 0.05)
    assert result["control_holm"] == pytest.approx(min(row["p_holm"] for row in control))


@pytest.mark.parametrize("seed", range(10))
def test_no_p_is_smaller_with_ties(seed):
    random = np.random.default_rng(seed)
    steps = random.integers(0, 2, (4 + seed, 3)) / 10 + np.array([0, 0.1, 0.2])
    scores = pd.DataFrame(steps.round(1), columns=list("abc"))
    result = attainable_with_ties(scores, 0.05)
    assert friedman(scores)["p"] >= result["friedman"] * (1 - 1e-9)
    assert min(pair["p"] for pair in nemenyi(scores, 0.05)["pairs"]) >= result["nemenyi"] - 1e-9
    for pair in wilcoxon(scores, 0.05):
        assert pair["p_uncorrected"] >= result["wilcoxon"] and pair["p_holm"] >= result["wilcoxon_holm"]
    for row in against_control(scores, "a", 0.05):
        assert row["p_holm"] >= result["control_holm"] * (1 - 1e-9)
