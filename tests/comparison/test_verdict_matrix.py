"""The matrix of verdicts agrees with the best sets, and a color never says more than its marks."""

from dataclasses import replace

from embedding_designs.comparison.results_of_best_sets import BestOverRuns
from embedding_designs.comparison.sentences.matrix import marks_in_words
from embedding_designs.comparison.verdict_matrix import verdict_matrix
from helpers.figure_examples import changed, comparison_of

A, B, C = "eos-causal", "last-layer-causal", "multi-layer-causal"


def one(category: str, over_tasks: list[str] | None, over_runs: list[str] | None):
    """Return a comparison with these best sets; None: not tested."""
    found = replace(comparison_of([1.0, 2.0, 3.0]), category=category)
    reason = None if over_tasks else "Too few tasks."
    by_score = replace(found.these_checkpoints.best_by_score, best_set=over_tasks or [A, B, C], reason=reason)
    found = changed(found, "these_checkpoints.best_by_score", by_score)
    return changed(found, "these_designs.best", over_runs and BestOverRuns(over_runs, {}))


def column(over_tasks: list[str] | None, over_runs: list[str] | None) -> dict[str, tuple[str, str]]:
    """Return the marks and the verdict of each design in a matrix with one column."""
    (found,) = verdict_matrix([one("All", over_tasks, over_runs)]).columns
    return {name: (cell.marks, cell.verdict) for name, cell in found.cells.items()}


def test_marks_are_the_best_sets_and_colors_what_they_agree_on():
    assert column([A, B], [A]) == {A: ("●◆", "best"), B: ("●", "undecided"), C: ("", "worse")}
    assert column([A], None) == {A: ("●", "best"), B: ("", "worse"), C: ("", "worse")}
    assert column(None, [B, A]) == {A: ("◆", "best"), B: ("◆", "best"), C: ("", "worse")}


def test_a_hollow_mark_is_what_only_the_corrected_best_set_contains():
    sts = one("STS", [A], [A, B])
    by_score = replace(sts.these_checkpoints.best_by_score, best_set_together=[A, C])
    sts = changed(sts, "these_checkpoints.best_by_score", by_score)
    sts = changed(sts, "these_designs.best", BestOverRuns([A, B], {}, best_set_together=[A, B, C]))
    matrix = verdict_matrix([sts, one("Retrieval", [B], [B]), one("All", [A], [A])])
    cells = matrix.columns[1].cells
    assert {name: cell.marks for name, cell in cells.items()} == {A: "●◆", B: "◆", C: "○◇"}
    assert cells[C].verdict == "worse"  # by this category alone
    assert matrix.doubtful == ["over_tasks", "over_runs"]
    assert list(marks_in_words(matrix)) == ["●", "◆", "○◇"]


def test_a_column_that_rules_out_nothing_is_undecided():
    assert column([A, B, C], [C, B, A]) == dict.fromkeys([A, B, C], ("●◆", "undecided"))
    assert column(None, None) == dict.fromkeys([A, B, C], ("", "undecided"))


def test_all_tasks_come_first_and_a_single_category_is_left_out():
    of_sts, overall = one("STS", [A], None), one("All", [A, B], None)
    of_retrieval = one("Retrieval", [B], None)
    assert [c.category for c in verdict_matrix([of_sts, overall]).columns] == ["All"]
    columns = verdict_matrix([of_sts, of_retrieval, overall]).columns
    assert [c.category for c in columns] == ["All", "STS", "Retrieval"]


def test_rows_are_ordered_by_mean_and_ranks_are_those_of_the_statistics():
    overall = one("All", [A, B], None)
    overall = replace(overall, mean_scores={A: 0.1, B: 0.3, C: 0.2})
    matrix = verdict_matrix([overall])
    assert matrix.designs == [B, C, A]
    assert matrix.ranks == overall.these_checkpoints.best_by_score.ranks
    assert verdict_matrix([one("All", None, [A])]).ranks is None
