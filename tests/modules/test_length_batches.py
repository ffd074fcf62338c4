"""Texts of like length run together, and nothing but the padding that is computed depends on it."""

import pytest
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from embedding_designs.modules import length_batches
from embedding_designs.modules.length_batches import chunks_by_length
from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss
from embedding_designs.training.model import build_model
from helpers.toy import DESIGNS, sentence

MASK = torch.tensor([[0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 1, 1, 1, 1]])


def test_texts_are_sorted_by_length_and_packed_up_to_the_limit(monkeypatch):
    """By hand, 8 tokens at once: lengths 1 and 2 make a chunk of 2 x 2, then 4 alone (2 x 5 > 8), then 5."""
    monkeypatch.setitem(length_batches.TOKENS_AT_ONCE, "cpu", 8)
    chunks = [(chunk.rows.tolist(), chunk.start, chunk.stop) for chunk in chunks_by_length(MASK)]
    assert chunks == [([2, 0], 3, 5), ([3], 1, 5), ([1], 0, 5)]


def test_padding_on_the_right_is_cut_as_well(monkeypatch):
    monkeypatch.setitem(length_batches.TOKENS_AT_ONCE, "cpu", 4)
    (first, _) = chunks_by_length(torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]))
    assert (first.rows.tolist(), first.start, first.stop) == ([0], 0, 2)


def test_a_chunk_ends_before_its_padding_costs_as_much_as_another(monkeypatch):
    """By hand, 3 tokens of padding allowed: 1 and 2 pad 1, with 4 it would be 5; 4 and 5 pad 1."""
    monkeypatch.setitem(length_batches.PADDING_WORTH_A_CHUNK, "cpu", 3)
    chunks = [(chunk.rows.tolist(), chunk.start, chunk.stop) for chunk in chunks_by_length(MASK)]
    assert chunks == [([2, 0], 3, 5), ([3, 1], 0, 5)]


def test_a_text_above_the_limit_runs_alone(monkeypatch):
    monkeypatch.setitem(length_batches.TOKENS_AT_ONCE, "cpu", 1)
    assert sorted(len(chunk.rows) for chunk in chunks_by_length(MASK)) == [1, 1, 1, 1]


@pytest.mark.parametrize("design", DESIGNS)
def test_loss_and_gradients_are_those_of_one_padded_batch_for_each_column(design, bases, monkeypatch):
    """Sentence Transformers' own loss, run column by column on whole padded batches, is the reference."""
    torch.manual_seed(0)
    model = build_model(bases["mistral"], DESIGNS[design], max_seq_length=32)
    columns = [
        model.preprocess([sentence(seed + row, words=1 + (row * 7 + seed) % 12) for row in range(6)])
        for seed in (0, 100, 200)
    ]
    losses, gradients = [], []
    for loss, limit in [(MultipleNegativesRankingLoss, 10**6), (InBatchContrastiveLoss, 40)]:
        monkeypatch.setitem(length_batches.TOKENS_AT_ONCE, "cpu", limit)
        model.zero_grad()
        losses.append(loss(model, scale=20.0)([dict(column) for column in columns], None))
        losses[-1].backward()
        gradients.append({name: weights.grad for name, weights in model.named_parameters()})
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-6)
    for name, expected in gradients[0].items():
        if expected is None:  # a layer that the design does not read
            assert gradients[1][name] is None
            continue
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-3, atol=1e-4, msg=name)


def test_token_states_stand_where_their_tokens_do(bases, monkeypatch):
    model = build_model(bases["qwen2"], DESIGNS["mean-bidirectional"], max_seq_length=32).eval()
    features = model.preprocess([sentence(1, words=2), sentence(2, words=20), sentence(3, words=9)])
    states = []
    for limit in (10**6, 1):
        monkeypatch.setitem(length_batches.TOKENS_AT_ONCE, "cpu", limit)
        with torch.no_grad():
            states.append(model[0](dict(features))["token_embeddings"])
    real = features["attention_mask"].bool()
    torch.testing.assert_close(states[1][real], states[0][real], rtol=1e-4, atol=1e-5)
    assert (states[1][~real] == 0).all()
