"""Scores the embedding of each layer on tasks, and takes a sample of their texts."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common.command import note, progress
from ..common.errors import BadInput
from ..common.json_files import read_json, write_json
from ..common.layer_files import TaskScores
from ..common.typed_json import from_json, to_json
from ..evaluation.embedding_store import text_keys
from ..evaluation.encoder import Encoder
from ..evaluation.tasks import load, score
from .layer_stores import LayerStore, finish_task


@dataclass(frozen=True, order=True)
class Sampled:
    """A text of a task, which includes its prompt unless the model `needs_separate_prompt`.

    prompt, task: Sentence Transformers' arguments for such a model; otherwise empty. Sorting puts texts that
    are read the same way next to each other.
    """

    prompt: str
    task: str
    text: str

    @property
    def reading(self) -> dict[str, str]:
        """Return the arguments of `Encoder.embed` that say how the model reads the text."""
        return {"prompt": self.prompt, "task": self.task} if self.task else {}


@dataclass(frozen=True)
class FinishedTask:
    """The scores of all layers on a task, and a sample of its texts."""

    scores: TaskScores
    sample: list[Sampled]


class SamplingEncoder(Encoder):
    """An encoder that remembers some of the texts that it embeds, the same ones for every model."""

    def __init__(self, *arguments: Any, size: int):
        super().__init__(*arguments)
        self.size = size
        self.sampled: dict[int, Sampled] = {}

    @property
    def sample(self) -> list[Sampled]:
        """Return the `size` texts, or all if there are fewer, whose keys are smallest: a random choice."""
        return [self.sampled[key] for key in sorted(self.sampled)[: self.size]]

    def embed(
        self, texts: Sequence[str], task_name: str, half: bool, kind: type, **reading: str
    ) -> np.ndarray:
        """Return the embeddings of texts, and remember some of them."""
        salted = text_keys(
            f"{task_name}\n{text}" for text in texts
        )  # tasks that share texts have different samples
        keys, places = np.unique(salted, return_index=True)
        smallest = zip(keys[: self.size].tolist(), places[: self.size].tolist(), strict=True)
        self.sampled |= {
            key: Sampled(reading.get("prompt", ""), reading.get("task", ""), texts[place])
            for key, place in smallest
        }
        return super().embed(texts, task_name, half, kind, **reading)


def score_layers(
    model: Any,
    config: Mapping[str, Any],
    stores: Sequence[LayerStore],
    docstring_tasks: Path | None,
    partial: Path,
    description: str,
) -> Iterator[FinishedTask]:
    """Yield the scores of all layers on each task of an analysis.

    model: returns the embeddings of all layers; stores: one for each of them; partial: folder with a file per
    finished task, which is not scored again.
    """
    tasks = [(category, name) for category, names in config["tasks"].items() for name in names]
    size = max(1, config["texts"] // len(tasks))
    for category, name in progress(tasks, description=f"layers of {description}"):
        done = partial / f"{name}.json"
        finished = read_finished(done)
        if finished is None:
            encoder = SamplingEncoder(model, config["prompts"], config["batch_size"], stores[0], size=size)
            found = []
            for store in stores:  # only the first one embeds texts
                encoder.store = store
                found.append(score(encoder, load(name, docstring_tasks, config.get("benchmark"))))
            values = [row["score"] for row in found]
            finished = FinishedTask(TaskScores(name, category, found[0]["metric"], values), encoder.sample)
            write_json(done, to_json(finished))
        finish_task(stores, name)
        yield finished


def read_finished(path: Path) -> FinishedTask | None:
    """Return a finished task, or None if its file is missing or, which is noted, damaged."""
    if not path.exists():
        return None
    try:
        return from_json(FinishedTask, read_json(path), str(path))
    except BadInput as damage:
        note(f"{damage}; the task is scored again")
        return None


def embeddings_of(
    model: Any, config: Mapping[str, Any], stores: Sequence[LayerStore], texts: Sequence[Sampled]
) -> np.ndarray:
    """Return the embeddings of texts, (texts, layers, dim)."""
    by_layer = [Encoder(model, {}, config["batch_size"], store) for store in stores]
    parts = [
        np.stack([encoder.embed(group, "sample", False, np.float32, **reading) for encoder in by_layer], 1)
        for reading, group in grouped_by_reading(texts)
    ]
    return np.concatenate(parts)


def grouped_by_reading(texts: Iterable[Sampled]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield consecutive texts that are read the same way, preceded by how they are read."""
    for _, group in itertools.groupby(texts, key=lambda text: (text.prompt, text.task)):
        sampled = list(group)
        yield sampled[0].reading, [text.text for text in sampled]
