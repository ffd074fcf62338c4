"""Expected numbers come from R 4.2 and hand counts; the calls are in comments."""

import json

import numpy as np
import pandas as pd
import pytest

from embedding_designs.comparison.statistics.factors import factor_effects
from helpers.five_designs import FACTORS, five_designs, make_runs

WARP_BREAKS = np.array(  # R's warpbreaks: wool A and B, tension L, M and H, nine looms each
    [26, 30, 54, 25, 70, 52, 51, 26, 67, 18, 21, 29, 17, 12, 18, 35, 30, 36, 36, 21, 24, 18, 10, 43, 28,
     15, 26, 27, 14, 29, 19, 29, 31, 41, 20, 44, 42, 26, 19, 16, 39, 28, 21, 39, 29, 20, 21, 24, 17, 13,
     15, 15, 16, 28]
)  # fmt: skip


@pytest.fixture
def looms():
    """Wool as the pooling, tension as the attention, looms as seeds, one task."""
    runs = make_runs(WARP_BREAKS.reshape(6, 9, 1).astype(float))
    factors = pd.DataFrame(
        {"pooling": list("AAABBB"), "attention": list("LMHLMH")}, [f"d{i}" for i in range(6)]
    )
    return factor_effects(runs, factors, 0.05)


@pytest.fixture
def study():
    return factor_effects(five_designs(), FACTORS, 0.05)


def test_the_two_way_analysis_is_rs_on_warpbreaks(looms):
    # anova(lm(breaks ~ wool * tension, warpbreaks))
    expected = {
        "pooling": (3.76529, 1, 0.05821298, 450.666667),
        "attention": (8.49805, 2, 0.00069262, 2034.259259),
        "interaction": (4.18907, 2, 0.02104419, 1002.777778),
    }
    for name, (f, df1, p, square) in expected.items():
        result = looms["anova"][name]
        assert (result["df1"], result["df2"]) == (df1, 48)
        assert result["f"] == pytest.approx(f, abs=5e-6)
        assert result["p"] == pytest.approx(p, abs=5e-9)
        assert result["partial_eta_squared"] == pytest.approx(square / (square + 5745.111111))


def test_aligned_ranks_are_rs_on_warpbreaks(looms):
    # with mw, mt, cell the means of wool, tension and cell and g the grand mean, for wool:
    # r <- rank(round(breaks - cell + mw - g, 10)); anova(lm(r ~ wool * tension)); the others alike
    expected = {"pooling": 3.01796, "attention": 6.08883, "interaction": 3.25021}
    for name, f in expected.items():
        assert looms["aligned_ranks"][name]["f"] == pytest.approx(f, abs=5e-6)
    assert looms["aligned_ranks"]["attention"]["p"] == pytest.approx(0.0043989, abs=5e-8)


def test_contrasts_of_three_levels_are_rs_with_holm(looms):
    # pairs(emmeans(m, "tension"), adjust = "holm"), ours the later level minus the earlier
    rows = {row["name"].split(",")[0]: row for row in looms["effects"] if row["effect"] == "attention"}
    assert list(rows) == ["M - L", "H - L", "H - M"]
    for name, estimate, p in [("M - L", -10.0, 0.0171), ("H - L", -14.72, 0.0006), ("H - M", -4.72, 0.2015)]:
        assert rows[name]["estimate"] == pytest.approx(estimate, abs=0.005)
        assert rows[name]["designs"]["p_holm"] == pytest.approx(p, abs=5e-5)


def test_interaction_contrasts_are_rs(looms):
    # contrast(emmeans(m, ~ wool * tension), interaction = c("pairwise", "pairwise"), adjust = "none")
    rows = [row for row in looms["effects"] if row["effect"] == "interaction"]
    assert [row["estimate"] for row in rows] == pytest.approx([21.1, 10.6, -10.6], abs=0.05)
    assert [row["designs"]["p"] for row in rows] == pytest.approx([0.0057, 0.1543, 0.1543], abs=5e-5)


def test_the_papers_five_designs_contain_a_two_by_two_cross(study):
    assert study["reason"] is None and study["designs_refused"] is None
    assert study["crossed"] == {
        "poolings": ["last", "multi"],
        "attentions": ["causal", "bi"],
        "designs": ["last-causal", "last-bi", "multi-causal", "multi-bi"],
    }
    (sentence,) = study["refused"]
    assert sentence.startswith("eos with bi attention is not compared")


def test_only_the_runs_of_the_cross_are_analyzed(study):
    # summary(aov(y ~ P * A, subset(r, D != "eos-causal")))
    anova = study["anova"]
    assert [anova[name]["f"] for name in anova] == pytest.approx([5.189111939, 30.527158224, 7.924465744])
    assert [anova[name]["p"] for name in anova] == pytest.approx(
        [0.052237208598, 0.000557003837, 0.022666283084]
    )
    assert {anova[name]["df2"] for name in anova} == {8}


