"""Expected numbers come from R 4.2; the calls are in comments."""

import json

import numpy as np
import pytest

from embedding_designs.comparison.statistics.power import detectable, t_power
from helpers.five_designs import average_seeds, five_designs, make_runs


@pytest.fixture
def study():
    runs = five_designs()
    return detectable(average_seeds(runs), runs, 0.05)


def test_power_is_that_of_rs_example():
    # power.t.test(n = 20, delta = 1, sd = 1), from its help page
    assert t_power(np.sqrt(20 / 2), 38, 0.05) == pytest.approx(0.8689528)


def test_difference_over_tasks_is_rs(study):
    # v: the mean over the ten pairs of var(t[, i] - t[, j]); Bonferroni over ten pairs
    # power.t.test(n = 6, sd = sqrt(v), power = .8, sig.level = .005, type = "paired")$delta
    result = study["checkpoints"]
    assert result["spread"] == pytest.approx(0.02535523907, abs=1e-7)
    assert result["difference"] == pytest.approx(0.06235174357, abs=1e-6)
    assert result["observed"] == pytest.approx(0.07505555556, abs=1e-6)
    # power.t.test(delta = observed, sd = sqrt(v), power = .8, sig.level = .005, type = "paired")$n is 5.22
    assert result["tasks_needed"] == 6


def test_difference_over_runs_is_rs(study):
    # f <- function(d, n) pt(qt(.9975, 5 * (n - 1)), 5 * (n - 1), ncp = d / sd * sqrt(n / 2), lower = FALSE)
    # uniroot(function(d) f(d, 3) - .8, c(0, 1))$root
    result = study["designs"]
    assert result["spread"] == pytest.approx(0.01452838856)
    assert result["difference"] == pytest.approx(0.05412294987, abs=1e-8)
    assert result["seeds_needed"] == 3  # f(observed, 2) is .648, f(observed, 3) is .986


def test_with_two_designs_runs_are_compared_as_by_rs_two_sample_test():
    # power.t.test(n = 3, sd = .01376455459, power = .8)$delta; (delta = observed, sd, power = .8)$n is 4.81
    runs = five_designs().loc[["eos-causal", "last-bi"]]
    result = detectable(average_seeds(runs), runs, 0.05)["designs"]
    assert result["spread"] == pytest.approx(0.01376455459)
    assert result["difference"] == pytest.approx(0.04226947218, abs=1e-8)
    assert result["seeds_needed"] == 5


def test_what_is_found_at_the_detectable_difference_has_the_power_asked_for():
    runs = five_designs()
    for power in (0.5, 0.95):
        result = detectable(average_seeds(runs), runs, 0.05, power=power)
        found = result["checkpoints"]
        noncentrality = found["difference"] / found["spread"] * np.sqrt(6)
        assert t_power(noncentrality, 5, 0.005) == pytest.approx(power)
        assert result["power"] == power


def test_tasks_needed_is_the_first_number_that_suffices():
    random = np.random.default_rng(0)
    runs = make_runs(random.normal(0.5, 0.1, (3, 1, 12)) + np.array([0, 0.01, 0.02])[:, None, None])
    found = detectable(average_seeds(runs), runs, 0.05)["checkpoints"]
    n = found["tasks_needed"]
    reached = [
        t_power(found["observed"] / found["spread"] * np.sqrt(m), m - 1, 0.05 / 3) >= 0.8 for m in (n - 1, n)
    ]
    assert reached == [False, True]


def test_one_seed_says_nothing_about_designs_and_two_say_how_many_are_needed():
    random = np.random.default_rng(1)
    for n_seeds in (1, 2):
        runs = make_runs(random.normal(0.5, 0.1, (3, n_seeds, 8)))
        result = detectable(average_seeds(runs), runs, 0.05)["designs"]
        if n_seeds == 1:
            assert result is None
        else:
            assert result["difference"] is None and "fewer than 3 seeds" in result["reason"]
            assert result["seeds_needed"] >= 3


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.full((3, 3, 4), 0.5), "no spread"),
        (np.array([[[0.1]], [[0.2]]]), "pair to compare and two tasks"),
        (np.array([[[0.1, 0.3]]]), "pair to compare and two tasks"),
        (np.array([[[0.1, 0.3]], [[0.3, 0.1]]]), "mean scores are equal"),
        (np.array([[[0.1, 0.9]], [[0.3, 0.10001]]]), "any difference that scores can have"),
        (np.array([[[0.1, 0.9, 0.5]], [[0.9, 0.1, 0.500003]]]), "more than 1,000,000 tasks"),
    ],
)
def test_a_missing_number_has_a_reason(scores, reason):
    runs = make_runs(scores)
    result = detectable(average_seeds(runs), runs, 0.05)
    assert reason in result["checkpoints"]["reason"]
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize("df", [1, 2, 10, 1_000_000])
@pytest.mark.parametrize("alpha", [0.05, 1e-5, 1e-11])
def test_power_is_never_nan_and_grows_with_the_difference(df, alpha):
    powers = np.array([t_power(value, df, alpha) for value in np.geomspace(0.01, 1e14, 60)])
    assert ((powers >= 0) & (powers <= 1)).all()
    assert (np.diff(powers) > -1e-6).all() and powers[-1] == pytest.approx(1)
