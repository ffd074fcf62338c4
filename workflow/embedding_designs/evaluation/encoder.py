"""Encodes texts for MTEB with a model and the study's prompts, each text only once."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta
from mteb.types import PromptType
from sentence_transformers.util import cos_sim
from torch import Tensor
from torch.utils.data import DataLoader

from ..study.categories import ONLY_QUERIES, SEARCHES
from .devices import encode_batches, needs_separate_prompt
from .embedding_store import HALF_FROM, EmbeddingStore, text_keys

TEXTS_AT_ONCE = 1024  # limits a batch of short texts
CHARACTERS_A_TOKEN = 3  # a lower bound for English; affects only the batch size
ON_GPU = 10**7  # similarities; smaller matrices are computed on the CPU


class Encoder(AbsEncoder):
    """Embeds the texts of MTEB tasks with any object that has Sentence Transformers' `encode` method.

    prompts: prompt by task or category name, prepended to a text with no separator; batch_size: full-length
    texts per batch, which holds more shorter ones; store: where embeddings are stored, by default in a
    temporary folder.
    """

    def __init__(
        self, model: Any, prompts: Mapping[str, str], batch_size: int, store: EmbeddingStore | None = None
    ):
        self.model = model
        self.prompts = prompts
        self.batch_size = batch_size
        self.mteb_model_meta = ModelMeta.create_empty({"name": "embedding-designs/run", "revision": "local"})
        if store is None:
            self.temporary = tempfile.TemporaryDirectory()
            store = EmbeddingStore(Path(self.temporary.name))
        self.store = store

    def encode(
        self,
        inputs: DataLoader,
        *,
        task_metadata: TaskMetadata,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Any,
    ) -> np.ndarray:
        """Return the embeddings, (texts, dim), in float32, or in float16 for many queries or documents."""
        prompt = prompt_for(self.prompts, task_metadata.name, task_metadata.type, prompt_type)
        texts, reading = _texts(inputs), {}
        if needs_separate_prompt(self.model):
            side = "document" if prompt_type == PromptType.document else "query"
            reading = {"prompt": prompt, "task": side}
        elif prompt:
            texts = [prompt + text for text in texts]
        half = len(texts) >= HALF_FROM
        kind = np.float16 if half and task_metadata.type in SEARCHES else np.float32
        return self.embed(texts, task_metadata.name, half, kind, **reading)

    def embed(
        self, texts: Sequence[str], task_name: str, half: bool, kind: type, **reading: str
    ) -> np.ndarray:
        """Return the embeddings, (texts, dim), of texts that include their prompt, unless it is in `reading`.

        reading: Sentence Transformers' `prompt` and `task`, for a model that `needs_separate_prompt`.
        """
        keys = text_keys(texts if not reading else (read_key(text, **reading) for text in texts))
        self.store.refresh()
        self._embed_new(texts, keys, task_name, half, reading)
        try:
            return self.store.read(keys, half, kind)
        except FileNotFoundError:  # another process of the run has finished the task and removed it
            self.store.reset()
            return self.embed(texts, task_name, half, kind, **reading)

    def similarity(self, embeddings1: np.ndarray, embeddings2: np.ndarray) -> Tensor:
        """Return all pairwise cosine similarities; large matrices are computed on the GPU if there is one."""
        many = len(embeddings1) * len(embeddings2) >= ON_GPU and torch.cuda.is_available()
        return cos_sim(*(_tensor(vectors, many) for vectors in (embeddings1, embeddings2)))

    def _embed_new(
        self, texts: Sequence[str], keys: np.ndarray, task: str, half: bool, reading: Mapping[str, str]
    ) -> None:
        _, first = np.unique(keys, return_index=True)
        first.sort()
        new = first[~self.store.known(keys[first], half)]
        batches = self._batches(texts, new)
        of_texts = [[texts[row] for row in rows] for rows in batches]
        for number, vectors in encode_batches(self.model, of_texts, **reading):
            self.store.add(task, keys[batches[number]], np.asarray(vectors), half)

    def _batches(self, texts: Sequence[str], rows: np.ndarray) -> list[list[int]]:
        """Return rows in batches with about equal numbers of tokens, longest texts first."""
        limit = getattr(self.model, "max_seq_length", None) or np.inf
        batches: list[list[int]] = []
        room = 0
        for row in sorted(rows.tolist(), key=lambda row: -len(texts[row])):
            if room == 0:
                tokens = min(limit, len(texts[row]) / CHARACTERS_A_TOKEN + 2)
                room = self.batch_size if limit == np.inf else int(self.batch_size * limit / tokens)
                room = min(room, max(TEXTS_AT_ONCE, self.batch_size))
                batches.append([])
            batches[-1].append(row)
            room -= 1
        return batches


def read_key(text: str, prompt: str, task: str) -> str:
    """Return a key that differs for texts that a model reads differently."""
    return f"{task} {len(prompt)} {prompt}{text}"


def _texts(inputs: DataLoader) -> list[str]:
    """Return the texts of MTEB's loader, directly from its dataset if possible, which is much faster."""
    dataset: Any = getattr(inputs, "dataset", None)
    if "text" in getattr(dataset, "column_names", ()):
        return list(dataset["text"])
    return [text for batch in inputs for text in batch["text"]]


def _tensor(vectors: np.ndarray | Tensor, on_gpu: bool) -> Tensor:
    return torch.as_tensor(vectors).to("cuda" if on_gpu else "cpu").float()


def prompt_for(prompts: Mapping[str, str], task: str, category: str, prompt_type: PromptType | None) -> str:
    """Return the prompt for one side of a task: the task's own, else its category's, else an empty string.

    In Retrieval, and where queries have instructions, only queries get a prompt; in other categories,
    including Reranking, both sides do, as in arXiv 2409.02727.
    """
    if category in ONLY_QUERIES and prompt_type == PromptType.document:
        return ""
    return prompts.get(task, prompts.get(category, ""))