@pytest.mark.parametrize(
    ("effect", "estimate", "low", "high", "p", "over_tasks"),
    [
        ("pooling", -0.0205, -0.04125235668, 0.000252356676, 0.052237208598, (0, 6, 0.03125)),
        ("attention", 0.04972222222, 0.02896986555, 0.0704745789, 0.000557003837, (6, 0, 0.03125)),
        ("interaction", 0.05066666667, 0.009161953315, 0.09217138002, 0.022666283084, (5, 1, 0.0625)),
    ],
)
def test_effects_of_the_cross_are_rs(study, effect, estimate, low, high, p, over_tasks):
    # confint(pairs(emmeans(aov(…), "P"), reverse = TRUE)), "A"; contrast(…, interaction = "revpairwise");
    # wilcox.test of e.g. (t[, "last-bi"] + t[, "multi-bi"] - t[, "last-causal"] - t[, "multi-causal"]) / 2
    (row,) = [row for row in study["effects"] if row["effect"] == effect]
    assert row["estimate"] == pytest.approx(estimate)
    assert (row["designs"]["low"], row["designs"]["high"]) == pytest.approx((low, high))
    assert row["designs"]["p"] == pytest.approx(p) == pytest.approx(study["anova"][effect]["p"])
    assert (row["checkpoints"]["wins"], row["checkpoints"]["losses"]) == over_tasks[:2]
    assert row["checkpoints"]["p"] == pytest.approx(over_tasks[2])


def test_simple_effects_outside_the_cross_are_rs(study):
    # confint(contrast(emmeans(aov(y ~ D, r), "D"), list(a = c(-1,1,0,0,0), b = c(-1,0,0,1,0))))
    last, multi = study["simple"]
    assert (last["name"], multi["name"]) == ("last - eos within causal", "multi - eos within causal")
    assert last["estimate"] == pytest.approx(0.00422222222)
    assert (last["designs"]["low"], last["designs"]["high"]) == pytest.approx((-0.02220880660, 0.03065325105))
    assert (multi["designs"]["low"], multi["designs"]["high"]) == pytest.approx(
        (-0.06804213994, -0.01518008228)
    )
    assert multi["designs"]["p"] == pytest.approx(0.0057, abs=5e-5)
    assert multi["designs"]["p_holm"] == pytest.approx(2 * 0.0057, abs=1e-4)
    assert (multi["checkpoints"]["wins"], multi["checkpoints"]["p"]) == (0, 0.03125)  # wilcox.test


def test_ties_over_the_tasks_are_counted_by_all_sign_changes(study):
    # last - eos: 9, -3.333, -11.667, 49.333, -14.667, -3.333 thousandths: ranks 3, 1.5, 4, 6, 5, 1.5, so
    # the positive ones sum to 9 of 21; R's wilcox.test only approximates here
    p = study["simple"][0]["checkpoints"]["p"]
    ranks = np.array([3, 1.5, 4, 6, 5, 1.5])
    sums = [sum(r for bit, r in enumerate(ranks) if code >> bit & 1) for code in range(64)]
    assert p == pytest.approx(2 * np.mean([total <= 9 for total in sums]))


def test_without_three_seeds_the_checkpoints_are_still_compared():
    runs = five_designs().query("seed == 1")
    result = factor_effects(runs, FACTORS, 0.05)
    assert result["anova"] is result["aligned_ranks"] is None
    assert "1 seed" in result["designs_refused"]
    assert all(row["designs"] is None for row in result["effects"] + result["simple"])
    assert all(0 < row["checkpoints"]["p"] <= 1 for row in result["effects"])


def test_runs_without_spread_and_a_single_task_give_no_nan():
    scores = np.repeat(np.arange(4.0)[:, None, None], 3, axis=1) / 10
    factors = pd.DataFrame({"pooling": list("aabb"), "attention": list("cdcd")}, [f"d{i}" for i in range(4)])
    result = factor_effects(make_runs(scores), factors, 0.05)
    assert "same mean score" in result["anova"]["pooling"]["reason"]
    for row in result["effects"]:
        assert row["designs"]["p"] is row["designs"]["p_holm"] is None
        assert row["checkpoints"]["p"] is None and "single task" in row["checkpoints"]["reason"]
    json.dumps(result, allow_nan=False)


def test_equal_designs_have_a_wilcoxon_p_of_1():
    scores = np.random.default_rng(0).random((1, 3, 5)).round(6).repeat(4, axis=0)
    factors = pd.DataFrame({"pooling": list("aabb"), "attention": list("cdcd")}, [f"d{i}" for i in range(4)])
    result = factor_effects(make_runs(scores), factors, 0.05)
    assert {row["checkpoints"]["p"] for row in result["effects"]} == {1.0}
    assert result["anova"]["pooling"]["f"] == pytest.approx(0, abs=1e-12)
