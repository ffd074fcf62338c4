"""Writes the table of task sizes from the descriptive statistics that mteb ships with its tasks.

python -m embedding_designs.planning.record_task_sizes --output task_sizes.csv
"""

import argparse
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import mteb

from ..common.command import command
from ..fetching.mteb_tasks import mteb_task
from ..study.categories import CATEGORIES
from ..study.task_sizes import TABLE, Side
from .package_tables import write_package_table

TEXTS = (
    "text_statistics", "text1_statistics", "text2_statistics", "sentence1_statistics", "sentence2_statistics",
    "summaries_statistics",
)  # fmt: skip
NEEDED = {"total_text_length", "average_text_length", "unique_texts"}
SAME = 1e-4  # relative difference in number and mean length up to which two corpora are the same


def recorded_sizes() -> list[Side]:
    """Return the sizes of text tasks with statistics in mteb, sorted by category and name.

    Each English task is there, and each task of a benchmark that counts other splits or subsets of it.
    """
    tasks = mteb.get_tasks(languages=["eng"], task_types=list(CATEGORIES), exclude_superseded=False)
    english = {task.metadata.name: mteb_task(task.metadata.name) for task in tasks if _has_texts(task)}
    sides = [side for task in english.values() for side in sides_of(task)]
    for benchmarks, task in _counted_otherwise(english):
        sides.extend(sides_of(task, "; ".join(benchmarks)))
    sides.sort(key=lambda side: (CATEGORIES.index(side.category), side.task, side.benchmarks))
    return _with_corpora(sides)


def _has_texts(task: Any) -> bool:
    about = task.metadata
    return about.modalities == ["text"] and about.type in CATEGORIES and bool(about.descriptive_stats)


def _counted_otherwise(english: Mapping[str, Any]) -> list[tuple[list[str], Any]]:
    """Return the benchmarks' tasks that count other texts than the English ones, each with its benchmarks."""
    found: dict[tuple[str, str], tuple[list[str], Any]] = {}
    for benchmark in mteb.get_benchmarks():
        for task in filter(_has_texts, benchmark.tasks):
            name = task.metadata.name
            if name not in english or _counted(task) != _counted(english[name]):
                names, _ = found.setdefault((name, _counted(task)), ([], task))
                if benchmark.name not in names:
                    names.append(benchmark.name)
    return list(found.values())


def _counted(task: Any) -> str:
    return str((sorted(task.eval_splits), sorted(task.hf_subsets)))


def sides_of(task: Any, benchmarks: str = "") -> Iterator[Side]:
    """Yield a task's sides, summed over its splits and subsets."""
    statistics = task.metadata.descriptive_stats
    sums: dict[str, list[float]] = {}
    for split in task.eval_splits:
        for subset in task.hf_subsets:
            part = statistics.get(split, {})
            part = part.get("hf_subset_descriptive_stats", {}).get(subset, part)
            train = statistics.get(getattr(task, "train_split", ""), {})
            train = train.get("hf_subset_descriptive_stats", {}).get(subset, train)
            for side, texts, unique, characters in _texts(task, part, train):
                total = sums.setdefault(side, [0, 0, 0])
                for place, value in enumerate((texts, unique, texts * characters)):
                    total[place] += value
    once = _embedded_share_of_pairs(task)
    for side, (texts, unique, characters) in sums.items():
        yield Side(task.metadata.name, task.metadata.type, side, round(once * texts), round(once * unique),
                   round(characters / texts, 1), benchmarks=benchmarks)  # fmt: skip


def _embedded_share_of_pairs(task: Any) -> float:
    """Return the share of a task's pairs that is embedded: 1, unless its subsets share their columns."""
    if not getattr(task, "parallel_subsets", False):
        return 1.0
    languages = {language for pair in task.hf_subsets for language in pair.split("-")}
    return len(languages) / (2 * len(task.hf_subsets))


def _texts(
    task: Any, split: dict[str, Any], train: dict[str, Any]
) -> Iterator[tuple[str, float, float, float]]:
    """Yield side, texts, distinct texts, and mean length for each side of one split."""
    for name, statistics in split.items():
        if not name.endswith(TEXTS) or not statistics or not statistics.keys() >= NEEDED:
            continue
        if name == "text_statistics" and task.metadata.type == "Summarization":
            continue  # only the summaries are embedded, not the texts
        length = statistics["average_text_length"]
        texts, unique = statistics["total_text_length"] / length, statistics["unique_texts"]
        share = _embedded_share(task, texts)
        unique *= 1 - (1 - share) ** (texts / unique)  # the expected number in a sample
        yield name.removesuffix("_statistics").removesuffix("_text"), texts * share, unique, length
    if "Classification" in task.metadata.type and train.get("text_statistics"):
        labels = train["label_statistics"]["unique_labels"]
        drawn = min(train["num_samples"], task.samples_per_label * labels * task.n_experiments)
        yield "train", drawn, drawn, train["text_statistics"]["average_text_length"]


def _embedded_share(task: Any, texts: float) -> float:
    """Return the share of a task's texts that MTEB embeds, which is 1 except for some clustering tasks."""
    fraction = getattr(task, "max_fraction_of_documents_to_embed", None)
    if "max_fraction_of_documents_to_embed = None" in inspect.getsource(type(task)):
        fraction = None  # set while the data are loaded
    limit = getattr(task, "max_document_to_embed", None)
    return fraction or (min(1.0, limit / texts) if limit else 1.0)


def _with_corpora(sides: list[Side]) -> list[Side]:
    """Return the sides; documents that several tasks share carry the name of the first of these tasks."""
    documents = [side for side in sides if side.side == "documents"]
    named: list[Side] = []
    for side in sides:
        alike = [other for other in documents if side.side == other.side and _same(side, other)]
        name = " in ".join(filter(None, [alike[0].task, alike[0].benchmarks])) if alike else ""
        shared = len({other.task for other in alike}) > 1
        named.append(replace(side, corpus=name if shared else ""))
    return named


def _same(one: Side, other: Side) -> bool:
    return (
        abs(one.texts - other.texts) <= SAME * one.texts
        and abs(one.characters - other.characters) <= SAME * one.characters
    )


@command
def main() -> None:
    """Write the table of task sizes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", type=Path, default=TABLE)
    output = parser.parse_args().output
    write_package_table(output, [field.name for field in fields(Side)], map(astuple, recorded_sizes()))


if __name__ == "__main__":
    main()
