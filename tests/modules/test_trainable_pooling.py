"""The trainable pooling equals the plain equations and their gradients; these equal PyTorch's attention."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from embedding_designs.modules import mean_feed_forward, trainable_pooling
from embedding_designs.modules.plain_trainable_pooling import PlainTrainablePooling
from embedding_designs.modules.trainable_pooling import LastLayerPooling, MultiLayerPooling

SIZES = {  # so that the cheapest orders differ: narrow heads, wide heads, more latents than states, fewer
    "few latents": {"dimension": 16, "latents": 6, "heads": 3, "head_dim": 4},
    "wide heads": {"dimension": 16, "latents": 40, "heads": 2, "head_dim": 64},
    "narrow heads": {"dimension": 64, "latents": 5, "heads": 4, "head_dim": 2},
}
SHAPES = [(3, 5), (3, 1), (2, 60), (40, 2), (1, 1)]  # (batch, states)
SMALL = {True: 2**12, False: 2**12}


def plain(pool, inputs, mask=None):
    """Return (batch, dim) by the plain equations, with the weights of a pooling that computes them faster."""
    return PlainTrainablePooling.pool_states(pool, inputs, mask)


def made(sizes, dtype=torch.float64):
    """Return a pooling none of whose weights are at a special value such as the norms' 1 and 0."""
    torch.manual_seed(3)
    pool = LastLayerPooling(tokens="all", **sizes)
    with torch.no_grad():
        for weights in pool.parameters():
            weights += 0.1 * torch.randn_like(weights)
    return pool.to(dtype)


def gradients(pool, inputs, pooled):
    """Return the gradients of a scalar that weighs all elements differently, by inputs and by all weights."""
    weights = torch.linspace(-1, 1, pooled.numel(), dtype=pooled.dtype).view_as(pooled)
    return torch.autograd.grad((pooled * weights).sum(), [inputs, *pool.parameters()])


def relative_error(got, expected):
    return ((got - expected).abs().max() / expected.abs().max().clamp(min=1e-12)).item()


@pytest.mark.parametrize("masked", [False, True])
def test_the_plain_equations_equal_pytorchs_attention(masked):
    """nn.MultiheadAttention with the same projections, which are square there, then GEGLU by its formula."""
    pool = made({"dimension": 12, "latents": 5, "heads": 3, "head_dim": 4})
    attention = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    projections = torch.cat([pool.to_query.weight, pool.to_key.weight, pool.to_value.weight])
    attention.load_state_dict({"in_proj_weight": projections, "out_proj.weight": pool.to_output.weight.T})
    inputs, mask = torch.randn(2, 4, 12, dtype=torch.float64), torch.ones(2, 4, dtype=torch.bool)
    mask[1, :2] = not masked

    latents = pool.latent_states.expand(2, -1, -1)
    keys = pool.norm_inputs(inputs)
    attended, _ = attention(pool.norm_latents(latents), keys, keys, key_padding_mask=~mask)
    x = attended + latents
    expand, contract = pool.feed_forward.expand, pool.feed_forward.contract
    values, gates = (pool.norm_feed_forward(x) @ expand.weight.T + expand.bias).chunk(2, dim=-1)
    gelu = gates * 0.5 * (1 + torch.erf(gates / 2**0.5))
    x = (values * gelu) @ contract.weight.T + contract.bias + x
    torch.testing.assert_close(plain(pool, inputs, mask), x.mean(dim=1))


