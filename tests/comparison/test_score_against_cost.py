"""Costs and efficient designs, with numbers by hand."""

from types import SimpleNamespace

import pytest

from embedding_designs.comparison.score_against_cost import (
    ScoreAgainstCost,
    efficient,
    score_against_cost,
    training_costs,
)
from embedding_designs.comparison.sentences.cost import cost_sentences, efficient_designs, equal_compute
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES

MULTI = "multi-layer-bidirectional"
ADAPTED = {"attention": "bidirectional", "pooling": {"kind": "mean"},
           "adaptation": {"kind": "mntp", "steps": 1, "batch_size": 12, "mask_share": 0.5}}  # fmt: skip


def overall(**scores: float) -> SimpleNamespace:
    """Return what these functions read of a comparison over all tasks."""
    names = {"eos": "eos-causal", "multi": MULTI, "adapted": "adapted"}
    means = {names[name]: score for name, score in scores.items()}
    return SimpleNamespace(base="tiny", designs=[*means], mean_scores=means)


def smoke(**keys) -> dict:
    return load_study(STUDIES / "smoke.yaml", keys)


def test_a_design_is_efficient_if_no_other_is_at_least_as_good_and_cheaper():
    costs = {"dear": 9, "cheap": 1, "worse": 2, "as good as cheap": 3, "good": 5, "dearer than good": 6}
    scores = {"dear": 0.9, "cheap": 0.5, "worse": 0.4, "as good as cheap": 0.5, "good": 0.7,
              "dearer than good": 0.7}  # fmt: skip
    assert efficient(costs, scores) == ["cheap", "good", "dear"]


def test_of_designs_of_equal_cost_the_best_is_efficient_and_equal_designs_both_are():
    assert efficient({"a": 1, "b": 1}, {"a": 0.3, "b": 0.4}) == ["b"]
    assert efficient({"a": 1, "b": 1}, {"a": 0.4, "b": 0.4}) == ["a", "b"]


def test_costs_are_passes_of_the_backbone_and_the_pooling():
    """smoke: 2 layers of 4 x 32 x 32 + 3 x 32 x 64 weights, and attention 4 x 2 x 32 per token of the text; a
    step has 16 rows of 20 + 24 + 24 tokens, three passes each, and there are ten."""
    weights = 2 * (4 * 32 * 32 + 3 * 32 * 64)
    of_text = {tokens: tokens * (2 * weights + 256 * tokens) for tokens in (20, 24)}
    training, encoding = score_against_cost(smoke(), overall(eos=0.4, multi=0.5))
    assert training.costs["eos-causal"] == 10 * 16 * 3 * (of_text[20] + 2 * of_text[24])
    assert (encoding.costs["eos-causal"], encoding.tokens) == (of_text[24], 24)
    # latents x width^2 x 16, and scores and values of 2 heads, 2 layers, 8 latents: 4 x 2 x 2 x 32 x (32 + 8)
    pool = 16 * 8 * 32**2 + 4 * 2 * 2 * 32 * (32 + 8)
    assert encoding.costs[MULTI] - of_text[24] == pool
    assert training.costs[MULTI] - training.costs["eos-causal"] == 10 * 16 * 3 * 3 * pool
    assert training.efficient == encoding.efficient == ["eos-causal", MULTI]


def test_a_run_pays_for_its_adaptation_and_an_encoded_text_does_not():
    """12 texts of (20 + 24 + 24) / 3 tokens, and the head, 2 x 2048 x 32, twice for half of the tokens."""
    study = smoke(designs={"adapted": ADAPTED})
    training, encoding = score_against_cost(study, overall(eos=0.4, adapted=0.3))
    passes = training.costs["eos-causal"] / (10 * 16)
    adaptation = 4 * passes + 4 * 68 * 2 * 2 * 2048 * 32 * 0.5
    assert training.costs["adapted"] == pytest.approx(training.costs["eos-causal"] + adaptation)
    assert encoding.costs["adapted"] == encoding.costs["eos-causal"]


def test_a_budget_of_flops_leaves_only_the_cost_of_encoding():
    budget = {"training": {"budget": {"flops": MULTI}}}
    (encoding,) = score_against_cost(smoke(**budget), overall(eos=0.4, multi=0.5))
    assert encoding.what == "encoding"
    tokens = {"training": {"budget": {"tokens": MULTI}}}
    assert [one.what for one in score_against_cost(smoke(**tokens), overall(eos=0.4, multi=0.5))] == [
        "training", "encoding"
    ]  # fmt: skip


def test_without_sizes_or_trainings_there_are_no_costs():
    unknown = smoke(bases={"other": {"model": "my/own"}})
    comparison = SimpleNamespace(base="other", designs=["eos-causal"], mean_scores={"eos-causal": 0.4})
    assert score_against_cost(unknown, comparison) == [] == cost_sentences(unknown, comparison)
    leaderboard = load_study(STUDIES / "leaderboard.yaml")
    assert training_costs(leaderboard, "all", ["GritLM-7B"]) == {}
    assert cost_sentences({}, comparison) == []


def test_equal_compute_is_one_sentence_with_the_budget():
    """smoke: 10 steps of 16 rows of 68 tokens."""
    assert equal_compute(smoke(), "tiny") is None
    assert equal_compute(smoke(training={"budget": {"tokens": "eos-causal"}}), "tiny") == (
        "Compute was equal, not the number of steps: each run could cost at most 10,880 tokens, as much as "
        "eos-causal costs with 10 steps."
    )
    number = smoke(training={"budget": {"flops": 2.5e9}}, designs={"adapted": ADAPTED})
    assert equal_compute(number, "tiny").endswith(
        "each run, including the adaptation of its base, could cost at most 2.5 GFLOPs."
    )


def test_the_efficient_designs_are_named_once_if_they_are_the_same():
    one = ScoreAgainstCost("training", {}, ["a", "b"], 24)
    other = ScoreAgainstCost("encoding", {}, ["a", "b"], 24)
    assert efficient_designs([one, other]) == "Efficient: a and b in training and encoding."
    other = ScoreAgainstCost("encoding", {}, ["b"], 24)
    assert efficient_designs([one, other]) == "Efficient: a and b in training; b in encoding."
