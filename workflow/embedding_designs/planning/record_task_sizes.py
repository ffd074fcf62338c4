"""Writes the table of task sizes from the descriptive statistics that mteb ships with its tasks.

python -m embedding_designs.planning.record_task_sizes --output task_sizes.csv
"""

import argparse
import csv
import inspect
from collections.abc import Iterator
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

import mteb

from ..common.atomic_writes import atomic
from ..common.command import command
from ..fetching.mteb_tasks import mteb_task
from ..study.categories import CATEGORIES
from ..study.task_sizes import TABLE, Side

TEXTS = ("text_statistics", "text1_statistics", "text2_statistics", "summaries_statistics")
SAME = 1e-4  # relative difference in number and mean length up to which two corpora are the same


def recorded_sizes() -> list[Side]:
    """Return the sizes of all English text tasks with statistics in mteb, sorted by category and name."""
    sides: list[Side] = []
    for task in mteb.get_tasks(languages=["eng"], task_types=list(CATEGORIES), exclude_superseded=False):
        if task.metadata.modalities == ["text"] and task.metadata.descriptive_stats:
            sides.extend(sides_of(mteb_task(task.metadata.name)))
    sides.sort(key=lambda side: (CATEGORIES.index(side.category), side.task))
    return _with_corpora(sides)


def sides_of(task: Any) -> Iterator[Side]:
    """Yield a task's sides, summed over its test splits and English subsets."""
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
    for side, (texts, unique, characters) in sums.items():
        yield Side(task.metadata.name, task.metadata.type, side, round(texts), round(unique),
                   round(characters / texts, 1))  # fmt: skip


def _texts(
    task: Any, split: dict[str, Any], train: dict[str, Any]
) -> Iterator[tuple[str, float, float, float]]:
    """Yield side, texts, distinct texts, and mean length for each side of one split."""
    for name, statistics in split.items():
        if not statistics or not name.endswith(TEXTS):
            continue
        if name == "text_statistics" and task.metadata.type == "Summarization":
            continue  # only the summaries are embedded, not the texts
        length = statistics["average_text_length"]
        texts, unique = statistics["total_text_length"] / length, statistics["unique_texts"]
        share = _embedded_share(task, texts)
        unique *= 1 - (1 - share) ** (texts / unique)  # the expected number in a sample
        yield name.removesuffix("_statistics").removesuffix("_text"), texts * share, unique, length
    if task.metadata.type == "Classification" and train.get("text_statistics"):
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
    named: list[Side] = []
    for side in sides:
        alike = [other for other in sides if side.side == other.side == "documents" and _same(side, other)]
        name = alike[0].task if len({other.task for other in alike}) > 1 else ""
        named.append(Side(**{**asdict(side), "corpus": name}))
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
    with atomic(output) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Side)])
        writer.writerows(astuple(side) for side in recorded_sizes())


if __name__ == "__main__":
    main()