@pytest.mark.parametrize("chunked", [False, True], ids=["at once", "in chunks"])
@pytest.mark.parametrize(("batch", "states"), SHAPES)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_forward_and_gradients_equal_the_equation(sizes, batch, states, chunked, monkeypatch):
    if chunked:
        monkeypatch.setitem(mean_feed_forward.CHUNK_BYTES, "cpu", 2**12)
        monkeypatch.setattr(mean_feed_forward, "KEPT_BYTES", 2**12)
        monkeypatch.setattr(trainable_pooling, "GROUP_BYTES", SMALL)
    pool = made(sizes)
    inputs = torch.randn(batch, states, sizes["dimension"], dtype=torch.float64, requires_grad=True)
    expected = plain(pool, inputs)
    got = pool.pool_states(inputs)
    assert relative_error(got, expected) < 1e-9
    for ours, theirs in zip(gradients(pool, inputs, got), gradients(pool, inputs, expected), strict=True):
        assert ours.shape == theirs.shape
        assert relative_error(ours, theirs) < 1e-9 or theirs.abs().max() < 1e-14  # zero but for rounding
    with torch.no_grad():
        for _ in range(2):  # the second time with what the first has kept
            assert relative_error(pool.pool_states(inputs), expected) < 1e-9


@pytest.mark.parametrize("states", [1, 7])
def test_float32_equals_the_equations_within_its_rounding(states):
    sizes = {"dimension": 64, "latents": 96, "heads": 4, "head_dim": 128}
    pool, inputs = made(sizes, torch.float32), torch.randn(4, states, 64, requires_grad=True)
    exact, exact_inputs = made(sizes), inputs.detach().double().requires_grad_()
    expected = plain(exact, exact_inputs)
    got = pool.pool_states(inputs)
    assert relative_error(got, expected) < 1e-5
    theirs = gradients(exact, exact_inputs, expected)
    for ours, exact_gradient in zip(gradients(pool, inputs, got), theirs, strict=True):
        assert relative_error(ours, exact_gradient) < 1e-5 or exact_gradient.abs().max() < 1e-12


