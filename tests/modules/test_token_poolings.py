"""Poolings over the tokens of the last layer, and their concatenation."""

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling as TheirPooling

from embedding_designs.modules.poolings import POOLINGS, pooling_of

MASK = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1]])
EOS, MEAN = {"kind": "eos", "tokens": "last"}, {"kind": "mean", "tokens": "mean"}
THEIRS = {  # Sentence Transformers' names for ours
    "lasttoken": EOS,
    "mean": MEAN,
    "weightedmean": {"kind": "weighted_mean", "tokens": "weighted_mean"},
    "max": {"kind": "max", "tokens": "max"},
}


def embeddings(pooling: torch.nn.Module, states: torch.Tensor, mask: torch.Tensor = MASK) -> torch.Tensor:
    """Return the embeddings of texts whose token states are these; padding has other, large states."""
    states = torch.where(mask.bool().unsqueeze(-1), states, 1000.0)
    return pooling({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"]


@pytest.fixture
def states():
    torch.manual_seed(3)
    return torch.randn(4, 5, 6)


@pytest.mark.parametrize("mode", THEIRS)
def test_a_pooling_equals_that_of_sentence_transformers(mode, states):
    theirs = embeddings(TheirPooling(6, pooling_mode=mode), states)
    torch.testing.assert_close(embeddings(pooling_of(THEIRS[mode], 6), states), theirs)


def test_a_concatenation_equals_that_of_sentence_transformers(states):
    pool = POOLINGS["concat"](dimension=6, first=MEAN, second=EOS)
    theirs = embeddings(TheirPooling(6, pooling_mode=("mean", "lasttoken")), states)
    torch.testing.assert_close(embeddings(pool, states), theirs)
    assert pool.get_embedding_dimension() == theirs.shape[1] == 12


def test_both_parts_of_a_concatenation_are_trained(states):
    sizes = {"latents": 2, "heads": 1, "head_dim": 4}
    trainable = {"kind": "last_layer", "tokens": "all", **sizes}
    pool = POOLINGS["concat"](dimension=6, first={"kind": "learned_query", "tokens": "all"}, second=trainable)
    embeddings(pool, states).square().sum().backward()
    assert all(weights.grad.abs().max() > 1e-6 for weights in pool.parameters())


@pytest.mark.parametrize(("k", "expected"), [(1, [8, 5, 3, 9]), (2, [7, 4, 2, 9]), (9, [4, 3, 2, 9])])
def test_last_k_is_the_mean_of_the_last_k_real_tokens(k, expected):
    """Of 0, 2, 4, 6, 8 and 1, 3, 5 behind padding, of 1, 3 before it, and of a single 9, by hand."""
    rows = [[0, 2, 4, 6, 8], [7, 7, 1, 3, 5], [1, 3, 7, 7, 7], [7, 7, 7, 7, 9]]
    pool = POOLINGS["last_k"](dimension=1, tokens="all", k=k)
    got = embeddings(pool, torch.tensor(rows).float().unsqueeze(-1))
    torch.testing.assert_close(got, torch.tensor(expected).float().unsqueeze(-1))


def test_a_learned_query_starts_as_the_mean(states):
    pool = POOLINGS["learned_query"](dimension=6, tokens="all")
    torch.testing.assert_close(embeddings(pool, states), embeddings(pooling_of(MEAN, 6), states))


def test_a_learned_query_weights_tokens_by_their_softmax(states):
    """One text and token at a time: exp(q h / sqrt(6)) over the sum of these."""
    pool = POOLINGS["learned_query"](dimension=6, tokens="all")
    query = torch.nn.init.normal_(pool.query, std=3)[0]
    got = embeddings(pool, states)
    for row, mask, embedding in zip(states, MASK, got, strict=True):
        real = [state for state, kept in zip(row, mask, strict=True) if kept]
        weights = [(query @ state / 6**0.5).exp() for state in real]
        by_hand = sum(w * state for w, state in zip(weights, real, strict=True)) / sum(weights)
        torch.testing.assert_close(embedding, by_hand)


def test_a_learned_query_is_trained_from_its_start(states):
    pool = POOLINGS["learned_query"](dimension=6, tokens="all")
    embeddings(pool, states).square().sum().backward()
    assert pool.query.grad.abs().min() > 1e-6


def test_a_learned_query_meets_a_bfloat16_backbone(states):
    pool = POOLINGS["learned_query"](dimension=6, tokens="all")
    torch.nn.init.normal_(pool.query)
    expected = embeddings(pool, states)
    got = embeddings(pool, states.bfloat16())
    torch.testing.assert_close(got.float(), expected, atol=0.03, rtol=0.03)


@pytest.mark.parametrize("kind", ["mean", "max", "last_k", "learned_query", "eos"])
def test_tokens_that_the_input_leaves_out_are_not_pooled(kind, states):
    settings = {"kind": kind, "tokens": {"mean": "mean", "max": "max", "eos": "last"}.get(kind, "all")}
    pool = pooling_of(settings | ({"k": 2} if kind == "last_k" else {}), 6)
    whole = torch.ones_like(MASK)
    features = {"token_embeddings": states, "attention_mask": whole, "pooling_mask": MASK}
    torch.testing.assert_close(pool(features)["sentence_embedding"], embeddings(pool, states))


@pytest.mark.parametrize("mask", [[1, 1, 1, 0], [0, 1, 1, 1]], ids=["padded right", "padded left"])
def test_weighted_mean_counts_positions_among_real_tokens(mask):
    """Three real tokens have the weights 1/6, 2/6 and 3/6: (6 + 2 x 12 + 3 x 30) / 6 = 20."""
    states = torch.full((1, 4, 1), 1000.0)
    states[0, torch.tensor(mask).bool(), 0] = torch.tensor([6.0, 12.0, 30.0])
    pool = POOLINGS["weighted_mean"](dimension=1, tokens="weighted_mean")
    features = {"token_embeddings": states, "attention_mask": torch.tensor([mask])}
    assert pool(features)["sentence_embedding"].item() == pytest.approx(20)


def test_weights_of_a_long_text_stay_exact_in_bfloat16():
    """Counted in bfloat16, positions above 256 would be rounded; equal states must give that state back."""
    states = torch.full((1, 4096, 1), 3.0, dtype=torch.bfloat16)
    mask = torch.ones(1, 4096, dtype=torch.bfloat16)
    pool = POOLINGS["weighted_mean"](dimension=1, tokens="weighted_mean")
    embedding = pool({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"]
    assert embedding.item() == pytest.approx(3, rel=1e-2)
