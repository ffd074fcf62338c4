"""Prompts stand where the study puts them, and a text is embedded once."""

import numpy as np
import pytest
from mteb.types import PromptType

from embedding_designs.encoder import Encoder, prompt_for

PROMPTS = {"NFCorpus": "find: ", "Reranking": "rank: ", "STS": "compare: ", "STS12": "weigh: "}


@pytest.mark.parametrize(
    ("task", "category", "side", "prompt"),
    [
        ("NFCorpus", "Retrieval", PromptType.query, "find: "),
        ("NFCorpus", "Retrieval", PromptType.document, ""),
        ("SciDocsRR", "Reranking", PromptType.query, "rank: "),
        ("SciDocsRR", "Reranking", PromptType.document, "rank: "),
        ("STS13", "STS", None, "compare: "),
        ("STS12", "STS", None, "weigh: "),
        ("SciFact", "Retrieval", PromptType.query, ""),
    ],
)
def test_prompt_is_the_tasks_own_or_its_categorys_and_never_on_retrieval_documents(
    task, category, side, prompt
):
    assert prompt_for(PROMPTS, task, category, side) == prompt


class Recorder:
    """An encoder that remembers the texts it was given; a text's embedding is its length."""

    def __init__(self):
        self.seen = []

    def encode(self, texts, **kwargs):
        self.seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


class Metadata:
    name, type = "STS12", "STS"


def encode(encoder, *texts):
    return encoder.encode(
        [{"text": list(texts)}], task_metadata=Metadata, hf_split="test", hf_subset="default"
    )


def test_prompt_and_text_are_joined_with_no_separator():
    recorder = Recorder()
    encode(Encoder(recorder, PROMPTS, batch_size=2), "fox")
    assert recorder.seen == ["weigh: fox"]


def test_a_text_is_embedded_once_and_every_row_is_its_own():
    recorder = Recorder()
    encoder = Encoder(recorder, {}, batch_size=2)
    first = encode(encoder, "a", "bb", "a", "ccc")
    again = encode(encoder, "ccc", "dddd", "a")
    assert first[:, 0].tolist() == [1, 2, 1, 3]
    assert again[:, 0].tolist() == [3, 4, 1]
    assert recorder.seen == ["a", "bb", "ccc", "dddd"]


def test_remembered_texts_are_bounded(monkeypatch):
    monkeypatch.setattr("embedding_designs.encoder.CACHED_TEXTS", 2)
    encoder = Encoder(Recorder(), {}, batch_size=2)
    assert encode(encoder, "a", "bb", "ccc")[:, 0].tolist() == [1, 2, 3]
    assert len(encoder.embeddings) <= 2
