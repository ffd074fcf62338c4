"""Hsu's comparisons with the best: Minitab's printed example, Dunnett's table, scipy, and coverage."""

import numpy as np
import pytest
from scipy import stats

from embedding_designs.comparison.statistics.best_over_runs import best_over_runs
from embedding_designs.comparison.statistics.studentized import critical_value, dunnett_upper_sf
from helpers.five_designs import five_designs, make_runs

ALPHA = 0.05


def runs_of(means, spread: float, n_seeds: int, scale: float = 1.0):
    """Return runs with exactly these means and this pooled standard deviation."""
    around = np.linspace(-1, 1, n_seeds)
    around *= spread / around.std(ddof=1)
    return make_runs((np.asarray(means)[:, None] + around)[:, :, None] * scale)


@pytest.mark.parametrize(
    ("k", "df", "t"), [(3, 5, 2.44), (3, 10, 2.15), (5, 10, 2.47), (5, 20, 2.30), (6, 10, 2.56)]
)
def test_one_sided_quantiles_are_those_that_dunnett_prints(k, df, t):
    # Dunnett (1955, J. Am. Stat. Assoc. 50:1117), table 1a, k - 1 treatments and a control
    assert critical_value(dunnett_upper_sf, 0.05, k, df) == pytest.approx(t, abs=0.0051)


def test_with_two_groups_it_is_students_t():
    t = np.array([-3.0, 0.0, 2.0])
    assert dunnett_upper_sf(t, 2, 7) == pytest.approx(stats.t.sf(t, 7), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 0.6, 0.9])
def test_with_two_groups_the_quantile_of_any_level_is_students(alpha):
    assert critical_value(dunnett_upper_sf, alpha, 2, 7) == pytest.approx(stats.t.isf(alpha, 7), abs=1e-6)
    found = best_over_runs(runs_of([0.1, 0.2], 0.1, 3), alpha)
    assert found["best_set"] == [name for name in ("d1", "d0") if found["designs"][name]["p"] > alpha]


def test_the_intervals_are_minitabs():
    # Minitab, One-Way ANOVA, paint hardness: 6 samples of 4 blends, pooled StDev 3.95012; Hsu's intervals of
    # blends 2 and 3 are (-14.5000, 0) and (-10.0833, 0), and blends 1 and 4 have none that ends at 0
    runs = runs_of([14.733, 8.567, 12.983, 18.067], 3.95012, 6, scale=0.01)
    found = best_over_runs(runs, ALPHA)
    rows = found["designs"]
    assert (rows["d1"]["low"], rows["d1"]["high"]) == pytest.approx((-0.145, 0), abs=1e-5)
    assert (rows["d2"]["low"], rows["d2"]["high"]) == pytest.approx((-0.100833, 0), abs=1e-5)
    assert found["best_set"] == ["d3", "d0"]
    assert rows["d3"]["low"] < 0 < rows["d3"]["high"]
    assert rows["d3"]["difference"] == pytest.approx(0.18067 - 0.14733)


def test_p_is_that_of_dunnetts_one_sided_test_with_the_design_as_control():
    runs = five_designs()
    means = runs.mean(axis="columns").unstack()
    others = [means.loc[name] for name in means.index if name != "eos-causal"]
    expected = stats.dunnett(
        *others, control=means.loc["eos-causal"], alternative="greater", rng=np.random.default_rng(0)
    )
    p = best_over_runs(runs, ALPHA)["designs"]["eos-causal"]["p"]
    assert p == pytest.approx(expected.pvalue.min(), abs=0.002)


def test_a_design_is_in_the_set_if_its_interval_does_not_end_at_zero_and_p_exceeds_alpha():
    found = best_over_runs(five_designs(), ALPHA)
    for name, row in found["designs"].items():
        assert (name in found["best_set"]) == (row["high"] > 0) == (row["p"] > ALPHA)
    alone = best_over_runs(runs_of([0.1, 0.2, 0.9], 0.01, 3), ALPHA)
    assert alone["best_set"] == ["d2"] and alone["designs"]["d2"]["low"] == 0


def test_without_a_spread_or_with_two_seeds_nothing_is_ruled_out():
    same = best_over_runs(runs_of([0.1, 0.2], 0, 3), ALPHA)
    assert same["best_set"] == ["d1", "d0"] and "no variance" in same["reason"]
    assert best_over_runs(runs_of([0.1, 0.2], 0.1, 2), ALPHA) is None


@pytest.mark.parametrize(("k", "n_seeds", "studies"), [(5, 3, 400), (20, 3, 300), (180, 3, 40)])
def test_each_of_equal_designs_is_in_the_set_in_95_percent(k, n_seeds, studies):
    random = np.random.default_rng(k)
    scores = random.normal(0.5, 0.02, (studies, k, n_seeds, 1))
    kept = [len(best_over_runs(make_runs(study), ALPHA)["best_set"]) / k for study in scores]
    assert 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / studies) <= np.mean(kept) <= 0.97
