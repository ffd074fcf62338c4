"""Expected numbers come from the formulas of R's languageR and from statsmodels' linear mixed model."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from embedding_designs.comparison.statistics.factors import factor_effects
from embedding_designs.comparison.statistics.quasi_f import all_differences, crossed_differences, quasi_f
from helpers.five_designs import FACTORS, five_designs, make_runs

# data/quasif.rda of R's languageR 1.6, whose manual gives the source: Raaijmakers, Schrijnemakers, and
# Gremmen (1999), J. Memory and Language 41:416. Simulated reaction times of eight subjects (rows) to four
# words with a short and four with a long onset asynchrony.
RAAIJMAKERS = """
546 567 547 566 554 545 594 522
566 556 538 566 512 523 569 524
567 598 568 584 536 539 589 521
556 565 536 550 516 522 560 486
595 609 585 588 578 540 615 546
569 578 560 583 501 535 568 514
527 554 535 527 480 467 540 473
551 575 558 556 588 563 631 558
"""

TWO_BY_TWO = pd.DataFrame(
    {"pooling": list("ppqq"), "attention": list("abab")}, index=[f"d{i}" for i in range(4)]
)


def simulate(random, poolings, attentions, seeds, tasks, luck=0.3, of_levels=0.0) -> np.ndarray:
    """Return scores (designs, seeds, tasks) without any effect, in spreads of the residual.

    luck: of a run on all tasks. of_levels: of a pooling, an attention, and a cell on a task, in all runs.
    """
    scores = random.normal(size=(poolings, attentions, seeds, tasks))
    scores = scores + random.normal(size=tasks) + luck * random.normal(size=(poolings, attentions, seeds, 1))
    for shape in ((poolings, 1, 1, tasks), (1, attentions, 1, tasks), (poolings, attentions, 1, tasks)):
        scores = scores + of_levels * random.normal(size=shape)
    return scores.reshape(poolings * attentions, seeds, tasks)


def test_the_quasi_f_is_that_of_languager():
    # Words are the runs, subjects the tasks. Computed outside R by the formulas of languageR's quasiF.fnc,
    # (SOA + Item:Subject) / (SOA:Subject + Item) from the mean squares of a least-squares fit, 8032.640625,
    # 100.2090774, 1083.8191964, and 3695.7447917, with 1, 42, 7, and 6 degrees of freedom.
    times = np.array([line.split() for line in RAAIJMAKERS.strip().splitlines()], dtype=float)
    found = quasi_f(times.T.reshape(2, 4, 8), all_differences(2))
    assert found["f"] == pytest.approx(1.701588, abs=5e-7)
    assert (found["df1"], found["df2"]) == pytest.approx((1.025102, 9.346185), abs=5e-7)
    assert found["p"] == pytest.approx(0.2239887, abs=5e-8)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (4, 3)])
def test_contrasts_are_orthonormal_and_split_all_differences_of_designs(shape):
    effects = np.vstack(list(crossed_differences(*shape).values()))
    assert effects.shape == (np.prod(shape) - 1, np.prod(shape))
    assert effects @ effects.T == pytest.approx(np.eye(len(effects)))
    assert effects.sum(axis=1) == pytest.approx(0)


def test_of_two_poolings_the_first_contrast_is_their_difference():
    assert np.abs(crossed_differences(2, 2)["pooling"]) == pytest.approx(0.5)
    assert np.sign(crossed_differences(2, 2)["pooling"][0]).tolist() in ([1, 1, -1, -1], [-1, -1, 1, 1])
    assert np.sign(np.prod(crossed_differences(2, 2)["interaction"])) == 1


def test_errors_of_factors_are_those_of_the_mixed_model():
    # y ~ P * A + (1|run) + (1|T) + (1|P:T) + (1|A:T) + (1|P:A:T): where no component is 0, REML's squared
    # error of an effect is (MS_run + MS_effect x task - MS_residual) / (n m) in balanced data
    scores = simulate(np.random.default_rng(1), 2, 2, 3, 8, luck=1.5, of_levels=2.0)
    scores = scores + 5 * np.random.default_rng(2).normal(size=8)  # so that the tasks' component is not 0
    rows = make_runs(scores).rename_axis(columns="T").stack().rename("y").reset_index()
    rows["P"] = rows["design"].map({"d0": -0.5, "d1": -0.5, "d2": 0.5, "d3": 0.5})
    rows["A"] = rows["design"].map({"d0": -0.5, "d2": -0.5, "d1": 0.5, "d3": 0.5})
    rows["R"] = rows["design"] + rows["seed"].astype(str)
    for name in ("P", "A", "design"):
        rows[f"{name}T"] = rows[name].astype(str) + rows["T"]
    components = {name: f"0 + C({name})" for name in ("R", "T", "PT", "AT", "designT")}
    model = smf.mixedlm("y ~ P * A", rows, groups=np.ones(len(rows)), vc_formula=components)
    fitted = model.fit(reml=True, method="lbfgs")
    of_model = dict(zip(sorted(components), fitted.vcomp, strict=True))
    assert min(of_model.values()) > 0.1
    effects = factor_effects(make_runs(scores), TWO_BY_TWO, 0.05)
    for name, coefficient, own in (("pooling", "P", "PT"), ("attention", "A", "AT")):
        found = effects["quasi_f"][name]["variances"]
        assert found["run"] == pytest.approx(of_model["R"], rel=5e-3)
        assert found["design_task"] == pytest.approx(2 * of_model[own] + of_model["designT"], rel=5e-3)
        assert found["residual"] == pytest.approx(fitted.scale, rel=5e-3)
        square = found["residual"] + 3 * found["design_task"] + 8 * found["run"]
        assert np.sqrt(square / (3 * 8)) == pytest.approx(fitted.bse[coefficient], rel=5e-3)
        estimate = next(row["estimate"] for row in effects["effects"] if row["effect"] == name)
        assert estimate == pytest.approx(fitted.params[coefficient])


def test_with_two_levels_the_contrast_is_the_factor():
    effects = factor_effects(five_designs(), FACTORS, 0.05)
    for row in effects["effects"]:
        of_factor = effects["quasi_f"][row["effect"]]
        assert row["designs_and_tasks"]["f"] == pytest.approx(of_factor["f"])
        assert row["designs_and_tasks"]["p"] == pytest.approx(of_factor["p"])


def test_holms_correction_is_within_the_simple_effects():
    effects = factor_effects(five_designs(), FACTORS, 0.05)
    (smaller, larger) = sorted(
        (row["designs_and_tasks"] for row in effects["simple"]), key=lambda row: row["p"]
    )
    assert smaller["p_holm"] == pytest.approx(min(1, 2 * smaller["p"]))
    assert larger["p_holm"] == pytest.approx(max(larger["p"], smaller["p_holm"]))


def test_a_shift_of_one_level_is_an_effect_of_its_factor_alone():
    random = np.random.default_rng(5)
    scores = simulate(random, 2, 2, 3, 12)
    scores[[1, 3]] += 5  # the second attention
    effects = factor_effects(make_runs(scores), TWO_BY_TWO, 0.05)["quasi_f"]
    assert effects["attention"]["p"] < 1e-4
    assert effects["pooling"]["p"] > 0.05 and effects["interaction"]["p"] > 0.05


def test_one_task_and_no_spread_give_a_reason():
    single = quasi_f(np.random.default_rng(0).random((4, 3, 1)), all_differences(4))
    assert single["p"] is None and "single task" in single["reason"]
    constant = quasi_f(np.repeat(np.arange(4.0), 15).reshape(4, 3, 5), all_differences(4))
    assert constant["p"] is None and "no variance to test against" in constant["reason"]
    json.dumps([single, constant], allow_nan=False)


@pytest.mark.parametrize(
    ("shape", "luck", "of_levels"),
    [((2, 2, 3, 8), 0.3, 1.0), ((3, 2, 3, 8), 0.3, 0.0), ((3, 2, 3, 8), 2.0, 0.5), ((2, 2, 3, 41), 0.3, 1.0)],
)
def test_without_an_effect_a_factor_is_found_in_5_percent_of_studies(shape, luck, of_levels):
    # 600 studies: a true rate of 5% is seen as 3.3 to 6.8%; a test of these tasks only would find far more
    random, contrasts = np.random.default_rng(7), crossed_differences(*shape[:2])
    found = dict.fromkeys(contrasts, 0)
    for _ in range(600):
        scores = simulate(random, *shape, luck, of_levels)
        for name in contrasts:
            found[name] += quasi_f(scores, contrasts[name])["p"] <= 0.05
    assert max(found.values()) <= 43 and min(found.values()) >= 12, found
