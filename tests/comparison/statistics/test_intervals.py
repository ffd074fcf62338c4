"""Resampling intervals: known variances, seeds, complete runs, and complete tasks."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from embedding_designs.comparison.statistics.intervals import (
    difference_intervals,
    pair_intervals,
    rank_intervals,
)
from helpers.five_designs import average_seeds, five_designs, make_runs


def test_rank_intervals_contain_the_rank_and_stay_within_the_ranks():
    scores = average_seeds(five_designs())
    ranks = scores.rank(axis="columns", ascending=False).mean()
    for name, (low, high) in rank_intervals(scores, 0.05).items():
        assert 1 <= low <= ranks[name] <= high <= 5


def test_a_rank_that_is_the_same_on_every_task_has_no_width():
    scores = pd.DataFrame({"a": [0.9] * 5, "b": [0.1, 0.2] * 2 + [0.1], "c": [0.2, 0.1] * 2 + [0.2]})
    intervals = rank_intervals(scores, 0.05)
    assert intervals["a"] == [1, 1]
    assert intervals["b"] == [2, 3]


def test_rank_intervals_approach_the_normal_one_with_many_tasks():
    scores = pd.DataFrame(np.random.default_rng(0).random((400, 3)), columns=list("abc"))
    ranks = scores.rank(axis="columns", ascending=False)
    expected = stats.norm.isf(0.025) * ranks.std() / 20
    for name, (low, high) in rank_intervals(scores, 0.05).items():
        assert (high - low) / 2 == pytest.approx(expected[name], rel=0.05)


@pytest.mark.parametrize("n_tasks", [1, 2, 4])
def test_fewer_than_five_tasks_give_no_rank_interval(n_tasks):
    assert rank_intervals(pd.DataFrame({"a": [0.1] * n_tasks, "b": [0.2] * n_tasks}), 0.05) is None


def test_over_tasks_only_the_interval_is_that_of_the_paired_t_test():
    # t.test(t[, "last-bi"], t[, "eos-causal"], paired = TRUE): n - 1 draws make the error unbiased
    runs = five_designs().query("seed == 2")
    result = difference_intervals(runs, "eos-causal", 0.05)
    assert result["resampled"] == "tasks"
    scores = average_seeds(runs)
    expected = stats.ttest_rel(scores["last-bi"], scores["eos-causal"]).confidence_interval(0.95)
    row = result["designs"]["last-bi"]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), rel=0.05)


def test_each_pair_has_the_interval_of_its_paired_t_test():
    runs = five_designs().query("seed == 2")
    scores = average_seeds(runs)
    found = pair_intervals(runs, 0.05)
    assert len(found) == 10
    for row in found:
        expected = stats.ttest_rel(scores[row["first"]], scores[row["second"]]).confidence_interval(0.95)
        assert row["difference"] == pytest.approx((expected.low + expected.high) / 2)
        half = (expected.high - expected.low) / 2
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=0.05 * half)


def test_over_runs_only_the_interval_is_welchs():
    # with a single task: t.test(runs of one design, runs of the other), unequal variances
    scores = np.random.default_rng(1).normal(0.5, [[[0.01]], [[0.05]]], (2, 6, 1))
    result = difference_intervals(make_runs(scores), "d0", 0.05)
    assert result["resampled"] == "runs"
    expected = stats.ttest_ind(*scores[::-1, :, 0], equal_var=False).confidence_interval(0.95)
    row = result["designs"]["d1"]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), rel=0.05)


def test_the_luck_of_runs_widens_the_interval():
    # each run is one number on all 40 tasks: tasks alone would give an interval of no width
    luck = np.random.default_rng(2).normal(0, 0.05, (2, 3, 1))
    runs = make_runs(0.5 + np.repeat(luck, 40, axis=2))
    row = difference_intervals(runs, "d0", 0.05)["designs"]["d1"]
    error = np.sqrt(luck.var(axis=1, ddof=1).sum() / 3)
    assert row["high"] - row["low"] > 2 * stats.t.isf(0.025, 4) * error * 0.95


def test_tasks_are_drawn_for_all_designs_at_once():
    # hard and easy tasks move every design alike, and so no difference
    tasks = np.linspace(0, 0.9, 10)
    runs = make_runs(np.stack([[tasks] * 3, [tasks + 0.05] * 3]))
    row = difference_intervals(runs, "d0", 0.05)["designs"]["d1"]
    assert row == pytest.approx({"difference": 0.05, "low": 0.05, "high": 0.05})


def test_the_control_differs_from_itself_by_nothing():
    result = difference_intervals(five_designs(), "eos-causal", 0.05)
    assert result["resampled"] == "runs and tasks"
    assert result["designs"]["eos-causal"] == {"difference": 0, "low": 0, "high": 0}


def test_with_a_single_task_and_run_there_is_no_interval():
    result = difference_intervals(make_runs(np.array([[[0.1]], [[0.4]]])), "d0", 0.05)
    assert result["resampled"] is None and "nothing to resample" in result["reason"]
    assert result["designs"]["d1"] == {"difference": pytest.approx(0.3), "low": None, "high": None}
    json.dumps(result, allow_nan=False)


def test_the_seed_decides_the_draws():
    runs = five_designs()
    first, again = (difference_intervals(runs, "eos-causal", 0.05, seed=3) for _ in range(2))
    assert first == again != difference_intervals(runs, "eos-causal", 0.05, seed=4)
    scores = average_seeds(runs)
    assert rank_intervals(scores, 0.05, seed=3) == rank_intervals(scores, 0.05, seed=3)


def test_intervals_cover_the_truth_of_designs_and_tasks():
    # identical designs, spreads as in a real study (runs .012, design x task .021, residual .024): a 95 %
    # interval that misses 0 in more than 18 of 200 studies would be too narrow (binomial, p < .01)
    random = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        scores = random.normal(0, 0.012, (2, 3, 1)) + random.normal(0, 0.021, (2, 1, 20))
        scores = scores + random.normal(0, 0.024, (2, 3, 20)) + random.normal(0.5, 0.1, 20)
        row = difference_intervals(make_runs(scores), "d0", 0.05)["designs"]["d1"]
        missed += not row["low"] <= 0 <= row["high"]
    assert missed <= 18
