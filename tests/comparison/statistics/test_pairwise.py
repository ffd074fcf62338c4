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
    # his table 2: R+ = 93 and R- = 12 of 105, z = (12 - 52.5) / sqrt(253.75) = -2.54
    (pair,) = pairwise.wilcoxon(DEMSAR[["C4.5", "C4.5+m"]], 0.05)
    assert pair["rank_biserial"] == pytest.approx((12 - 93) / 105)
    assert pair["p_uncorrected"] == pytest.approx(2 * stats.norm.cdf(-2.5425), abs=0.0005)
    assert (pair["wins"], pair["losses"], pair["ties"]) == (2, 10, 2)


# R 4.2: wilcox.test(round(sin(1:n) + .2, 6)), exact to 50, beyond with exact = FALSE, correct = FALSE
@pytest.mark.parametrize(
    ("n", "p"), [(12, 0.3803710938), (41, 0.03366118784), (50, 0.05546571707), (60, 0.01482235595)]
)
def test_wilcoxon_without_ties_is_the_one_of_r(n, p):
    pair = against_zero((np.sin(np.arange(1, n + 1)) + 0.2).round(6))
    assert pair["ties"] == 0
    assert pair["p_uncorrected"] == pytest.approx(p, rel=1e-8)


def test_wilcoxon_with_many_ties_is_the_one_of_r():
    # R 4.2: wilcox.test(round(sin(1:20) + .2, 1), exact = FALSE, correct = FALSE); none is zero
    pair = against_zero((np.sin(np.arange(1, 21)) + 0.2).round(1))
    assert pair["p_uncorrected"] == pytest.approx(0.1344030479, rel=1e-8)


@pytest.mark.parametrize("decimals", [6, 2])
def test_wilcoxon_is_exact_over_all_sign_changes(decimals):
    scores = random_scores(8, 2, seed=4, decimals=decimals)
    scores.loc[0, "d0"] = scores.loc[0, "d1"]  # a zero
    (pair,) = pairwise.wilcoxon(scores, 0.05)
    differences = (scores["d0"] - scores["d1"]).round(6).to_numpy()
    ranks = stats.rankdata(abs(differences)) * (differences != 0)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    extreme = abs(ranks @ signs) >= abs(ranks @ np.sign(differences)) - 1e-9
    assert pair["p_uncorrected"] == pytest.approx(extreme.mean())


@pytest.mark.parametrize("n_tasks", [2, 3, 7, 10, 14, 41, 50, 51, 60])
@pytest.mark.parametrize("decimals", [6, 2, 1])
def test_all_pairs_together_have_the_p_of_scipy_pair_by_pair(n_tasks, decimals):
    scores = random_scores(n_tasks, 6, seed=n_tasks, decimals=decimals)
    for (first, second), pair in by_pair(scores).items():
        difference = (scores[first] - scores[second]).round(6)
        expected = stats.wilcoxon(difference, zero_method="zsplit").pvalue if difference.any() else 1
        assert pair["p_uncorrected"] == pytest.approx(expected, rel=1e-12)


def test_thirteen_tasks_with_ties_are_the_most_that_go_through_all_sign_changes():
    differences = np.array([1, 1, -2, 3, 0, 4, 4, -5, 6, 7, 8, 9, 9]) / 10  # scipy takes a second for them
    expected = stats.wilcoxon(differences, zero_method="zsplit").pvalue
    assert against_zero(differences)["p_uncorrected"] == pytest.approx(expected, rel=1e-12)


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
    for first, second in list(pairs)[::97]:
        difference = (scores[first] - scores[second]).round(6)
        expected = stats.wilcoxon(difference, zero_method="zsplit").pvalue
        assert pairs[first, second]["p_uncorrected"] == pytest.approx(expected, rel=1e-9)
    json.dumps(list(pairs.values()), allow_nan=False)
