"""A collapsed run is recognized by a held-out loss that ends at that of equal embeddings."""

from math import log

import pytest
import torch
import torch.nn.functional as F

from embedding_designs.common.collapse import collapse_in_words, has_collapsed
from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss


@pytest.mark.parametrize(
    ("losses", "collapsed"),
    [
        ([log(64), log(64)], True),
        ([4.16, 4.08], True),  # ln 64 = 4.1589, and 2% of it is 0.083
        ([4.16, 4.24], True),
        ([4.16, 4.07], False),
        ([4.16, 4.25], False),
        ([4.30, 4.16], True),  # too high a learning rate: first worse than equal embeddings, then equal
        ([2.50, 4.16], True),
        ([4.16, 4.16, 3.3], False),
        ([4.16], False),  # a training with a single evaluation may still be near its start
        ([], False),
    ],
)
def test_a_run_has_collapsed_if_its_loss_ends_at_that_of_64_equal_documents(losses, collapsed):
    assert has_collapsed(losses, 64) == collapsed


def test_without_documents_nothing_is_known():
    assert not has_collapsed([0.0, 0.0], 0)


def test_the_held_out_loss_of_equal_embeddings_is_the_logarithm_of_positives_and_negatives():
    loss = InBatchContrastiveLoss(torch.nn.Identity(), scale=20.0)
    columns = [{"attention_mask": torch.ones(8, 3)} for _ in range(3)]  # queries, positives, negatives
    equal = F.normalize(torch.ones(24, 5), dim=-1)
    with torch.no_grad():
        assert float(loss.of_embeddings(equal, columns)) == pytest.approx(log(16), abs=1e-5)


def test_the_words_name_the_number_of_documents():
    assert collapse_in_words(64) == (
        "final held-out loss within 2% of ln 64 = 4.16, the loss if all embeddings are equal"
    )
