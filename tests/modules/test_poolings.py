"""What all poolings share: they read real tokens only, and are saved with their settings and weights."""

import pytest
import torch

from embedding_designs.modules.pooling import last_token, mean_token
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.study.design_checks import pooling_settings

SMALL = {"latents": 6, "heads": 3, "head_dim": 4}


def test_token_poolings_read_only_real_tokens():
    torch.manual_seed(3)
    hidden = torch.randn(3, 5, 16)  # (batch, tokens, dim)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
    torch.testing.assert_close(last_token(hidden, mask), hidden[[0, 1, 2], [4, 4, 1]])
    by_hand = torch.stack([hidden[0].mean(0), hidden[1, 2:].mean(0), hidden[2, :2].mean(0)])
    torch.testing.assert_close(mean_token(hidden, mask), by_hand)


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_saved_pooling_is_loaded_with_its_settings_and_weights(kind, tmp_path):
    settings = {"dimension": 16, **pooling_settings(kind)}
    settings |= {key: value for key, value in SMALL.items() if key in settings}
    if POOLINGS[kind].reads_layers:
        settings["layers"] = [1, 3, 4]
    pool = POOLINGS[kind](**settings)
    for weights in pool.parameters():
        torch.nn.init.normal_(weights)
    pool.save(str(tmp_path))
    loaded = POOLINGS[kind].load(str(tmp_path))
    assert loaded.get_config_dict() == pool.get_config_dict()
    for name, weights in pool.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weights)
