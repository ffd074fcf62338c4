"""Expected numbers come from Garcia and Herrera (2008), and from a calculation by hand."""

import numpy as np
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison.statistics import pairwise
from embedding_designs.comparison.statistics.ranks import holm
from embedding_designs.comparison.statistics.shaffer import shaffer, true_hypotheses
from helpers.literature import UNTESTABLE, random_scores


@pytest.mark.parametrize(
    ("n_designs", "numbers"),
    [
        (1, [0]),
        (2, [0, 1]),
        (3, [0, 1, 3]),  # all differ; two are equal; all are equal
        (4, [0, 1, 2, 3, 6]),  # 2: two pairs of equal designs
        (5, [0, 1, 2, 3, 4, 6, 10]),  # Garcia and Herrera; 4: three are equal, and so are the other two
        (6, [0, 1, 2, 3, 4, 6, 7, 10, 15]),
    ],
)
def test_the_numbers_of_hypotheses_that_can_be_true_together(n_designs, numbers):
    assert true_hypotheses(n_designs) == numbers


@pytest.mark.parametrize(
    ("n_designs", "factors"), [(3, [3, 1, 1]), (4, [6, 3, 3, 3, 2, 1]), (5, [10, 6, 6, 6, 6, 4, 4, 3, 2, 1])]
)
def test_the_factors_by_hand(n_designs, factors):
    p_values = 0.0001 * 10.0 ** np.arange(len(factors)) / 10 ** len(factors)  # apart, so that none is raised
    assert shaffer(p_values, n_designs) == pytest.approx(p_values * factors)
    mixed = np.random.default_rng(0).permutation(len(factors))
    assert shaffer(p_values[mixed], n_designs) == pytest.approx((p_values * factors)[mixed])


def test_the_adjusted_p_of_garcia_and_herrera():
    # their p of C4.5, 1-NN, naive Bayes, kernel, and CN2, as R's scmamp prints them (friedmanPost), by size;
    # times 10, 6, 6, 6, 6, 4, 4, 3, 2, 1, and not below the one before
    p_values = [4.486991e-08, 1.736118e-07, 0.002880485, 0.004848763, 0.007963489, 0.010112334, 0.012763008,
                0.024744672, 0.743971478, 0.8064959]  # fmt: skip
    expected = [4.486991e-07, 1.0416708e-06, 0.01728291, 0.029092578, 0.047780934, 0.047780934, 0.051052032,
                0.074234016, 1, 1]  # fmt: skip
    assert shaffer(p_values, 5) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("n_designs", [2, 3, 7, 20, 180])
def test_it_is_never_above_holms_and_begins_with_the_same(n_designs):
    p_values = np.random.default_rng(n_designs).random(n_designs * (n_designs - 1) // 2) ** 8
    corrected, holms = shaffer(p_values, n_designs), holm(p_values)
    assert (corrected <= holms).all() and (corrected >= p_values).all()
    assert corrected.min() == pytest.approx(holms.min())


@pytest.mark.parametrize("n_designs", [2, 4])
def test_another_number_of_p_values_than_pairs_is_refused(n_designs):
    with pytest.raises(BadInput, match=rf"^shaffer: p_values has 3 values; n_designs {n_designs} means"):
        shaffer([0.1, 0.2, 0.3], n_designs)


def test_wilcoxon_has_it_if_asked_for():
    scores = random_scores(12, 5, seed=5)
    pairs = pairwise.wilcoxon(scores, 0.05, "shaffer")
    expected = shaffer([pair["p_uncorrected"] for pair in pairs], 5)
    assert [pair["p_shaffer"] for pair in pairs] == pytest.approx(expected)
    assert [pair["significant_shaffer"] for pair in pairs] == (expected <= 0.05).tolist()
    assert [pair["p_holm"] for pair in pairs] == [pair["p_holm"] for pair in pairwise.wilcoxon(scores, 0.05)]
    assert "p_shaffer" not in pairwise.wilcoxon(scores, 0.05)[0]


def test_it_separates_a_pair_that_holm_does_not():
    # all 9 tasks: 2 of 512, times 3; once a and b differ, only one of the other two pairs can be equal
    p_values = [2 / 512, 14 / 512, 16 / 512]
    assert holm(p_values) == pytest.approx([6 / 512, 28 / 512, 28 / 512])
    assert shaffer(p_values, 3) == pytest.approx([6 / 512, 14 / 512, 16 / 512])


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_p_is_none(scores, reason):
    for pair in pairwise.wilcoxon(scores, 0.05, "shaffer"):
        assert pair["p_shaffer"] is None and not pair["significant_shaffer"]
