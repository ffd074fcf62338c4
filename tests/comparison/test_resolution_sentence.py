"""Two sentences say how finely the tasks resolve the order of many models."""

from embedding_designs.comparison.results_of_best_sets import Neighbors, Resolution
from embedding_designs.comparison.sentences.resolution import about_resolution
from helpers.figure_examples import changed, comparison_of, spread_ranks


def said(n_designs: int, tasks_needed: list[int | None]) -> list[str]:
    """Return the sentences on designs of which the first two neighbors are separated."""
    comparison = comparison_of(spread_ranks(n_designs))
    names = comparison.designs
    neighbors = [
        Neighbors(names[place], names[place + 1], 0.01, place < 2, tasks)
        for place, tasks in enumerate(tasks_needed)
    ]
    found = Resolution(n_designs * (n_designs - 1) // 2, {"wilcoxon_holm": 44}, neighbors)
    return list(about_resolution(changed(comparison, "these_checkpoints.resolution", found)))


def test_pairs_neighbors_and_the_tasks_for_half_of_them_are_said():
    (sentence,) = said(12, [10, 20, 30, 40, 50, 1234, 2000, 3000, 4000, None, None])
    assert "separates 44 of 66 pairs (67%), and 2 of the 11 pairs of" in sentence
    assert sentence.endswith(
        "Separating half of these neighbors with 80% power would take about 1,200 tasks, given the spread "
        "observed here."
    )


def test_equal_neighbors_are_never_separated():
    (sentence,) = said(12, [10, *[None] * 10])
    assert sentence.endswith("At least half of these neighbors have the same mean score.")


def test_of_few_designs_all_pairs_are_named_anyway():
    assert said(10, [5] * 9) == []
