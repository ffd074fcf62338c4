"""Latent attention equals an independent implementation of NV-Embed's equations."""

import pytest
import torch

from embedding_designs.modules.latent_attention import LatentAttentionPooling


def normed(norm, x):
    x = (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + norm.eps)
    return x * norm.weight + norm.bias


def reference_pool(pool, tokens):
    """Return the embedding of one text, (dim,), from its real tokens' states, (tokens, dim).

    One token, one head and one latent at a time: the token is the query, the latents are keys and values.
    """
    latents = [normed(pool.norm_latents, latent) for latent in pool.latent_states]
    inner = pool.heads * pool.head_dim
    to_key, to_value = pool.to_key_value.weight[:inner], pool.to_key_value.weight[inner:]
    results = []
    for token in tokens:
        query = pool.to_query.weight @ normed(pool.norm_tokens, token)
        heads = []
        for head in range(pool.heads):
            part = slice(head * pool.head_dim, (head + 1) * pool.head_dim)
            scores = [query[part] @ (to_key[part] @ latent) / pool.head_dim**0.5 for latent in latents]
            total = sum(score.exp() for score in scores)
            heads.append(
                sum(
                    score.exp() / total * (to_value[part] @ latent)
                    for score, latent in zip(scores, latents, strict=True)
                )
            )
        attended = pool.to_output.weight @ torch.cat(heads) + token
        feed_forward = pool.feed_forward
        normed_attended = normed(pool.norm_feed_forward, attended)
        expanded = feed_forward.expand.weight @ normed_attended + feed_forward.expand.bias
        values, gates = expanded[: len(expanded) // 2], expanded[len(expanded) // 2 :]
        gelu = gates * 0.5 * (1 + torch.erf(gates / 2**0.5))
        results.append(feed_forward.contract.weight @ (values * gelu) + feed_forward.contract.bias + attended)
    return sum(results) / len(results)


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def pool(double):
    torch.manual_seed(0)
    pool = LatentAttentionPooling(dimension=12, tokens="all", latents=5, heads=3, head_dim=4)
    for norm in (pool.norm_tokens, pool.norm_latents, pool.norm_feed_forward):
        torch.nn.init.normal_(norm.weight)  # all different, so that none can be mistaken for another
        torch.nn.init.normal_(norm.bias)
    return pool


def test_latent_attention_equals_the_equations(pool):
    states = torch.randn(3, 4, 12)
    mask = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1], [1, 0, 0, 0]])
    got = pool({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"]
    for text in range(3):
        torch.testing.assert_close(got[text], reference_pool(pool, states[text][mask[text].bool()]))


def test_parameters_are_those_of_the_equations(pool):
    """Latents 5 x 12; q, k, v, out 4 x 12 x 12; feed-forward 12 -> 96 -> (48) -> 12; three norms."""
    assert sum(weights.numel() for weights in pool.parameters()) == 60 + 576 + 13 * 96 + 49 * 12 + 3 * 24


def test_latents_are_trained(pool):
    states, mask = torch.randn(2, 4, 12), torch.ones(2, 4)
    pool({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"].square().sum().backward()
    assert all(weights.grad.abs().max() > 1e-6 for weights in pool.parameters())
