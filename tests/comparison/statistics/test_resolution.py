"""Expected numbers come from hand calculation and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import NormalIndPower

from embedding_designs.comparison.statistics.best_over_tasks import best_by_score
from embedding_designs.comparison.statistics.pairwise import wilcoxon
from embedding_designs.comparison.statistics.ranks import nemenyi
from embedding_designs.comparison.statistics.resolution import resolution, tasks_to_separate
from helpers.literature import random_scores


def resolved(scores: pd.DataFrame) -> dict:
    pairs, ranks = wilcoxon(scores, 0.05), best_by_score(scores, 0.05)["ranks"]
    return resolution(scores, pairs, nemenyi(scores, 0.05)["pairs"], ranks, 0.05)


def test_clear_steps_are_all_separated_and_equal_models_are_not():
    # c = d on every task; a > b > c by .1 with little noise
    noise = np.random.default_rng(0).normal(0, 0.001, (20, 3))
    scores = pd.DataFrame((noise + np.array([0.5, 0.4, 0.3])).round(6), columns=list("abc"))
    scores["d"] = scores["c"]
    found = resolved(scores)
    assert found["n_pairs"] == 6
    assert found["separated"]["wilcoxon_holm"] == found["separated"]["rank_intervals"] == 5
    assert [pair["separated"] for pair in found["neighbors"]] == [True, True, False]
    assert [pair["first"] + pair["second"] for pair in found["neighbors"]] == ["ab", "bc", "cd"]
    assert found["neighbors"][-1]["tasks_needed"] is None
    assert found["neighbors"][0]["difference"] == pytest.approx(scores["a"].mean() - scores["b"].mean())


def test_tasks_needed_are_those_of_statsmodels():
    differences = np.array([[0.1, 0.02], [0.3, -0.01], [0.2, 0.01]])
    effects = differences.mean(axis=0) / differences.std(axis=0, ddof=1)
    for needed, effect in zip(tasks_to_separate(differences, 10, 0.05), effects, strict=True):
        # ratio=0: one sample
        expected = NormalIndPower().solve_power(effect, alpha=0.005, power=0.8, ratio=0)
        assert needed == max(2, int(np.ceil(expected)))


def test_correction_separates_fewer_pairs():
    found = resolved(random_scores(20, 6, seed=3) + np.linspace(0, 0.4, 6).round(2))
    assert found["separated"]["wilcoxon_uncorrected"] >= found["separated"]["wilcoxon_holm"] > 0


def test_without_any_test_there_is_nothing_to_count():
    assert resolved(pd.DataFrame({"a": [0.5], "b": [0.4]})) is None
