"""How many texts of which length MTEB's English tasks have, so that a study can be planned before it runs.

python -m embedding_designs.task_sizes --output resources/tasks/sizes.csv

The table is made from the descriptive statistics that mteb records with its tasks; reading it needs neither mteb
nor the network.
"""

import argparse
import csv
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from .command import command, whole

TABLE = Path(__file__).parents[2] / "resources" / "tasks" / "sizes.csv"
CATEGORIES = (
    "STS", "PairClassification", "Clustering", "Reranking", "Classification", "Retrieval", "Summarization"
)  # fmt: skip
SMALL = 80e6  # characters, about 20 million tokens: ten minutes of a 7B model on one GPU
SAME = 1e-4  # corpora whose documents agree to this in number and mean length are the same


@dataclass(frozen=True)
class Side:
    """Texts that a task has embedded, such as its documents or queries.

    texts, unique: how many, and how many different ones; characters: their mean length; corpus: a name that
    tasks with the same documents share, or "".
    """

    task: str
    category: str
    side: str
    texts: int
    unique: int
    characters: float
    corpus: str = ""


@cache
def task_sizes() -> dict[str, list[Side]]:
    """Return the sides of each task of the table."""
    sizes: dict[str, list[Side]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            side = Side(*(field.type(row[field.name]) for field in fields(Side)))
            sizes.setdefault(side.task, []).append(side)
    return sizes


def corpora(task: str) -> set[str]:
    """Return the names of the shared corpora that a task searches."""
    return {side.corpus for side in task_sizes().get(task, []) if side.corpus}


def others_with_corpus(task: str) -> set[str]:
    """Return the other tasks that search the same documents."""
    own = corpora(task)
    return {other for other in task_sizes() if other != task and corpora(other) & own}


def batches_by_size(
    tasks: Mapping[str, Sequence[str]], small: Collection[str] = ()
) -> dict[str, dict[str, list[str]]]:
    """Return tasks in batches: the small ones together, those that share a corpus together, others alone.

    tasks: names by category; small: those known to be small though they are not in the table; result: batch
    name -> category -> names. A task of unknown size is alone.
    """
    named = [(category, name) for category, names in tasks.items() for name in names]
    batches: dict[str, dict[str, list[str]]] = {}
    for category, name in named:
        if name in small or 0 < characters(name) < SMALL:
            batch = "small"
        else:
            batch = "+".join(other for _, other in named if other == name or corpora(other) & corpora(name))
        batches.setdefault(batch, {}).setdefault(category, []).append(name)
    return batches


def characters(task: str) -> float:
    """Return how many characters a task has embedded, each text once; 0 where it is not in the table."""
    return sum(side.unique * side.characters for side in task_sizes().get(task, []))


def recorded_sizes() -> list[Side]:
    """Return the sizes of all English text tasks for which mteb has statistics, by category and name."""
    import mteb

    sides = []
    for task in mteb.get_tasks(languages=["eng"], task_types=list(CATEGORIES), exclude_superseded=False):
        if task.metadata.modalities == ["text"] and task.metadata.descriptive_stats:
            sides.extend(_sides(task))
    sides.sort(key=lambda side: (CATEGORIES.index(side.category), side.task))
    return _with_corpora(sides)


def _sides(task: Any) -> Iterator[Side]:
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


def _texts(task: Any, split: dict[str, Any], train: dict[str, Any]) -> Iterator[tuple[str, float, float, float]]:
    """Yield side, texts, different texts and mean length for each side of one split."""
    for name, statistics in split.items():
        if name == "text_statistics" and task.metadata.type == "Summarization":
            continue  # the texts themselves are not embedded, their summaries are
        if name.endswith(("text_statistics", "text1_statistics", "text2_statistics", "summaries_statistics")):
            if statistics:
                length = statistics["average_text_length"]
                texts = statistics["total_text_length"] / length
                share = _embedded_share(task, texts)
                unique = statistics["unique_texts"]
                unique *= 1 - (1 - share) ** (texts / unique)  # expected in a sample
                yield name.removesuffix("_statistics").removesuffix("_text"), texts * share, unique, length
    if task.metadata.type == "Classification" and train.get("text_statistics"):
        labels = train["label_statistics"]["unique_labels"]
        drawn = min(train["num_samples"], task.samples_per_label * labels * task.n_experiments)
        yield "train", drawn, drawn, train["text_statistics"]["average_text_length"]


def _embedded_share(task: Any, texts: float) -> float:
    """Return which part of a clustering task's texts MTEB embeds; of other tasks all."""
    fraction = getattr(task, "max_fraction_of_documents_to_embed", None)
    if "max_fraction_of_documents_to_embed = None" in inspect.getsource(type(task)):
        fraction = None  # set when the data are loaded
    limit = getattr(task, "max_document_to_embed", None)
    return fraction or (min(1.0, limit / texts) if limit else 1.0)


def _with_corpora(sides: list[Side]) -> list[Side]:
    """Return the sides, those of documents that several tasks share with the name of the first such task."""
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
    with whole(output) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Side)])
        writer.writerows(astuple(side) for side in recorded_sizes())


if __name__ == "__main__":
    main()