@pytest.mark.parametrize("chunked", [False, True], ids=["at once", "in chunks"])
def test_masked_states_are_as_if_absent(chunked, monkeypatch):
    if chunked:
        monkeypatch.setattr(trainable_pooling, "GROUP_BYTES", SMALL)
    pool = made(SIZES["few latents"])
    hidden = torch.randn(3, 5, 16, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
    got = pool({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"]
    for text in range(3):
        (alone,) = plain(pool, hidden[text, mask[text].bool()].unsqueeze(0))
        torch.testing.assert_close(got[text], alone)


def test_the_last_token_alone_is_pooled_where_the_design_says_so():
    pool = made(SIZES["few latents"])
    pool.tokens = "last"
    hidden = torch.randn(3, 5, 16, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
    got = pool({"token_embeddings": hidden, "attention_mask": mask})["sentence_embedding"]
    torch.testing.assert_close(got, plain(pool, hidden[[0, 1, 2], [4, 4, 1]].unsqueeze(1)))


@pytest.mark.parametrize("layer_weights", [True, False])
def test_multi_layer_pooling_adds_its_layer_weights_if_it_has_any(layer_weights):
    torch.manual_seed(3)
    sizes = SIZES["few latents"]
    pool = MultiLayerPooling(tokens="mean", layers=[1, 2, 4], layer_weights=layer_weights, **sizes).double()
    layers = torch.randn(3, 3, 16, dtype=torch.float64)
    got = pool({"layer_embeddings": layers})["sentence_embedding"]
    added = pool.layer_vectors if layer_weights else torch.zeros(3, 16)
    torch.testing.assert_close(got, plain(pool, layers + added))
    assert (pool.layer_vectors is not None) == layer_weights


def test_one_key_gives_query_and_key_weights_gradients_of_zero():
    """With one key the softmax is identically 1 (design 2). Not None, or AdamW would skip their decay."""
    pool = made(SIZES["few latents"])
    pool.pool_states(torch.randn(3, 1, 16, dtype=torch.float64)).sum().backward()
    for idle in (pool.to_query.weight, pool.to_key.weight, pool.norm_latents.weight, pool.norm_latents.bias):
        assert (idle.grad == 0).all()
    assert pool.to_output.weight.grad.abs().max() > 1e-3


@pytest.mark.parametrize("states", [1, 5])
@pytest.mark.parametrize("change", ["in place", "optimiser", "load_state_dict", "assign"])
def test_what_inference_keeps_is_dropped_when_weights_change(change, states):
    pool = made(SIZES["few latents"]).eval()
    inputs = torch.randn(2, states, 16, dtype=torch.float64)
    with torch.no_grad():
        before = pool.pool_states(inputs)
    changed = {name: weights * 1.5 for name, weights in pool.state_dict().items()}
    if change == "optimiser":
        pool.pool_states(inputs).sum().backward()
        torch.optim.SGD(pool.parameters(), lr=0.1).step()
    elif change == "in place":
        with torch.no_grad():
            pool.to_value.weight.mul_(1.5)
    else:
        pool.load_state_dict(changed, assign=change == "assign")
    with torch.no_grad():
        after = pool.pool_states(inputs)
        expected = plain(pool, inputs)
    assert relative_error(after, expected) < 1e-9
    assert relative_error(after, before) > 1e-3


def test_training_frees_what_inference_has_kept():
    pool = made(SIZES["few latents"]).eval()
    with torch.no_grad():
        pool.pool_states(torch.randn(2, 5, 16, dtype=torch.float64))
    assert pool.kept
    pool.train()
    assert not pool.kept


class LargestTensor(TorchDispatchMode):
    """Remembers the most bytes of any tensor that is computed."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        for tensor in torch.utils._pytree.tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.numel() * tensor.element_size())
        return result


@pytest.mark.parametrize("training", [False, True])
def test_no_tensor_grows_with_the_number_of_long_texts(training, monkeypatch):
    """64 texts of 128 tokens: scores and values of all of them would be 64 times those of one."""
    monkeypatch.setitem(mean_feed_forward.CHUNK_BYTES, "cpu", 2**16)
    monkeypatch.setattr(mean_feed_forward, "KEPT_BYTES", 2**16)
    monkeypatch.setattr(trainable_pooling, "GROUP_BYTES", SMALL)
    pool = made({"dimension": 8, "latents": 32, "heads": 4, "head_dim": 8}, torch.float32)
    inputs = torch.randn(64, 128, 8, requires_grad=True)
    with LargestTensor() as largest, torch.set_grad_enabled(training):
        pooled = pool.pool_states(inputs)
        if training:
            pooled.sum().backward()
    one_text = 4 * 128 * max(32, 8) * 4  # heads x tokens x latents, in float32
    assert largest.bytes <= max(inputs.nbytes, one_text, 2**16)


def test_gradients_reach_the_pooling_under_bfloat16_autocast():
    pool = made(SIZES["wide heads"], torch.float32)
    for states in (1, 5):
        inputs = torch.randn(3, states, 16, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16):
            got = pool.pool_states(inputs)
        expected = plain(pool, inputs)
        assert relative_error(got.float(), expected) < 0.05
        for ours, theirs in zip(
            gradients(pool, inputs, got.float()), gradients(pool, inputs, expected), strict=True
        ):
            assert ours.dtype == torch.float32
            assert relative_error(ours, theirs) < 0.1 or theirs.abs().max() < 1e-6


@pytest.mark.parametrize(
    ("dimension", "layers", "count"), [(4096, 32, 1_278_275_584), (896, 24, 245_216_384)]
)
def test_parameter_counts_equal_the_papers(dimension, layers, count):
    """The block has the parameters of the paper's code; multi-layer pooling adds one vector per layer."""
    settings = {"dimension": dimension, "tokens": "last", "latents": 768, "heads": 32, "head_dim": 2048}
    with torch.device("meta"):
        last, multi = (
            LastLayerPooling(**settings),
            MultiLayerPooling(**settings, layers=list(range(1, layers + 1))),
        )
    sizes = [sum(weights.numel() for weights in pool.parameters()) for pool in (last, multi)]
    assert sizes == [count, count + layers * dimension]
