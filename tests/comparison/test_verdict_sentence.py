"""The verdict says which design to use only if a kind of claim singles it out, and else what is tied."""

from dataclasses import replace

import pytest

from embedding_designs.comparison.results_of_best_sets import BestOverRuns
from embedding_designs.comparison.sentences.verdict import decided, verdict
from helpers.figure_examples import changed, comparison_of

A, B, C = "eos-causal", "last-layer-causal", "multi-layer-causal"  # in the order of their mean scores


def three(by_score: list[str], by_rank: list[str], over_runs: list[str] | None = None):
    """Return a comparison of three designs with these best sets."""
    comparison = changed(comparison_of([1.0, 2.0, 3.0]), "these_checkpoints.best_by_score.best_set", by_score)
    comparison = changed(comparison, "these_checkpoints.best_by_rank.best_set", by_rank)
    if over_runs is None:
        return replace(comparison, unit="model")
    comparison = changed(comparison, "these_designs.refused", None)
    return changed(comparison, "these_designs.best", BestOverRuns(over_runs, {}))


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (([A], [A]), f"Use {A}. On tasks like these, no other model could be the best (95% confidence)."),
        (([A], [A], [A, B]), f"Use {A}. On tasks like these, no other design could be the best; over new "
                             f"trainings, {B} could be, too (each at 95% confidence)."),
        (([A], [A], [A]), f"Use {A}. On tasks like these and over new trainings, no other design could be "
                          "the best (each at 95% confidence)."),
        (([A, B], [A, B], [A]), f"Use {A}. On tasks like these, {B} could be the best, too; over new "
                                "trainings, no other design could be the best (each at 95% confidence)."),
        (([A], [A, C]), f"Use {A}. By mean score on tasks like these, no other model could be the best; by "
                        f"average rank, {C} could be, too (each at 95% confidence)."),
        (([A, B], [B, A]), f"Tied for first: {A} and {B} on tasks like these (95% confidence)."),
        (([A, B], [B, A], [A, B, C]), f"Tied for first: {A} and {B} on tasks like these; any of the 3 "
                                      "designs over new trainings (each at 95% confidence)."),
        (([A], [B]), f"The best depends on the measure: only {A} by mean score on tasks like these; only {B} "
                     "by average rank (each at 95% confidence)."),
        (([A, B, C], [C, B, A], [A, B, C]), "Undecided: any of the 3 designs could be the best on tasks like "
                                            "these and over new trainings (each at 95% confidence)."),
    ],
)  # fmt: skip
def test_the_verdict_names_what_each_claim_leaves(sets, sentence):
    assert verdict(three(*sets), 0.05) == sentence


@pytest.mark.parametrize("sets", [([A, B], [A, B]), ([A], [B]), ([A, B, C], [A, B, C], [A, B])])
def test_nothing_is_recommended_that_no_claim_singles_out(sets):
    assert decided(three(*sets)) is None
    assert not verdict(three(*sets), 0.05).startswith("Use")


def test_many_that_are_tied_are_counted():
    comparison = comparison_of([float(rank) for rank in range(1, 21)])
    first = comparison.designs[:9]
    for way in ("best_by_score", "best_by_rank"):
        comparison = changed(comparison, f"these_checkpoints.{way}.best_set", first)
    assert verdict(replace(comparison, unit="model"), 0.05) == (
        f"Tied for first: {', '.join(first[:3])}, and 6 more of the 20 models on tasks like these "
        "(95% confidence)."
    )


def test_without_a_test_the_verdict_says_why_and_recommends_nothing():
    comparison = three([A, B, C], [A, B, C])
    by_score = replace(comparison.these_checkpoints.best_by_score, reason="Too few tasks.")
    comparison = changed(comparison, "these_checkpoints.best_by_score", by_score)
    assert verdict(comparison, 0.05) == f"Undecided. Too few tasks. {A} has the highest mean score."
    equal = replace(comparison, mean_scores=dict.fromkeys((A, B, C), 0.5))
    assert verdict(equal, 0.05) == "Undecided. Too few tasks."


def test_runs_that_rule_out_every_design_at_a_level_above_a_half_are_not_in_the_verdict():
    over_tasks = f"Tied for first: {A} and {B} on tasks like these (40% confidence)."
    assert verdict(three([A, B], [A, B], []), 0.6) == over_tasks


def test_designs_with_few_seeds_promise_nothing_about_new_trainings():
    comparison = replace(three([A], [A]), unit="design")
    assert comparison.seeds == [1, 2]
    assert verdict(comparison, 0.05).endswith("With 2 seeds, nothing can be said about new trainings.")
