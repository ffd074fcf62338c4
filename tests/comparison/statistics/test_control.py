"""Expected numbers come from Demsar (2006), Garcia and Herrera (2008) and R."""

import json

import pytest

from embedding_designs.comparison.statistics.control import against_control
from helpers.literature import DEMSAR, GARCIA_HERRERA, GARCIA_HERRERA_P, SACHS, UNTESTABLE
from helpers.published_table import mteb_english


def test_the_table_of_demsar():
    # section 3.2.2: standard error .488; z and p of each against C4.5, and Holm rejects the first two at .05
    results = {result["design"]: result for result in against_control(DEMSAR, "C4.5", 0.05)}
    assert list(results) == ["C4.5+m", "C4.5+cf", "C4.5+m+cf"]
    printed = {"C4.5+m+cf": (2.416, 0.016), "C4.5+m": (2.342, 0.019), "C4.5+cf": (0.512, 0.607)}
    for design, (z, p) in printed.items():
        assert results[design]["z"] == pytest.approx(z, abs=0.0015)  # he divides by the rounded .488
        assert results[design]["p_uncorrected"] == pytest.approx(p, abs=0.0015)
    assert results["C4.5+m"]["rank_difference"] == pytest.approx(3.143 - 2.000, abs=0.001)
    significant = {design for design, result in results.items() if result["significant"]}
    assert significant == {"C4.5+m+cf", "C4.5+m"}


@pytest.mark.parametrize("control", GARCIA_HERRERA.columns)
def test_garcia_and_herrera_against_each_control(control):
    results = against_control(GARCIA_HERRERA, control, 0.05)
    printed = {
        next(iter(set(pair) - {control})): p for pair, p in GARCIA_HERRERA_P.items() if control in pair
    }
    assert {result["design"]: result["p_uncorrected"] for result in results} == pytest.approx(
        printed, rel=1e-6
    )


def test_holm_over_the_others_is_the_one_of_r():
    # R 4.2: p.adjust(c(0.004848763, 0.8064959, 4.486991e-08, 0.012763008), "holm")
    results = against_control(GARCIA_HERRERA, "C4.5", 0.05)
    expected = [1.454629e-02, 8.064959e-01, 1.794796e-07, 2.552602e-02]
    assert [result["p_holm"] for result in results] == pytest.approx(expected, rel=1e-6)


def test_sachs_against_a():
    # R 4.2, with a high value best: z <- (R - R[1]) / sqrt(42 / 36); p.adjust(2 * pnorm(-abs(z)), "holm")
    results = against_control(SACHS, "A", 0.05)
    assert [result["z"] for result in results] == pytest.approx(
        [2.31455025, 2.62315695, 0.30860670, 2.93176365, 3.85758375]
    )
    assert [result["p_holm"] for result in results] == pytest.approx(
        [0.04127511649, 0.02613573889, 0.75762072368, 0.01348172579, 0.00057256724]
    )
    assert [result["significant"] for result in results] == [True, True, False, True, True]


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_numbers_are_none_with_a_reason(scores, reason):
    results = against_control(scores, "a", 0.05)
    assert [result["design"] for result in results] == list(scores.columns[1:])
    for result in results:
        assert [result[key] for key in ("z", "p_uncorrected", "p_holm")] == [None] * 3
        assert result["significant"] is False and reason in result["reason"]


def test_published_scores_of_20_models():
    scores = mteb_english(20)
    results = against_control(scores, scores.columns[0], 0.05)
    assert len(results) == 19
    json.dumps(results, allow_nan=False)
