"""One sentence says which designs could be the best, by each kind of claim."""

from dataclasses import replace

import pytest

from embedding_designs.comparison.results_of_best_sets import BestOverRuns
from embedding_designs.comparison.sentences.best_set import verdict
from helpers.figure_examples import changed, comparison_of

A, B, C = "eos-causal", "last-layer-causal", "multi-layer-causal"


def said(by_score: list[str], by_rank: list[str], over_runs: list[str] | None = None) -> str:
    """Return the sentence on three designs."""
    comparison = comparison_of([1.0, 2.0, 3.0])
    assert comparison.designs == [A, B, C]
    comparison = changed(comparison, "these_checkpoints.best_by_score.best_set", by_score)
    comparison = changed(comparison, "these_checkpoints.best_by_rank.best_set", by_rank)
    best = None if over_runs is None else BestOverRuns(over_runs, {})
    return verdict(changed(comparison, "these_designs.best", best), 0.05)


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (([A], [A]), f"On tasks like these, nothing but {A} could be the best, by mean score and by average "
                     "rank (95% confidence)."),
        (([A, B], [A]), f"On tasks like these, {A} and {B} could be the best by mean score; nothing but {A} "
                        "could be the best by average rank (95% confidence)."),
        (([A, B, C], [C, B, A]), "On tasks like these, any of the 3 designs could be the best, by mean score "
                                 "and by average rank (95% confidence)."),
        (([A], [A], [A, B]), f"On tasks like these, nothing but {A} could be the best, by mean score and by "
                             f"average rank; over new trainings, {B} could be too (95% confidence)."),
        (([A, B], [A, B], [B, A]), f"On tasks like these, {A} and {B} could be the best, by mean score and "
                                   "by average rank; the same holds over new trainings (95% confidence)."),
        (([A, B], [A, B], [A]), f"On tasks like these, {A} and {B} could be the best, by mean score and by "
                                f"average rank; over new trainings, nothing but {A} could be the best (95% "
                                "confidence)."),
    ],
)  # fmt: skip
def test_both_kinds_of_claim_are_in_one_sentence(sets, sentence):
    assert said(*sets) == sentence


def test_too_few_tasks_are_said_before_what_runs_can_tell():
    comparison = comparison_of([1.0, 2.0, 3.0])
    by_score = replace(comparison.these_checkpoints.best_by_score, reason="Too few tasks.")
    comparison = changed(comparison, "these_checkpoints.best_by_score", by_score)
    assert verdict(comparison, 0.05) == "Too few tasks."
    comparison = changed(comparison, "these_designs.best", BestOverRuns([A], {}))
    assert verdict(comparison, 0.05) == (
        f"Too few tasks. Over new trainings, nothing but {A} could be the best (95% confidence)."
    )


def test_a_long_list_is_counted():
    comparison = comparison_of([float(rank) for rank in range(1, 15)])
    names = comparison.designs[:12]
    for of in ("best_by_score", "best_by_rank"):
        comparison = changed(comparison, f"these_checkpoints.{of}.best_set", names)
    assert f"12 of the 14 designs, {names[0]} first among them, could be the best" in verdict(
        comparison, 0.05
    )
