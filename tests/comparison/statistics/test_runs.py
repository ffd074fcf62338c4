"""Expected numbers come from R 4.2; the calls are in comments."""

import json

import numpy as np
import pytest

from embedding_designs.comparison.statistics.runs import design_claim, stack_runs
from helpers.five_designs import five_designs, make_runs

PLANT_GROWTH = [  # R's data set: three groups of ten
    [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
]


@pytest.fixture
def plants():
    return design_claim(make_runs(np.array(PLANT_GROWTH)[:, :, None]), "d0", 0.05)


@pytest.fixture
def claim():
    return design_claim(five_designs(), "eos-causal", 0.05)


def test_one_way_is_rs_on_plant_growth(plants):
    # summary(aov(weight ~ group, PlantGrowth))
    result = plants["one_way"]
    assert (result["df1"], result["df2"]) == (2, 27)
    assert result["f"] == pytest.approx(4.846087862)
    assert result["p"] == pytest.approx(0.01590995833)
    assert result["eta_squared"] == pytest.approx(3.76634 / (3.76634 + 10.49209))


def test_welch_is_rs_on_plant_growth(plants):
    # oneway.test(weight ~ group, PlantGrowth)
    result = plants["welch"]
    assert result["f"] == pytest.approx(5.181, abs=5e-4)
    assert (result["df1"], result["df2"]) == (2, pytest.approx(17.128, abs=5e-4))
    assert result["p"] == pytest.approx(0.01739, abs=5e-6)


def test_ranks_are_analysed_as_r_does_on_plant_growth(plants):
    # anova(lm(rank(weight) ~ group, PlantGrowth)): two of the weights are tied
    result = plants["one_way_on_ranks"]
    assert result["f"] == pytest.approx(5.13241, abs=5e-6)
    assert result["p"] == pytest.approx(0.012908, abs=5e-7)


def test_tukeys_pairs_are_rs_on_plant_growth(plants):
    # TukeyHSD(aov(weight ~ group, PlantGrowth)), which takes the second minus the first
    expected = [
        (-0.371, -1.0622160514, 0.3202160514, 0.3908711442),
        (0.494, -0.1972160514, 1.1852160514, 0.1979959913),
        (0.865, 0.1737839486, 1.5562160514, 0.0120064240),
    ]
    for pair, (difference, low, high, p) in zip(plants["pairs"], expected, strict=True):
        ours = [-pair["difference"], -pair["high"], -pair["low"], pair["p"]]
        assert ours == pytest.approx([difference, low, high, p], abs=1e-8)
        assert pair["significant"] == (p <= 0.05)


def test_dunnetts_comparisons_are_rs_on_plant_growth(plants):
    # confint(glht(aov(weight ~ group, PlantGrowth), mcp(group = "Dunnett"))), summary() of the same
    expected = [
        (-0.371, -1.021547602, 0.279547602, 0.3226956858),
        (0.494, -0.156547602, 1.144547602, 0.1534858615),
    ]
    assert [row["design"] for row in plants["against_control"]] == ["d1", "d2"]
    for row, numbers in zip(plants["against_control"], expected, strict=True):
        ours = [row["difference"], row["low"], row["high"], row["p"]]
        assert ours == pytest.approx(numbers, abs=1e-4)  # R integrates by simulation


def test_one_way_takes_the_mean_of_a_run_over_its_tasks(claim):
    # summary(aov(y ~ D, r)); anova(lm(rank(y) ~ D, r))
    assert claim["refused"] is None and claim["n_seeds"] == 3
    assert claim["one_way"]["f"] == pytest.approx(12.66646341)
    assert claim["one_way"]["p"] == pytest.approx(0.0006298788448)
    assert claim["one_way_on_ranks"]["f"] == pytest.approx(18.92857143)
    assert claim["one_way_on_ranks"]["p"] == pytest.approx(0.0001170755101)
    assert claim["run_spread"] == pytest.approx(0.01452838856)  # the root of the residual mean square


def test_pairs_of_the_five_designs_are_rs(claim):
    # TukeyHSD(aov(y ~ D, r))
    pairs = {(pair["first"], pair["second"]): pair for pair in claim["pairs"]}
    assert len(pairs) == 10
    found = pairs["multi-causal", "multi-bi"]
    assert -found["difference"] == pytest.approx(0.075055555556)
    assert (-found["high"], -found["low"]) == pytest.approx((0.036015489314, 0.114095621797))
    assert found["p"] == pytest.approx(0.0006349913, abs=1e-9)
    assert pairs["eos-causal", "multi-bi"]["p"] == pytest.approx(0.1033669154)
    assert sum(pair["significant"] for pair in claim["pairs"]) == 4


def test_quasi_f_is_that_of_rs_mean_squares(claim):
    # a <- anova(lm(y ~ D + R + T + D:T, l)); languageR's
    # quasiF.fnc(a["D",3], a["Residuals",3], a["D:T",3], a["R",3], a["D",1], …)
    result = claim["quasi_f"]
    assert result["f"] == pytest.approx(7.266666467)
    assert (result["df1"], result["df2"]) == pytest.approx((4.084658433, 24.05377336))
    assert result["p"] == pytest.approx(5.188776979e-04)


def test_variances_are_those_of_the_mixed_model(claim):
    # VarCorr(lmer(y ~ D + (1|R) + (1|T) + (1|D:T), l)): where none is 0, REML gives these in balanced data
    expected = {"run": 0.00018291781, "design_task": 0.00026513142, "residual": 0.00016893779}
    assert claim["quasi_f"]["variances"] == pytest.approx(expected, rel=1e-4)


def test_a_negative_estimate_of_a_variance_is_given_as_0():
    # the runs of each design have the same mean, so their mean square lies below the residual one
    scores = np.array([[[0.1, 0.3], [0.3, 0.1], [0.2, 0.2]], [[0.5, 0.6], [0.6, 0.5], [0.4, 0.7]]])
    assert design_claim(make_runs(scores), "d0", 0.05)["quasi_f"]["variances"]["run"] == 0


@pytest.mark.parametrize(
    ("shape", "reason"), [((1, 3, 4), "only one, so"), ((4, 2, 4), "2 seeds"), ((4, 1, 4), "1 seed, ")]
)
def test_claims_are_refused_in_one_sentence(shape, reason):
    scores = np.random.default_rng(0).random(shape)
    result = design_claim(make_runs(scores), "d0", 0.05)
    assert reason in result["refused"] and result["refused"].count(". ") == 0
    assert result["one_way"] is result["quasi_f"] is result["run_spread"] is None
    assert result["pairs"] == result["against_control"] == []


def test_all_equal_scores_are_refused():
    assert "same on every task" in design_claim(make_runs(np.full((3, 3, 4), 0.3)), "d0", 0.05)["refused"]


def test_designs_whose_runs_never_differ_give_no_infinite_f():
    # 0.1 + 0.2 + 0.7 in another order differs in its last bit: still no spread
    tasks = np.array([0.1, 0.2, 0.7])
    scores = np.stack([[tasks, tasks[::-1], np.roll(tasks, 1)], [tasks + 0.1] * 3])
    result = design_claim(make_runs(scores), "d0", 0.05)
    assert result["refused"] is None and result["run_spread"] == 0
    assert result["one_way"]["f"] is result["one_way"]["p"] is None
    assert "same mean score" in result["one_way"]["reason"]
    for pair in result["pairs"] + result["against_control"]:
        assert abs(pair["difference"]) == pytest.approx(0.1)
        assert pair["p"] is pair["low"] is pair["high"] is None and pair["significant"] is False
    json.dumps(result, allow_nan=False)


def test_with_a_single_task_only_the_quasi_f_is_missing():
    result = design_claim(make_runs(np.random.default_rng(1).random((5, 3, 1))), "d0", 0.05)
    assert result["quasi_f"]["f"] is None and "single task" in result["quasi_f"]["reason"]
    assert 0 < result["one_way"]["p"] < 1


def test_ranks_of_a_handful_of_runs_are_not_analysed():
    # 2 designs with 3 seeds: the most extreme ranks come up in 2 of 20 cases, and F would call them p = .02
    result = design_claim(make_runs(np.random.default_rng(2).random((2, 3, 4))), "d0", 0.05)
    tested = result["one_way_on_ranks"]
    assert tested["p"] is None and "fewer than 10 runs" in tested["reason"]


def test_the_order_of_the_designs_is_that_of_the_table():
    assert stack_runs(five_designs())[0][:2] == ["eos-causal", "last-causal"]
    assert stack_runs(five_designs())[1].shape == (5, 3, 6)
