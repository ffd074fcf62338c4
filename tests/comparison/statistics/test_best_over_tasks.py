"""The best set over tasks: Fisher's analysis of Darwin's plants, scipy, counts, and coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from embedding_designs.comparison.statistics.best_over_tasks import best_by_rank, best_by_score
from embedding_designs.comparison.statistics.sign_changes import leads, leads_over

ALPHA = 0.05
# cross- minus self-fertilized Zea mays, in eighths of an inch (Fisher 1935, The Design of Experiments, 17)
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def table(values) -> pd.DataFrame:
    """Return scores of models m0, m1, … from an array (tasks, models)."""
    values = np.asarray(values, dtype=float)
    return pd.DataFrame(values, columns=[f"m{i}" for i in range(values.shape[1])])


def drawn(seed: int, n: int, k: int) -> pd.DataFrame:
    """Return models that do not differ, on tasks that do."""
    random = np.random.default_rng(seed)
    return table((0.5 + random.normal(0, 0.1, (n, 1)) + random.normal(0, 0.05, (n, k))).round(6))


def test_darwins_plants_have_fishers_p():
    # section 21: of 32,768 sign changes, 863 have a sum of at least the observed 314
    p = best_by_score(table([[0, difference / 1000] for difference in DARWIN]), ALPHA)["p"]
    assert p["m0"] == pytest.approx(863 / 32768, abs=0.005)
    assert p["m1"] == 1


def test_two_models_give_scipys_permutation_test():
    scores = drawn(1, 10, 2)
    differences = (scores["m1"] - scores["m0"]).to_numpy().round(6)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="greater"
    ).pvalue
    p = best_by_score(scores, ALPHA)["p"]
    worse = min(p, key=p.get)
    assert p[worse] == pytest.approx(expected if worse == "m0" else 1 - expected + 2**-10)


def test_the_observed_leads_are_the_paired_t_tests():
    scores = drawn(2, 8, 3)
    u = leads(scores.to_numpy())[0][0, 2]
    expected = stats.ttest_rel(scores["m2"], scores["m0"]).statistic
    assert u * np.sqrt(7 / (1 - u**2)) == pytest.approx(expected)


@pytest.mark.parametrize("best", [best_by_score, best_by_rank])
def test_a_model_that_wins_every_task_is_alone_from_five_tasks_on(best):
    scores = table([[0.5 + task / 100, 0.4 + task / 100] for task in range(5)])
    found = best(scores, ALPHA)
    assert found["best_set"] == ["m0"] and found["p"] == {"m0": 1, "m1": 2**-5}
    few = best(scores[:4], ALPHA)
    assert few["best_set"] == ["m0", "m1"] and "at least 0.0625" in few["reason"]
    assert few["ranks"] == {"m0": [1, 2], "m1": [1, 2]}


def test_equal_models_are_in_the_set_together_and_do_not_change_the_others():
    scores = drawn(3, 9, 4)
    scores["m0"] += 0.2
    alone = best_by_score(scores, ALPHA)
    both = best_by_score(scores.assign(copy=scores["m0"]), ALPHA)
    assert alone["best_set"] == ["m0"] and both["best_set"] == ["m0", "copy"]
    assert {name: both["p"][name] for name in alone["p"]} == alone["p"]
    assert both["p"]["copy"] == both["p"]["m0"] and both["ranks"]["copy"] == both["ranks"]["m0"] == [1, 2]


@pytest.mark.parametrize("n", [9, 20])  # with 20, signs are drawn
@pytest.mark.parametrize("best", [best_by_score, best_by_rank])
def test_the_order_of_tasks_and_models_does_not_matter(best, n):
    scores = drawn(4, n, 5)
    found = best(scores, ALPHA)
    again = best(scores.iloc[::-1, ::-1], ALPHA)
    assert again["p"] == found["p"] and again["ranks"] == found["ranks"]


@pytest.mark.parametrize("n", [2, 3, 6, 20])
@pytest.mark.parametrize("best", [best_by_score, best_by_rank])
def test_the_best_observed_model_is_first_and_every_rank_is_in_its_interval(best, n):
    scores = (drawn(n, n, 6) + np.linspace(0, 0.3, 6)).round(6)
    ranks = scores.rank(axis="columns", ascending=False).mean()
    merit = scores.mean() if best is best_by_score else -ranks
    found = best(scores, ALPHA)
    assert found["best_set"][0] == merit.idxmax()
    order = merit.rank(ascending=False)
    assert all(low <= order[name] <= high for name, (low, high) in found["ranks"].items())


def test_clear_levels_have_exact_ranks():
    scores = table(np.linspace(0.9, 0.1, 4) + np.random.default_rng(5).normal(0, 0.001, (12, 4)).round(6))
    assert best_by_score(scores, ALPHA)["ranks"] == {f"m{i}": [i + 1, i + 1] for i in range(4)}


def test_nothing_is_ruled_out_if_nothing_can_be_tested():
    for scores in (table([[0.1, 0.9]]), table([[0.3, 0.3]] * 8)):
        found = best_by_score(scores, ALPHA)
        assert sorted(found["best_set"]) == ["m0", "m1"] and found["reason"]
        assert set(found["p"].values()) == {None}


SIMULATED = {(5, 3): 20, (5, 8): 300, (5, 41): 60, (20, 3): 20, (20, 8): 200, (20, 41): 40,
             (180, 3): 5, (180, 8): 40, (180, 41): 5}  # fmt: skip


@pytest.mark.parametrize(("k", "n"), SIMULATED)
@pytest.mark.parametrize("decimals", [6, 1])  # scores of one decimal are full of ties
def test_equal_models_are_ruled_out_in_at_most_five_percent(k, n, decimals):
    kept, right = [], []
    for seed in range(SIMULATED[k, n]):
        for best in (best_by_score, best_by_rank):
            found = best(drawn(1000 + seed, n, k).round(decimals), ALPHA)
            kept.append(len(found["best_set"]) / k)
            right.append(all(ranks == [1, k] for ranks in found["ranks"].values()))
    error = np.sqrt(0.05 * 0.95 / SIMULATED[k, n])
    assert np.mean(kept) >= 0.95 - 2.6 * error
    assert np.mean(right) >= 0.95 - 2.6 * error


@pytest.mark.parametrize("n_tasks", [6, 20])
def test_the_leads_over_one_model_are_those_among_all(n_tasks):
    values = np.random.default_rng(n_tasks).integers(0, 50, (n_tasks, 7)).astype(float)
    values[:, 3] = values[:, 2]
    _, largest = leads(values)
    for model in range(7):
        assert leads_over(values, model) == pytest.approx(largest[:, model], abs=1e-12)
