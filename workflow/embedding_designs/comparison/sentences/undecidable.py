"""Says what these tasks and seeds cannot decide."""

from collections.abc import Iterator, Sequence

from ...common.wording import counted, listing
from ..p_values import p_value
from ..results import Comparison
from ..results_of_tests import Detected, DetectedOverTasks

TESTS = {  # that give a p-value over tasks
    "friedman": "Friedman's chi-square",
    "nemenyi": "Nemenyi's test",
    "wilcoxon_holm": "Wilcoxon's test with Holm's correction over {family}",
    "control_holm": "the test against the control with Holm's correction over {family}",
}


def cannot_be_decided(comparison: Comparison, alpha: float) -> Iterator[str]:
    """Yield the tests that cannot decide here, and the smallest differences that could be detected."""
    decidable = comparison.undecidable.decidable
    if hopeless := [test for test in TESTS if not decidable[test]]:
        yield _too_few_tasks(comparison, hopeless, alpha)
    if comparison.these_checkpoints.equivalence is not None and not decidable["equivalence"]:
        tasks = counted(comparison.n_tasks, "task")
        yield f"With {tasks}, practical equivalence cannot be shown: the test's prior could decide it."
    detectable = comparison.undecidable.detectable
    yield _detectable_over_tasks(comparison, detectable.checkpoints, detectable.power)
    if not comparison.these_designs.refused:
        size, found = len(comparison.seeds), detectable.designs
        needed = (found.seeds_needed or 0, "seed")
        where = "Across newly trained runs"
        yield _detectable(where, comparison.unit, found, size, needed, detectable.power)


def _too_few_tasks(comparison: Comparison, hopeless: Sequence[str], alpha: float) -> str:
    smallest = comparison.undecidable.attainable
    needed, k = smallest.tasks_needed, comparison.n_designs
    families = {"wilcoxon_holm": counted(k * (k - 1) // 2, "pair"), "control_holm": counted(k - 1, "test")}
    named = [
        f"{TESTS[test].format(family=families.get(test))} (smallest attainable p: "
        f"{p_value(getattr(smallest, test))}; it needs at least {needed[test]} tasks"
        f"{' without ties' if needed[test] <= comparison.n_tasks else ''})"
        for test in hopeless
    ]
    tied = any(needed[test] <= comparison.n_tasks for test in hopeless)
    given = f"given the ties between {comparison.unit}s" if tied else "whatever the scores"
    where = "over all tasks together" if comparison.category == "All" else "in this category"
    tests = "this test" if len(named) == 1 else "these tests"
    return (
        f"With {counted(comparison.n_tasks, 'task')}, p = {alpha:g} cannot be reached, {given}, "
        f"by {listing(named)}, so {tests} cannot decide anything {where}."
    )


def _detectable_over_tasks(comparison: Comparison, found: DetectedOverTasks, power: float) -> str:
    attainable = comparison.undecidable.attainable.tasks_needed["wilcoxon_holm"]
    needed = max(found.tasks_needed, attainable) if found.tasks_needed else 0
    return _detectable(
        "Over these tasks", comparison.unit, found, comparison.n_tasks, (needed, "task"), power
    )


def _detectable(
    where: str, unit: str, found: Detected, size: int, needed: tuple[int, str], power: float
) -> str:
    """Return what t tests would detect. needed: the tasks or seeds for the largest observed difference."""
    number, of = needed
    if found.difference is None:
        return found.reason
    enough = f", which would take {counted(number, of)} to detect with that power" if number > size else ""
    return (
        f"{where}, two {unit}s must differ by {found.difference:.3f} in mean score to be distinguished with "
        f"{power:.0%} power (t tests with Bonferroni's correction, given the spread observed here); the "
        f"largest observed difference is {found.observed:.3f}{enough}."
    )
