"""Embeddings of a chosen size: what is trained, what is saved, and what is refused."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch.nn.functional import cross_entropy, normalize

from embedding_designs.common.errors import BadInput
from embedding_designs.training.contrastive_loss import (
    CachedInBatchContrastiveLoss,
    InBatchContrastiveLoss,
    over_dimensions,
)
from embedding_designs.training.model import build_model, load_model
from helpers.toy import DESIGNS, sentence
from helpers.training import same_weights, train, weights_of

TEXTS = [sentence(1, words=3), sentence(2, words=12), sentence(3)]
SIZES = [32, 16, 8]
LOSSES = {
    "plain": lambda model: InBatchContrastiveLoss(model, 20.0),
    "cached": lambda model: CachedInBatchContrastiveLoss(model, 20.0, 3),
}


@pytest.fixture
def model(bases) -> SentenceTransformer:
    return build_model(bases["mistral"], DESIGNS["mean-bidirectional"], max_seq_length=16).double().train()


@pytest.fixture
def columns(model):
    """Return 5 queries, positives, and negatives of several lengths."""
    lengths = [[1, 9, 2, 4, 12], [5, 1, 8, 8, 2], [7, 2, 2, 11, 5]]
    texts = [[sentence(10 * row + words, words) for row, words in enumerate(column)] for column in lengths]
    return [model.preprocess(column) for column in texts]


def by_hand(model, columns, sizes) -> torch.Tensor:
    """Return the mean over sizes of the cross-entropy of 20 cosine similarities, of truncated embeddings."""
    whole = [model(dict(column))["sentence_embedding"] for column in columns]
    losses = []
    for size in sizes:
        query, positive, negative = (normalize(vectors[:, :size], dim=1) for vectors in whole)
        scores = 20 * query @ torch.cat([positive, negative]).T
        losses.append(cross_entropy(scores, torch.arange(len(query))))
    return sum(losses) / len(losses)


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: weights.grad.clone() for name, weights in model.named_parameters()}


@pytest.mark.parametrize("kind", LOSSES)
def test_the_matryoshka_loss_is_the_mean_of_the_losses_of_truncated_embeddings(kind, model, columns):
    expected = by_hand(model, columns, SIZES)
    expected_gradients = gradients(model, expected)
    got = over_dimensions(LOSSES[kind](model), SIZES)(columns, None)
    torch.testing.assert_close(got.detach(), expected.detach(), rtol=1e-6, atol=0)
    largest = max(gradient.abs().max() for gradient in expected_gradients.values())
    for name, gradient in gradients(model, got).items():
        assert (gradient - expected_gradients[name]).abs().max() < 1e-6 * largest, name


@pytest.mark.parametrize("kind", LOSSES)
def test_the_held_out_loss_is_the_same_mean(kind, model, columns):
    with torch.no_grad():
        expected = by_hand(model, columns, SIZES)
        torch.testing.assert_close(over_dimensions(LOSSES[kind](model), SIZES)(columns, None), expected)


def test_one_size_needs_no_matryoshka_loss(model):
    loss = InBatchContrastiveLoss(model, 20.0)
    assert over_dimensions(loss, []) is over_dimensions(loss, [8]) is loss


@pytest.mark.parametrize("recipe", [{}, {"mini_batch_size": 5}], ids=["plain", "cached"])
def test_a_trained_matryoshka_model_has_embeddings_of_the_size_of_its_design(
    recipe, bases, triplets, run_config, tmp_path
):
    config = run_config("matryoshka-bidirectional", lora=True, steps=3, **recipe)
    model = train(config, bases["qwen2"], triplets, tmp_path)
    assert model.encode(TEXTS).shape == (3, 8)
    assert model.get_embedding_dimension() == 8
    model[2].dimensions = 32
    whole = model.encode(TEXTS, convert_to_tensor=True)
    model[2].dimensions = 8
    torch.testing.assert_close(model.encode(TEXTS, convert_to_tensor=True), normalize(whole[:, :8], dim=1))


def test_the_sizes_that_are_trained_change_the_weights(bases, triplets, run_config, tmp_path):
    """Training 8 alone, and 8 with larger ones, are different trainings from the same start."""
    both, one = (run_config("matryoshka-bidirectional", steps=2) for _ in range(2))
    del one.design["matryoshka"]
    trained = [
        train(config, bases["qwen2"], triplets, tmp_path / str(n)) for n, config in enumerate((both, one))
    ]
    assert trained[0].encode(TEXTS).shape == trained[1].encode(TEXTS).shape == (3, 8)
    assert not same_weights(*(weights_of(model[0]) for model in trained))


def test_a_saved_model_keeps_the_size_of_its_embeddings(bases, tmp_path):
    model = build_model(bases["llama"], DESIGNS["concat-causal"], max_seq_length=16)
    assert model.encode(TEXTS).shape == (3, 48)
    np.testing.assert_allclose(np.linalg.norm(model.encode(TEXTS), axis=1), 1, rtol=1e-6)
    model.save_pretrained(str(tmp_path / "model"))
    loaded = load_model(tmp_path / "model")
    assert loaded.get_embedding_dimension() == 48
    assert (loaded.encode(TEXTS) == model.encode(TEXTS)).all()


@pytest.mark.parametrize("key", [{"dimensions": 33}, {"matryoshka": [8, 33]}])
def test_more_dimensions_than_the_embedding_has_are_refused(key, bases):
    ((name, value),) = key.items()
    design = {"name": "mine", **DESIGNS["mean-causal"], **key}
    with pytest.raises(BadInput) as error:
        build_model(bases["llama"], design, max_seq_length=16)
    assert str(error.value) == f"designs.mine.{name} {value} exceeds the 32 dimensions of its embeddings"
