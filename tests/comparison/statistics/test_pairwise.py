"""Expected numbers come from the literature, R, hand arithmetic and scipy pair by pair."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from embedding_designs.comparison.statistics import pairwise
from helpers.literature import DEMSAR, DEPRESSION, UNTESTABLE, random_scores
from helpers.published_table import mteb_english


def by_pair(scores: pd.DataFrame) -> dict:
    return {(pair["first"], pair["second"]): pair for pair in pairwise.wilcoxon(scores, 0.05)}


def against_zero(differences: np.ndarray) -> dict:
    """Return the test of one pair with these differences."""
    (pair,) = pairwise.wilcoxon(pd.DataFrame({"a": differences, "b": 0.0}), 0.05)
    return pair


def test_wilcoxon_of_hollander_and_wolfe():
    (pair,) = pairwise.wilcoxon(DEPRESSION, 0.05)
    assert pair["p_uncorrected"] == pytest.approx(0.03906, abs=5e-6)
    assert pair["rank_biserial"] == pytest.approx((40 - 5) / 45)  # V = 40 of 45
    assert pair["significant_uncorrected"] and pair["significant_holm"]


def test_wilcoxon_splits_zeros_as_demsar_does():
    # his table 2: R+ = 93 and R- = 12 of 105, each with 1.5 from the ranks of two zeros; 16 sets of the other
    # ranks, 3.5, 3.5, 5, 6, ..., 14, have a sum of at most 12 - 1.5
    (pair,) = pairwise.wilcoxon(DEMSAR[["C4.5", "C4.5+m"]], 0.05)
    assert pair["rank_biserial"] == pytest.approx((12 - 93) / 105)
    assert pair["p_uncorrected"] == 2 * 16 / 2**12
    assert (pair["wins"], pair["losses"], pair["ties"]) == (2, 10, 2)


# R 4.2: wilcox.test(round(sin(1:n) + .2, 6)), exact to 50, beyond with exact = FALSE, correct = FALSE
@pytest.mark.parametrize(
    ("n", "p"), [(12, 0.3803710938), (41, 0.03366118784), (50, 0.05546571707), (60, 0.01482235595)]
)
def test_wilcoxon_without_ties_is_the_one_of_r(n, p):
    pair = against_zero((np.sin(np.arange(1, n + 1)) + 0.2).round(6))
    assert pair["ties"] == 0
    assert pair["p_uncorrected"] == pytest.approx(p, rel=1e-8)


def test_one_tie_does_not_change_the_p_of_14_differences_of_one_sign():
    assert against_zero(np.arange(1, 15) / 100)["p_uncorrected"] == 2 / 2**14
    assert against_zero(np.array([1, 1, *range(3, 15)]) / 100)["p_uncorrected"] == 2 / 2**14


def test_wilcoxon_with_ties_and_a_zero_is_the_one_of_coin():
    # regtest_2sample of R's coin 1.4: wilcoxsign_test(distribution = "exact", alternative = "greater")
    first = np.array([14, 18, 2, 4, -5, 14, -3, -1, 1, 6, 3, 3]) / 100
    second = np.array([8, 26, -7, -1, 2, 9, 0, -4, 13, 3, 3, 4]) / 100
    assert against_zero(first - second)["p_uncorrected"] == pytest.approx(2 * 0.4609375)
    # bugfixes of coin: 15 equal differences
    assert against_zero(np.full(15, -0.01))["p_uncorrected"] == pytest.approx(6.104e-5, rel=1e-4)


def test_wilcoxon_with_ties_is_the_one_of_exactranktests():
    # reg-tests of R's exactRankTests: wilcox.exact, which leaves zeros out; StatXact 4 prints .0021
    before = [149, 0, 0, 259, 106, 255, 0, 52, 340, 65, 180, 0, 84, 89, 212, 554, 500, 424, 112, 2600]
    after = [0, 51, 0, 385, 0, 235, 0, 0, 48, 65, 77, 0, 0, 0, 53, 150, 0, 165, 98, 0]
    antigen = (np.array(before) - after) / 10_000
    assert against_zero(antigen[antigen != 0])["p_uncorrected"] == pytest.approx(0.002136, abs=5e-7)
    # bugfix-tests: the 47 differences other than 0, V = 559
    differences = [87, -14, -16, 8, -145, 16, 48, -10, 200, -112, 5, -2, 1, -110, -6, 50, -4, 90, -5, 36, 22,
                   -38, 13, 10, 70, -25, 19, -1, -174, 3, 4, 23, -6, -7, -76, -252, 14, -19, 8, -57, 42, -24,
                   -59, 18, 11, 29, -16]  # fmt: skip
    pair = against_zero(np.array(differences) / 1000)
    assert pair["p_uncorrected"] == pytest.approx(0.9603, abs=5e-5)
    assert pair["rank_biserial"] == pytest.approx((2 * 559 - 1128) / 1128)


@pytest.mark.parametrize("n_tasks", [2, 3, 7, 10, 14, 41, 50, 51, 60])
def test_all_pairs_together_have_the_p_of_scipy_pair_by_pair(n_tasks):
    scores = random_scores(n_tasks, 6, seed=n_tasks)
    for (first, second), pair in by_pair(scores).items():
        difference = (scores[first] - scores[second]).round(6)
        expected = stats.wilcoxon(difference, zero_method="zsplit").pvalue
        assert pair["p_uncorrected"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n_tasks", "n_zeros"), [(51, 0), (60, 3), (80, 25), (131, 80), (400, 300)])
def test_beyond_50_differences_ties_and_zeros_are_in_the_variance_as_in_scipy(n_tasks, n_zeros):
    # scipy's "pratt": R+ - R- over the root of the sum of squared ranks, which are shifted by the zeros
    differences = np.random.default_rng(n_tasks).normal(0.1, 0.5, n_tasks).round(1)
    differences[differences == 0] = 0.1
    differences[:n_zeros] = 0
    expected = stats.wilcoxon(differences, zero_method="pratt", method="asymptotic", correction=False)
    assert against_zero(differences)["p_uncorrected"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_up_to_50_differences_p_is_exact_however_many_zeros_there_are():
    # three differences of one sign have p = 2 / 2^3, as if the 60 zeros were not there; z would give .083
    assert against_zero(np.r_[np.zeros(60), 0.1, 0.2, 0.3])["p_uncorrected"] == 0.25


@pytest.mark.parametrize("n_tasks", [4, 9, 13, 14, 16])
@pytest.mark.parametrize("decimals", [2, 1])
def test_with_ties_and_zeros_p_is_that_of_all_sign_changes(n_tasks, decimals):
    differences = np.random.default_rng(n_tasks).normal(0.1, 0.2, n_tasks).round(decimals)
    differences[0] = 0
    ranks = stats.rankdata(abs(differences)) * (differences != 0)
    signs = (np.arange(2**n_tasks)[:, None] >> np.arange(n_tasks) & 1) * 2 - 1
    extreme = abs(signs @ ranks) >= abs(np.sign(differences) @ ranks)
    assert against_zero(differences)["p_uncorrected"] == pytest.approx(extreme.mean(), rel=1e-12)


@pytest.mark.parametrize("n_tasks", [20, 41, 50])
@pytest.mark.parametrize("decimals", [2, 1])
def test_with_ties_and_zeros_p_is_that_of_the_characteristic_function(n_tasks, decimals):
    # twice the rank sum, R = sum of r over random signs, has E exp(itR) = product of cos(t r)
    differences = np.random.default_rng(n_tasks).normal(0.05, 0.2, n_tasks).round(decimals)
    doubled = np.rint(2 * stats.rankdata(abs(differences)) * (differences != 0)).astype(int)
    total = doubled.sum()
    t = np.pi * np.arange(2 * total + 1) * 2 / (2 * total + 1)
    values = np.arange(-total, total + 1)
    probabilities = np.cos(np.outer(t, doubled)).prod(axis=1) @ np.cos(np.outer(t, values)) / len(t)
    extreme = abs(values) >= abs(np.sign(differences) @ doubled)
    expected = probabilities[extreme].sum()
    assert against_zero(differences)["p_uncorrected"] == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_true_ties_stay_ties():
    # 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit; as equal differences they share the ranks 1 and 2
    scores = pd.DataFrame({"a": [0.3, 0.1, 0.9], "b": [0.2, 0.2, 0.4]})
    assert 0.3 - 0.2 != 0.2 - 0.1
    (pair,) = pairwise.wilcoxon(scores, 0.05)
    assert pair["rank_biserial"] == pytest.approx((1.5 + 3 - 1.5) / 6)


def test_holm_agrees_with_statsmodels():
    pairs = pairwise.wilcoxon(random_scores(12, 5, seed=5), 0.05)
    reject, expected, *_ = multipletests([pair["p_uncorrected"] for pair in pairs], method="holm")
    assert [pair["p_holm"] for pair in pairs] == pytest.approx(expected)
    assert [pair["significant_holm"] for pair in pairs] == reject.tolist()


def test_effects_are_positive_if_the_first_is_better():
    pair = against_zero(np.array([0.1, 0.2, 0.3, -0.05]))
    assert pair["mean_difference"] == pytest.approx(0.55 / 4)
    assert pair["rank_biserial"] == pytest.approx((2 + 3 + 4 - 1) / 10)
    assert (pair["wins"], pair["losses"], pair["ties"]) == (3, 1, 0)


def test_one_pair_that_never_differs_does_not_disturb_the_others():
    scores = random_scores(9, 2, seed=6).assign(twin=lambda table: table["d0"])
    pairs = by_pair(scores)
    assert pairs["d0", "twin"]["p_uncorrected"] == 1
    assert pairs["d0", "twin"]["rank_biserial"] == 0
    expected = stats.wilcoxon(scores["d0"], scores["d1"]).pvalue
    assert pairs["d0", "d1"]["p_uncorrected"] == pytest.approx(expected)


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_p_is_none_with_a_reason(scores, reason):
    pairs = pairwise.wilcoxon(scores, 0.05)
    assert len(pairs) == len(list(combinations(scores, 2)))
    for pair in pairs:
        assert [pair[key] for key in ("p_uncorrected", "p_holm", "rank_biserial")] == [None] * 3
        assert not pair["significant_uncorrected"] and not pair["significant_holm"]
        assert reason in pair["reason"]
    assert pairwise.papers_rule(pairs) == {"n_pairs": len(pairs), "called": [], "vanish": []}


def test_the_papers_rule_calls_pairs_that_holm_does_not_keep():
    # b above a on all 8 tasks: p = 2 / 2^8 = .0078, times 3 pairs = .023; c below a on all but the least
    # difference: R = 1, p = 4 / 2^8 = .016; b above c on all: .0078
    a = np.full(8, 0.5)
    c = a - np.array([-0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08])
    pairs = pairwise.wilcoxon(pd.DataFrame({"a": a, "b": a + np.arange(2, 10) / 100, "c": c}), 0.02)
    assert [pair["p_uncorrected"] for pair in pairs] == pytest.approx([2 / 256, 4 / 256, 2 / 256])
    assert [pair["p_holm"] for pair in pairs] == pytest.approx([6 / 256] * 3)
    rule = pairwise.papers_rule(pairs)
    assert rule["n_pairs"] == 3
    assert rule["called"] == rule["vanish"] == [["b", "a"], ["a", "c"], ["b", "c"]]
    kept = pairwise.papers_rule(pairwise.wilcoxon(pd.DataFrame({"a": a, "b": a + 0.1}), 0.02))
    assert kept == {"n_pairs": 1, "called": [["b", "a"]], "vanish": []}


def test_published_scores_of_180_models():
    scores = mteb_english(180)
    pairs = by_pair(scores)
    compared = 0
    for first, second in list(pairs)[::97]:
        differences = (scores[first] - scores[second]).round(6).to_numpy()
        if len(set(abs(differences)) | {0.0}) == len(differences) + 1:  # neither ties nor zeros
            expected = stats.wilcoxon(differences).pvalue
            assert pairs[first, second]["p_uncorrected"] == pytest.approx(expected, rel=1e-9)
            compared += 1
    assert compared > 100
    json.dumps(list(pairs.values()), allow_nan=False)
