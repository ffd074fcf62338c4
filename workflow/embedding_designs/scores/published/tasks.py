"""Looks up the MTEB tasks that a study of published scores compares, and their categories."""

from collections.abc import Sequence

from ...common.errors import BadInput
from ...common.near_names import nearest
from ...study.benchmarks import benchmarks, categories_of_tasks

KEY = "scores.benchmark"


def selected_tasks(benchmark: str, names: Sequence[str]) -> dict[str, str]:
    """Return task -> category for a benchmark or, if names are given, for these tasks of it."""
    tasks = benchmark_tasks(benchmark)
    for name in names:
        if name not in tasks:
            raise BadInput(f"scores.tasks {name} is not a task of {benchmark}; {nearest(name, tasks)}")
    return {name: tasks[name] for name in names} if names else tasks


def benchmark_tasks(benchmark: str, key: str = KEY) -> dict[str, str]:
    """Return task -> category for an MTEB benchmark; those in the table need no import of mteb.

    key: what errors call the benchmark.
    """
    if benchmark in benchmarks():
        return {task.name: task.category for task in benchmarks()[benchmark]}
    from ...fetching.mteb_tasks import tasks_of_benchmark  # mteb takes seconds to import

    return {task.metadata.name: task.metadata.type for task in tasks_of_benchmark(benchmark, key)}


def task_category(name: str) -> str:
    """Return the category of an MTEB task; those of benchmarks need no import of mteb."""
    if name in categories_of_tasks():
        return categories_of_tasks()[name]
    from ...fetching.mteb_tasks import find_task, unknown_task  # mteb takes seconds to import

    if (task := find_task(name)) is None:
        raise BadInput(unknown_task(name))
    return task.metadata.type
