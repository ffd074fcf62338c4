"""Prompts are added where the study says, and each text is embedded once."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from mteb._create_dataloaders import create_dataloader
from mteb.types import PromptType
from sentence_transformers import util

from embedding_designs.evaluation import encoder as encoder_module
from embedding_designs.evaluation.embedding_store import EmbeddingStore
from embedding_designs.evaluation.encoder import Encoder, prompt_for
from embedding_designs.training.model import build_model
from helpers.toy import DESIGNS

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
    """An encoder that records its batches; the embedding of a text starts with its length."""

    max_seq_length = 20

    def __init__(self):
        self.batches = []

    @property
    def seen(self):
        return [text for batch in self.batches for text in batch]

    def encode(self, texts, **kwargs):
        self.batches.append(list(texts))
        return np.array([[len(text), 1 / 3] for text in texts], dtype=np.float32)


class Metadata:
    name, type = "STS12", "STS"
    modalities = ["text"]

    @staticmethod
    def get_modalities(prompt_type=None):
        return ["text"]


class Search(Metadata):
    name, type = "FEVER", "Retrieval"


def encode(encoder, *texts, task=Metadata, prompt_type=None):
    return encoder.encode(
        [{"text": list(texts)}],
        task_metadata=task,
        hf_split="test",
        hf_subset="default",
        prompt_type=prompt_type,
    )


def test_prompt_and_text_are_joined_with_no_separator():
    recorder = Recorder()
    encode(Encoder(recorder, PROMPTS, batch_size=2), "fox")
    assert recorder.seen == ["weigh: fox"]


def test_a_text_is_embedded_once_and_every_row_is_correct():
    recorder = Recorder()
    encoder = Encoder(recorder, {}, batch_size=2)
    first = encode(encoder, "a", "bb", "a", "ccc")
    again = encode(encoder, "ccc", "dddd", "a")
    assert first[:, 0].tolist() == [1, 2, 1, 3]
    assert again[:, 0].tolist() == [3, 4, 1]
    assert sorted(recorder.seen) == ["a", "bb", "ccc", "dddd"]


def test_a_text_is_embedded_once_for_all_tasks_and_processes_of_a_run(tmp_path):
    first, second = Recorder(), Recorder()
    encoder = Encoder(first, {}, 2, EmbeddingStore(tmp_path))
    encode(encoder, "a", "bb")
    encode(encoder, "bb", "ccc", task=Search, prompt_type=PromptType.document)
    encoder.store.flush()
    encode(Encoder(second, {}, 2, EmbeddingStore(tmp_path)), "ccc", "a", "dddd")
    assert sorted(first.seen) == ["a", "bb", "ccc"]
    assert second.seen == ["dddd"]


def test_a_text_with_another_prompt_is_another_text():
    recorder = Recorder()
    encoder = Encoder(recorder, {"FEVER": "find: "}, batch_size=2)
    encode(encoder, "a", task=Search, prompt_type=PromptType.query)
    encode(encoder, "a", task=Search, prompt_type=PromptType.document)
    assert recorder.seen == ["find: a", "a"]


def test_many_texts_get_half_precision_regardless_of_earlier_requests(monkeypatch):
    monkeypatch.setattr(encoder_module, "HALF_FROM", 3)
    third, half = np.float32(1 / 3), np.float16(1 / 3)
    encoder = Encoder(Recorder(), {}, batch_size=2)
    assert encode(encoder, "a", "bb")[:, 1].tolist() == [third] * 2
    many = encode(encoder, "bb", "ccc", "dddd")
    assert many.dtype == np.float32
    assert many[:, 1].tolist() == [half] * 3
    assert encode(encoder, "ccc", "a")[:, 1].tolist() == [third] * 2
    documents = encode(encoder, "a", "bb", "ccc", "dddd", task=Search, prompt_type=PromptType.document)
    assert documents.dtype == np.float16


def test_batches_have_texts_of_similar_length_and_equal_numbers_of_tokens(monkeypatch):
    """By hand, with 3 characters per token plus 2 tokens: 54 characters are 20 tokens, 12 characters 6."""
    recorder = Recorder()
    texts = [f"{number:0{length}}" for length in (12, 54, 200) for number in range(8)]
    encode(Encoder(recorder, {}, batch_size=3), *np.random.RandomState(0).permutation(texts).tolist())
    lengths = [[len(text) for text in batch] for batch in recorder.batches]
    assert lengths == [[200] * 3, [200] * 3, [200] * 2 + [54], [54] * 3, [54] * 3, [54] + [12] * 2, [12] * 6]


def test_texts_equal_those_of_mtebs_loader():
    rows = {"id": ["1", "2", "3"], "title": ["A", "", "C"], "text": [" one", "two ", "three"]}
    loader = create_dataloader(
        Dataset.from_dict(rows), task_metadata=Metadata, prompt_type=PromptType.document, batch_size=2
    )
    iterated = [text for batch in loader for text in batch["text"]]
    assert encoder_module._texts(loader) == iterated == ["A  one", "two", "C three"]


def test_embeddings_that_another_process_removed_are_recomputed(tmp_path):
    recorder = Recorder()
    mine, others = EmbeddingStore(tmp_path), EmbeddingStore(tmp_path)
    encode(Encoder(recorder, {}, 2, mine), "a", "bb")
    mine.flush()
    others.forget("STS12")
    assert encode(Encoder(recorder, {}, 2, mine), "bb", "a")[:, 0].tolist() == [2, 1]


def test_similarity_equals_that_of_sentence_transformers():
    one, two = torch.randn(3, 5).numpy(), torch.randn(4, 5).numpy()
    encoder = Encoder(Recorder(), {}, 2)
    torch.testing.assert_close(encoder.similarity(one, two), util.cos_sim(one, two), rtol=0, atol=0)


@pytest.mark.parametrize("design", ["echo-mean-causal", "mean-without-prompt"])
def test_a_model_with_templates_or_an_unpooled_prompt_is_told_side_and_prompt(design, bases):
    model = build_model(bases["mistral"], DESIGNS[design], max_seq_length=64)
    encoder = Encoder(model, {"FEVER": "dog: "}, batch_size=2)
    found = {kind: encode(encoder, "fox", task=Search, prompt_type=kind) for kind in PromptType}
    query, document = (
        model.encode(["fox"], prompt="dog: ", task="query"),
        model.encode(["fox"], task="document"),
    )
    np.testing.assert_allclose(found[PromptType.query], query, atol=1e-6)
    np.testing.assert_allclose(found[PromptType.document], document, atol=1e-6)
    np.testing.assert_allclose(encode(encoder, "fox"), model.encode_query(["fox"]), atol=1e-6)
    assert encode(encoder, "dog: fox").tolist() != found[PromptType.query].tolist()
