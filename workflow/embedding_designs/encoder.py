"""The encoder that MTEB sees: a model, the study's prompts, and each text embedded once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta
from mteb.types import PromptType
from torch.utils.data import DataLoader

CACHED_TEXTS = 200_000  # bounds the memory of remembered embeddings: 3.3 GB at 4,096 dimensions


class Encoder(AbsEncoder):
    """Embeds the texts of MTEB tasks with any object that has Sentence Transformers' `encode`.

    prompts: text by task or category name, put before a text with no separator. Within the life of an
    encoder a text with the same prompt is embedded once, however many tasks hold it.
    """

    def __init__(self, model: Any, prompts: Mapping[str, str], batch_size: int):
        self.model = model
        self.prompts = prompts
        self.batch_size = batch_size
        self.mteb_model_meta = ModelMeta.create_empty({"name": "embedding-designs/run", "revision": "local"})
        self.embeddings: dict[str, np.ndarray] = {}

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
        """Return the embeddings, (texts, dim), float32."""
        prompt = prompt_for(self.prompts, task_metadata.name, task_metadata.type, prompt_type)
        return self.embed([prompt + text for batch in inputs for text in batch["text"]])

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of texts that already have their prompt, (texts, dim)."""
        new = [text for text in dict.fromkeys(texts) if text not in self.embeddings]
        known = self.embeddings
        if new:
            vectors = self.model.encode(new, batch_size=self.batch_size, show_progress_bar=False)
            known = known | dict(zip(new, vectors, strict=True))
        if len(known) <= CACHED_TEXTS:
            self.embeddings = known
        return np.stack([known[text] for text in texts])


def prompt_for(prompts: Mapping[str, str], task: str, category: str, prompt_type: PromptType | None) -> str:
    """Return the prompt of one side of a task: the task's own, else its category's, else none.

    Retrieval has it on queries only; everything else, Reranking included, on both sides, as in
    arXiv 2409.02727.
    """
    if category == "Retrieval" and prompt_type == PromptType.document:
        return ""
    return prompts.get(task, prompts.get(category, ""))
