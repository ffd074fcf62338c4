"""The training loss: what it is, and that it is the same in the memory of a few texts."""

from unittest.mock import patch

import pytest
import torch
from peft import LoraConfig
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from embedding_designs.training.contrastive_loss import (
    CachedInBatchContrastiveLoss,
    InBatchContrastiveLoss,
    one_batch,
)
from embedding_designs.training.model import build_model
from helpers.toy import DESIGNS, sentence
from helpers.training import train


@pytest.fixture
def model(bases, run_config):
    torch.manual_seed(5)
    model = build_model(bases["mistral"], run_config("multi-layer-bidirectional").design, max_seq_length=16)
    lora = LoraConfig(r=4, lora_dropout=0.5, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model.add_adapter(lora)
    return model.double().train()


@pytest.fixture
def columns(model):
    """Return 7 queries, positives and negatives of many lengths."""
    lengths = [[1, 9, 2, 4, 12, 3, 3], [5, 1, 8, 8, 2, 30, 6], [7, 2, 2, 11, 5, 1, 9]]
    texts = [[sentence(10 * row + words, words) for row, words in enumerate(column)] for column in lengths]
    return [model.preprocess(column) for column in texts]


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_close(got: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Within the rounding of the backbone's norms and positions, which are float32 in every precision."""
    assert got.keys() == expected.keys()
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name in expected:
        assert (got[name] - expected[name]).abs().max() < 1e-6 * largest, name


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_the_cached_loss_has_the_loss_and_gradients_of_the_plain_one(chunk, model, columns):
    model.eval()  # dropout would draw other masks for other chunks
    plain = MultipleNegativesRankingLoss(model, scale=20.0)(columns, None)
    expected = gradients(model, plain)
    cached = CachedInBatchContrastiveLoss(model, 20.0, chunk)(columns, None)
    torch.testing.assert_close(cached, plain, rtol=1e-6, atol=0)
    assert_close(gradients(model, cached / 3), {name: value / 3 for name, value in expected.items()})


def test_the_cached_loss_drops_the_same_units_in_both_of_its_passes(model, columns):
    """Expected: the plain loss of the same chunks' embeddings, computed once and with gradients."""
    batch = one_batch(columns)
    order = batch["attention_mask"].sum(dim=1).sort(stable=True).indices
    torch.manual_seed(8)
    parts = [model({name: value[rows] for name, value in batch.items()}) for rows in order.split(4)]
    embeddings = torch.cat([part["sentence_embedding"] for part in parts])[order.argsort()]
    query, positive, negative = embeddings.split(7)
    scores = 20 * query @ torch.cat([positive, negative]).T
    expected = torch.nn.functional.cross_entropy(scores, torch.arange(7))
    expected_gradients = gradients(model, expected)

    torch.manual_seed(8)
    cached = CachedInBatchContrastiveLoss(model, 20.0, 4)(columns, None)
    torch.testing.assert_close(cached, expected, rtol=1e-6, atol=0)
    assert_close(gradients(model, cached), expected_gradients)
    torch.manual_seed(9)
    assert abs(CachedInBatchContrastiveLoss(model, 20.0, 4)(columns, None) - cached).item() > 1e-3


def test_running_all_columns_as_one_batch_changes_neither_loss_nor_gradients(model, columns):
    model.eval()
    theirs, ours = MultipleNegativesRankingLoss(model, 20.0), InBatchContrastiveLoss(model, 20.0)
    torch.testing.assert_close(ours(columns, None), theirs(columns, None), rtol=1e-6, atol=0)
    assert_close(gradients(model, ours(columns, None)), gradients(model, theirs(columns, None)))


class Kept:
    """Counts the bytes that the backward pass still needs."""

    now = most = 0

    def __init__(self, tensor):
        self.tensor = tensor
        Kept.now += tensor.nbytes
        Kept.most = max(Kept.most, Kept.now)

    def __del__(self):
        Kept.now -= self.tensor.nbytes


def test_the_cached_loss_keeps_the_activations_of_one_chunk_only(model, columns):
    def most(loss):
        Kept.now = Kept.most = 0
        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
            loss(columns, None).backward()
        return Kept.most

    assert most(CachedInBatchContrastiveLoss(model, 20.0, 3)) < most(InBatchContrastiveLoss(model, 20.0)) / 2


@pytest.mark.parametrize("chunk", [None, 3])
def test_the_loss_pools_what_each_columns_input_pools(chunk, bases):
    """Expected: the plain loss of embeddings of the columns by themselves, each with its own template."""
    torch.manual_seed(5)
    model = build_model(bases["mistral"], DESIGNS["echo-mean-causal"], max_seq_length=16).double().eval()
    texts = [[sentence(10 * row + words, words) for words in (1, 9, 4)] for row in range(3)]
    sides = ("query", "document", "document")
    columns = [model.preprocess(column, task=side) for column, side in zip(texts, sides, strict=True)]
    expected = MultipleNegativesRankingLoss(model, scale=20.0)([dict(column) for column in columns], None)
    loss = CachedInBatchContrastiveLoss(model, 20.0, chunk) if chunk else InBatchContrastiveLoss(model, 20.0)
    torch.testing.assert_close(loss(columns, None), expected, rtol=1e-6, atol=0)


def test_queries_and_documents_are_trained_with_their_templates(bases, run_config, triplets, tmp_path):
    """The first batch of a training, as its loss gets it."""
    seen = []
    config = run_config("echo-mean-causal", steps=1, warmup_steps=0, gradient_accumulation_steps=1)

    class Seeing(InBatchContrastiveLoss):
        def forward(self, sentence_features, labels):
            columns = list(sentence_features)
            seen.append([self.model.tokenizer.decode(column["input_ids"][0]) for column in columns])
            return super().forward(columns, labels)

    with patch(
        "embedding_designs.training.train_run.contrastive_loss",
        lambda model, recipe: Seeing(model, recipe["scale"]),
    ):
        train(config, bases["mistral"], triplets, tmp_path / "run")
    for query, *documents in seen:
        assert query.count("Query again:") == 1
        assert [text.count("Document again:") for text in documents] == [1, 1]
