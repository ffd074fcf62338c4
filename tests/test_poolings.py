"""The poolings equal an independent implementation of the paper's equations."""

import pytest
import torch

from embedding_designs.modules.pooling import last_token, mean_token
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.modules.trainable_pooling import LastLayerPooling, MultiLayerPooling
from embedding_designs.study import POOLING_TOKENS


def reference_pool(pool, inputs):
    """q = Wq LN1(Z); k, v = Wkv LN2(H); x = SDPA(q, k, v) Wo + Z; x = FF(LN3(x)) + x; mean over latents.

    One text, one head and one latent at a time, in plain loops over the equations of arXiv 2409.02727.
    inputs: (n, dim) of one text. Returns (dim,).
    """

    def normed(norm, x):
        x = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + norm.eps)
        return x * norm.weight + norm.bias

    latents = pool.latent_states
    query = normed(pool.norm_latents, latents) @ pool.to_query.weight.T
    key_value = normed(pool.norm_inputs, inputs) @ pool.to_key_value.weight.T
    inner = pool.heads * pool.head_dim
    key, value = key_value[:, :inner], key_value[:, inner:]
    heads = []
    for head in range(pool.heads):
        part = slice(head * pool.head_dim, (head + 1) * pool.head_dim)
        scores = query[:, part] @ key[:, part].T / pool.head_dim**0.5
        heads.append(torch.exp(scores) / torch.exp(scores).sum(1, keepdim=True) @ value[:, part])
    x = torch.cat(heads, dim=1) @ pool.to_output.weight.T + latents
    expand, contract = pool.feed_forward.expand, pool.feed_forward.contract
    expanded = normed(pool.norm_feed_forward, x) @ expand.weight.T + expand.bias
    values, gates = expanded.chunk(2, dim=1)
    gelu = gates * 0.5 * (1 + torch.erf(gates / 2**0.5))
    x = (values * gelu) @ contract.weight.T + contract.bias + x
    return x.mean(dim=0)


@pytest.fixture
def states():
    torch.manual_seed(3)
    hidden = torch.randn(3, 5, 16, dtype=torch.float64)  # (batch, tokens, dim)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
    return hidden, mask


SETTINGS = {"dimension": 16, "latents": 6, "heads": 3, "head_dim": 4}


def test_last_layer_pooling_over_all_tokens_equals_the_equations(states):
    hidden, mask = states
    pool = LastLayerPooling(tokens="all", **SETTINGS).double()
    got = pool({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"]
    for text in range(3):
        torch.testing.assert_close(got[text], reference_pool(pool, hidden[text][mask[text].bool()]))


def test_last_layer_pooling_over_the_last_token_equals_the_equations(states):
    hidden, mask = states
    pool = LastLayerPooling(tokens="last", **SETTINGS).double()
    got = pool({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"]
    for text, last in enumerate([4, 4, 1]):
        torch.testing.assert_close(got[text], reference_pool(pool, hidden[text, last : last + 1]))


def test_multi_layer_pooling_adds_its_layer_weights_and_equals_the_equations(states):
    layers, _ = states
    pool = MultiLayerPooling(tokens="mean", layers=5, **SETTINGS).double()
    got = pool({"layer_embeddings": layers})["sentence_embedding"]
    for text in range(3):
        torch.testing.assert_close(got[text], reference_pool(pool, layers[text] + pool.layer_weights))


def test_one_key_gives_query_weights_no_gradient(states):
    """With one key the softmax is identically 1 (design 2 of the paper)."""
    hidden, mask = states
    pool = LastLayerPooling(tokens="last", **SETTINGS).double()
    pool({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"].sum().backward()
    assert pool.to_query.weight.grad.abs().max() < 1e-12
    assert pool.to_output.weight.grad.abs().max() > 1e-3


def test_token_poolings_read_only_real_tokens(states):
    hidden, mask = states
    torch.testing.assert_close(last_token(hidden, mask), hidden[[0, 1, 2], [4, 4, 1]])
    by_hand = torch.stack([hidden[0].mean(0), hidden[1, 2:].mean(0), hidden[2, :2].mean(0)])
    torch.testing.assert_close(mean_token(hidden, mask), by_hand)


@pytest.mark.parametrize(
    ("dimension", "layers", "count"), [(4096, 32, 1_278_275_584), (896, 24, 245_216_384)]
)
def test_parameter_counts_equal_the_papers(dimension, layers, count):
    """The block has the reference's parameters; multi-layer pooling adds one vector per layer."""
    settings = {"dimension": dimension, "tokens": "last", "latents": 768, "heads": 32, "head_dim": 2048}
    with torch.device("meta"):
        last, multi = LastLayerPooling(**settings), MultiLayerPooling(**settings, layers=layers)
    sizes = [sum(weights.numel() for weights in pool.parameters()) for pool in (last, multi)]
    assert sizes == [count, count + layers * dimension]


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_saved_pooling_is_loaded_with_its_settings_and_weights(kind, tmp_path):
    settings = {"dimension": 16, "tokens": POOLING_TOKENS[kind, "causal"][0]}
    if kind.endswith("_layer"):
        settings |= SETTINGS
    if POOLINGS[kind].reads_layers:
        settings["layers"] = 5
    pool = POOLINGS[kind](**settings)
    pool.save(str(tmp_path))
    loaded = POOLINGS[kind].load(str(tmp_path))
    assert loaded.get_config_dict() == pool.get_config_dict()
    for name, weights in pool.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weights)
