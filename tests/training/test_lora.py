"""The fused LoRA layers compute what PEFT's layers compute, gradients included."""

import copy

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Linear
from torch import nn

from embedding_designs.training.lora import FusedLinear, drop_mask, use_fused_layers


def adapted(bias: bool = True, dropout: float = 0.0, dtype=torch.float64) -> nn.Module:
    """Return a model of two linear layers with an adapter none of whose weights are zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10, bias=bias, dtype=dtype), nn.Linear(10, 4, bias=bias, dtype=dtype))
    config = LoraConfig(r=3, lora_alpha=6, lora_dropout=dropout, target_modules=["0", "1"])
    model = inject_adapter_in_model(config, model).to(dtype)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            nn.init.normal_(weight)
    return model.train()


def gradients(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return list(torch.autograd.grad(y.square().sum(), [x, *trained]))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 6), (2, 5, 6)])
def test_outputs_and_gradients_equal_those_of_peft(bias, shape):
    theirs = adapted(bias)
    ours = copy.deepcopy(theirs)
    use_fused_layers(ours)
    assert all(type(layer) is FusedLinear for layer in ours)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(ours(x), theirs(x))
    for one, other in zip(gradients(ours, x, ours(x)), gradients(theirs, x, theirs(x)), strict=True):
        torch.testing.assert_close(one, other)


def test_under_bfloat16_autocast_they_are_as_close_to_float64_as_those_of_peft():
    exact, theirs = adapted(), adapted(dtype=torch.float32)
    for mine, other in zip(theirs.parameters(), exact.parameters(), strict=True):
        mine.data.copy_(other)
    ours = copy.deepcopy(theirs)
    use_fused_layers(ours)
    x = torch.randn(64, 6, dtype=torch.float64, requires_grad=True)
    expected = [exact(x), *gradients(exact, x, exact(x))]
    errors = []
    for model in (ours, theirs):
        inputs = x.detach().float().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            y = model(inputs)
        got = [y, *gradients(model, inputs, y.float())]
        errors.append([
            (g.double() - e).norm() / e.norm() for g, e in zip(got, expected, strict=True)
        ])  # fmt: skip
    assert all(our < 1.5 * their + 1e-3 for our, their in zip(*errors, strict=True))


def test_dropout_keeps_the_same_elements_forward_and_backward():
    model = adapted(dropout=0.25)
    use_fused_layers(model)
    layer = model[0]
    assert type(layer) is FusedLinear
    x = torch.randn(50, 6, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(5)
    y = layer(x)
    torch.manual_seed(5)
    mask, factor = drop_mask(x, 0.25)
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    expected = layer.base_layer(x) + 2 * factor * (x * ~mask) @ down.T @ up.T  # alpha / rank is 2
    torch.testing.assert_close(y, expected)
    for one, other in zip(gradients(layer, x, y), gradients(layer, x, expected), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dropped", [0.05, 0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(dropped):
    torch.manual_seed(0)
    mask, factor = drop_mask(torch.empty(1000, 1001), dropped)
    share = mask.double().mean().item()
    assert abs(share - dropped) < 4 * (dropped * (1 - dropped) / mask.numel()) ** 0.5
    assert abs(factor * (1 - dropped) - 1) < 1e-4
    together = mask.double()
    together -= together.mean()
    assert abs((together[:, 1:] * together[:, :-1]).mean()) < 1e-3  # neighbors are independent


def test_evaluation_drops_nothing():
    dropping, plain = adapted(dropout=0.5), adapted()
    use_fused_layers(dropping)
    x = torch.randn(5, 6, dtype=torch.float64)
    torch.testing.assert_close(dropping.eval()(x), plain(x))


def test_the_weights_keep_their_names_and_merge():
    theirs = adapted()
    names = list(theirs.state_dict())
    use_fused_layers(theirs)
    assert list(theirs.state_dict()) == names
    x = torch.randn(5, 6, dtype=torch.float64)
    before = theirs.eval()(x)
    for layer in theirs:
        assert isinstance(layer, Linear)
        layer.merge()
    torch.testing.assert_close(theirs(x), before)


def test_memory_that_a_layer_keeps_is_its_input_alone():
    saved: list[int] = []
    model = adapted(dropout=0.0)
    use_fused_layers(model)
    weights = {weight.data_ptr() for weight in model.parameters()}
    x = torch.randn(1000, 6, dtype=torch.float64, requires_grad=True)

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in {*weights, x.data_ptr()}:
            saved.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model[0](x)
    assert sum(saved) == 1000 * 3  # what the low rank is of
