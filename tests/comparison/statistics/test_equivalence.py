"""Expected numbers come from baycomp, sample by sample, and from closed forms."""

import json
from itertools import combinations

import baycomp
import numpy as np
import pandas as pd
import pytest

from embedding_designs.comparison.statistics import equivalence as module
from embedding_designs.comparison.statistics.equivalence import equivalence
from embedding_designs.comparison.statistics.pairwise import pair_differences
from helpers.literature import DEMSAR, random_scores
from helpers.published_table import mteb_english


def of_difference(difference: list[float], rope: float, **options) -> dict:
    (pair,) = equivalence(pd.DataFrame({"a": difference, "b": 0.0}), rope, **options)
    return pair


@pytest.mark.parametrize("rope", [0, 0.01, 0.1])
@pytest.mark.parametrize("scores", [DEMSAR, random_scores(7, 3, seed=1), random_scores(41, 3, seed=2)])
def test_each_sample_is_the_one_of_baycomp(scores, rope):
    weights = module.dirichlet_weights(len(scores), 200, seed=3)
    ours = module.outcomes(*module.beyond_rope(pair_differences(scores), rope), weights)
    for index, (first, second) in enumerate(combinations(scores.columns, 2)):
        # baycomp in units of 10^-6, where sums on the edge of the rope are exact as ours are
        x, y = ((scores[name] * 1e6).round().to_numpy() for name in (first, second))
        theirs = baycomp.SignedRankTest.sample(x, y, rope * 1e6, nsamples=200, random_state=3)
        np.testing.assert_allclose(ours[:, :, index].T, theirs, atol=1e-12)


def test_the_probabilities_are_those_of_baycomp():
    scores = random_scores(12, 4, seed=5)
    for pair in equivalence(scores, 0.02, seed=1, n_samples=500):
        x, y = scores[pair["first"]].to_numpy(), scores[pair["second"]].to_numpy()
        expected = baycomp.SignedRankTest.probs(x, y, 0.02, nsamples=500, random_state=1)
        ours = (pair["p_first_better"], pair["p_equivalent"], pair["p_second_better"])
        assert ours == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_task_has_a_closed_form(sign):
    # The prior's weight w is Beta(1/2, 1), with distribution sqrt(w). A difference beyond twice the rope is
    # better with probability 1 - w^2, the most probable outcome where w < sqrt(1/2): in (1/2)^(1/4) of cases.
    # One between once and twice the rope only with (1 - w)^2: in sqrt(1 - sqrt(1/2)) of cases.
    key = "p_first_better" if sign > 0 else "p_second_better"
    assert of_difference([sign * 0.03], 0.01)[key] == pytest.approx(0.5**0.25, abs=0.02)
    assert of_difference([sign * 0.015], 0.01)[key] == pytest.approx((1 - 0.5**0.5) ** 0.5, abs=0.02)
    assert of_difference([sign * 0.005], 0.01)[key] == 0


def test_verdicts():
    assert of_difference([0.1] * 20, 0.01)["verdict"] == "first better"
    assert of_difference([-0.1] * 20, 0.01)["verdict"] == "second better"
    assert of_difference([0.001, -0.002] * 10, 0.01)["verdict"] == "equivalent"
    assert of_difference([0.1, -0.1] * 3, 0.01)["verdict"] == "undecided"


def test_fewer_than_six_tasks_give_no_verdict_because_the_prior_could_turn_it():
    """With the pseudo-task beyond the rope, not at 0, five tasks within it do not reach 0.95, and six do."""
    for n_tasks, verdict in [(1, "too few tasks"), (5, "too few tasks"), (6, "equivalent")]:
        assert of_difference([0.001] * n_tasks, 0.01)["verdict"] == verdict
        weights = module.dirichlet_weights(n_tasks, 50_000, seed=0)
        without_pseudo_task = (1 - weights[:, 0]) ** 2
        assert ((without_pseudo_task > 0.5).mean() > 0.95) == (n_tasks >= 6)


def test_designs_that_never_differ_are_equivalent_and_without_a_rope_undecided():
    assert of_difference([0.0] * 6, 0.01)["p_equivalent"] == 1
    pair = of_difference([0.0] * 6, 0)
    assert (pair["p_first_better"], pair["p_second_better"], pair["verdict"]) == (0.5, 0.5, "undecided")


def test_a_difference_on_the_edge_counts_one_half_whatever_the_last_bit():
    # 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit; both lie on the edge of a rope of 0.1
    weights = module.dirichlet_weights(2, 50, seed=0)
    scores = pd.DataFrame({"a": [0.3, 0.2], "b": [0.2, 0.1]})
    first, _, second = module.outcomes(*module.beyond_rope(pair_differences(scores), 0.1), weights)
    of_tasks = weights[:, 1:].sum(axis=1)  # each two tasks lie on the edge: half of their weight
    assert first[:, 0] == pytest.approx(of_tasks**2 / 2)
    assert second[:, 0] == pytest.approx(0)


def test_it_is_seeded_and_the_parts_do_not_matter(monkeypatch):
    scores = random_scores(9, 5, seed=4)
    whole = equivalence(scores, 0.01, seed=7, n_samples=300)
    assert whole == equivalence(scores, 0.01, seed=7, n_samples=300)
    assert whole != equivalence(scores, 0.01, seed=8, n_samples=300)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 3)
    assert whole == equivalence(scores, 0.01, seed=7, n_samples=300)


def test_a_single_design_has_no_pairs():
    assert equivalence(pd.DataFrame({"a": [0.1, 0.2]}), 0.01) == []


def test_published_scores_of_20_models():
    scores = mteb_english(20)
    results = equivalence(scores, 0.01)
    assert [(pair["first"], pair["second"]) for pair in results] == list(combinations(scores.columns, 2))
    totals = [pair["p_first_better"] + pair["p_equivalent"] + pair["p_second_better"] for pair in results]
    assert totals == pytest.approx(np.ones(190))
    assert {"first better", "undecided"} <= {pair["verdict"] for pair in results}
    json.dumps(results, allow_nan=False)
