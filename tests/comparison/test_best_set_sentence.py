"""One sentence says which designs could be the best, by each kind of claim."""

from dataclasses import replace

import pytest

from embedding_designs.comparison.results_of_best_sets import BestOverRuns
from embedding_designs.comparison.sentences.best_set import best_set
from helpers.figure_examples import changed, comparison_of

A, B, C = "eos-causal", "last-layer-causal", "multi-layer-causal"


def said(by_score: list[str], by_rank: list[str], over_runs: list[str] | None = None) -> str:
    """Return the sentence on three designs."""
    comparison = comparison_of([1.0, 2.0, 3.0])
    assert comparison.designs == [A, B, C]
    comparison = changed(comparison, "these_checkpoints.best_by_score.best_set", by_score)
    comparison = changed(comparison, "these_checkpoints.best_by_rank.best_set", by_rank)
    best = None if over_runs is None else BestOverRuns(over_runs, {})
    return best_set(changed(comparison, "these_designs.best", best), 0.05)


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (([A], [A]), f"On tasks like these, only {A} could be the best, by mean score and by average rank "
                     "(each at 95% confidence)."),
        (([A, B], [A]), f"On tasks like these, {A} and {B} could be the best by mean score; only {A} could "
                        "be the best by average rank (each at 95% confidence)."),
        (([A, B, C], [C, B, A]), "On tasks like these, any of the 3 designs could be the best, by mean score "
                                 "and by average rank (each at 95% confidence)."),
        (([A], [A], [A, B]), f"On tasks like these, only {A} could be the best, by mean score and by average "
                             f"rank; over new trainings, on these tasks, {A} and {B} could be the best by "
                             "mean score (each at 95% confidence)."),
        (([A, B], [A, B], [A]), f"On tasks like these, {A} and {B} could be the best, by mean score and by "
                                f"average rank; over new trainings, on these tasks, only {A} could be the "
                                "best by mean score (each at 95% confidence)."),
        (([A], [B], [A]), f"On tasks like these, only {A} could be the best by mean score; only {B} could be "
                          f"the best by average rank; over new trainings, on these tasks, only {A} could be "
                          "the best by mean score (each at 95% confidence)."),
        (([A], [A, B], [A, C]), f"On tasks like these, only {A} could be the best by mean score; {A} and {B} "
                                f"could be the best by average rank; over new trainings, on these tasks, {A} "
                                f"and {C} could be the best by mean score (each at 95% confidence)."),
    ],
)  # fmt: skip
def test_both_kinds_of_claim_are_in_one_sentence(sets, sentence):
    assert said(*sets) == sentence


def test_too_few_tasks_are_said_before_what_runs_can_tell():
    comparison = comparison_of([1.0, 2.0, 3.0])
    by_score = replace(comparison.these_checkpoints.best_by_score, reason="Too few tasks.")
    comparison = changed(comparison, "these_checkpoints.best_by_score", by_score)
    assert best_set(comparison, 0.05) == "Too few tasks."
    comparison = changed(comparison, "these_designs.best", BestOverRuns([A], {}))
    assert best_set(comparison, 0.05) == (
        f"Too few tasks. Over new trainings, on these tasks, only {A} could be the best by mean score "
        "(95% confidence)."
    )


def test_at_a_level_above_a_half_runs_can_rule_out_all_designs():
    assert "on these tasks, no design could be the best by mean score" in said([A], [A], [])


def test_a_long_list_is_counted():
    comparison = comparison_of([float(rank) for rank in range(1, 15)])
    names = comparison.designs[:12]
    comparison = changed(comparison, "these_checkpoints.best_by_score.best_set", names)
    other = changed(comparison, "these_checkpoints.best_by_rank.best_set", names[:0:-1])
    same = changed(comparison, "these_checkpoints.best_by_rank.best_set", names[::-1])
    highest = f"12 of the 14 designs could be the best ({names[0]} has the highest mean)"
    assert f"{highest}, by mean score and by average rank" in best_set(same, 0.05)
    assert (
        f"{highest} by mean score; 11 of the 14 designs could be the best ({names[11]} has the best average "
        "rank) by average rank" in best_set(other, 0.05)
    )
