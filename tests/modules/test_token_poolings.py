"""Poolings without weights over the tokens of the last layer."""

import pytest
import torch

from embedding_designs.modules.poolings import POOLINGS


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
