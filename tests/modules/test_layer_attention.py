"""Attention by layer: exactly the chosen layers see later tokens, however the model is made or kept."""

import copy
import itertools
import pickle

import pytest
import torch
from peft import LoraConfig
from transformers import AutoConfig, AutoModel
from transformers.masking_utils import (
    create_bidirectional_mask,
    create_causal_mask,
    create_sliding_window_causal_mask,
)

from embedding_designs.common.errors import BadInput
from embedding_designs.modules.backbone import Backbone, probe_attention
from embedding_designs.modules.layer_attention import BidirectionalLayers, both_ways
from embedding_designs.training.lora import use_fused_layers
from embedding_designs.training.model import build_model, load_model, merge_adapter, untrained_model
from helpers.toy import BACKBONES, sentence

CHOICES = [list(chosen) for size in (1, 2, 3) for chosen in itertools.combinations((1, 2, 3), size)]
PADDING = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
MEAN = {"kind": "mean", "tokens": "mean"}


def layers_that_react(model, padding: int = 0) -> list[int]:
    """Return the layers in which a changed state of the last token changes the first real token's state.

    Each layer by itself: its input is random, and that of the second text differs only in the last token.
    padding: how many tokens of padding the two texts have on the left.
    """
    found = []
    torch.manual_seed(0)

    def replace(layer, arguments):
        hidden = torch.randn_like(arguments[0])
        hidden[1] = hidden[0]
        hidden[1, -1] = torch.randn_like(hidden[1, -1])
        return hidden, *arguments[1:]

    def compare(number):
        def hook(layer, arguments, output):
            first, second = (output[0] if isinstance(output, tuple) else output)[:, padding]
            if not torch.allclose(first, second, atol=1e-5):
                found.append(number)

        return hook

    hooks = [layer.register_forward_pre_hook(replace) for layer in model.layers]
    hooks += [layer.register_forward_hook(compare(n)) for n, layer in enumerate(model.layers, 1)]
    mask = torch.tensor([[0] * padding + [1, 1, 1, 1]] * 2)
    with torch.no_grad():
        model(input_ids=torch.full_like(mask, 5), attention_mask=mask)
    for hook in hooks:
        hook.remove()
    return found


def masks(kernel: str, window: int | None, *makers) -> list[torch.Tensor]:
    """Return transformers' masks of three texts with padding on neither side, the left, and the right."""
    config = AutoConfig.for_model("mistral", sliding_window=window)
    config._attn_implementation = kernel
    return [make(config, torch.zeros(3, 6, 8), PADDING, past_key_values=None) for make in makers]


def assert_bidirectional_in(layers: list[int], backbone: Backbone) -> None:
    backbone.eval()
    assert layers_that_react(backbone.model) == layers
    assert layers_that_react(backbone.model, padding=3) == layers


@pytest.mark.parametrize("layers", CHOICES, ids=str)
@pytest.mark.parametrize("architecture", BACKBONES)
def test_exactly_the_chosen_layers_see_later_tokens(architecture, layers, bases):
    backbone = build_model(bases[architecture], {"attention": "causal", "pooling": MEAN}, 16)[0]
    backbone.set_attention({"bidirectional": layers})
    assert_bidirectional_in(layers, backbone)


@pytest.mark.parametrize(
    ("third", "layers"), [("first_third", [1]), ("middle_third", [2]), ("last_third", [3])]
)
def test_a_third_is_known_by_its_name(third, layers, bases):
    model = build_model(bases["llama"], {"attention": {"bidirectional": third}, "pooling": MEAN}, 16)
    assert model[0].attention == {"bidirectional": layers}
    assert_bidirectional_in(layers, model[0])


@pytest.mark.parametrize("save", ["merged", "adapter"])
@pytest.mark.parametrize("architecture", BACKBONES)
def test_attention_by_layer_holds_with_lora_merged_saved_and_reloaded(
    architecture, save, bases, run_config, tmp_path
):
    config = run_config("mean-causal", lora=True)
    config.design["attention"] = {"bidirectional": [3, 1]}
    model = untrained_model(config, str(bases[architecture]))
    for name, weights in model.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter that does nothing would prove nothing
            torch.nn.init.normal_(weights, std=0.2)
    assert_bidirectional_in([1, 3], model[0])
    with_adapter = model.encode([sentence(1)])
    if save == "merged":
        merge_adapter(model)
        assert_bidirectional_in([1, 3], model[0])
        torch.testing.assert_close(model.encode([sentence(1)]), with_adapter, atol=1e-5, rtol=1e-4)
    model.save_pretrained(str(tmp_path / "model"))
    reloaded = load_model(tmp_path / "model")
    assert reloaded[0].attention == {"bidirectional": [1, 3]}
    assert_bidirectional_in([1, 3], reloaded[0])
    assert (reloaded.encode([sentence(1)]) == model.encode([sentence(1)])).all()


def test_a_copied_and_a_pickled_model_keep_their_attention(bases):
    model = build_model(bases["qwen2"], {"attention": {"bidirectional": [2]}, "pooling": MEAN}, 16)
    model.encode([sentence(1), sentence(2, 3)])
    assert_bidirectional_in([2], copy.deepcopy(model)[0])
    assert_bidirectional_in([2], pickle.loads(pickle.dumps(model))[0])


@pytest.mark.parametrize("layers", CHOICES, ids=str)
def test_all_layers_are_bidirectional_or_a_mix_of_the_two_models(layers, bases):
    """Expected: each layer run by itself, with the causal and the bidirectional mask of transformers."""
    model = build_model(bases["llama"], {"attention": "causal", "pooling": MEAN}, 64)
    model[0].set_attention({"bidirectional": layers})
    features = model.preprocess([sentence(1, 9), sentence(2, 3)])
    ids, mask = features["input_ids"], features["attention_mask"]
    plain = AutoModel.from_pretrained(bases["llama"]).eval()
    states = plain.embed_tokens(ids)
    masks = {
        make: make(plain.config, states, mask, past_key_values=None)
        for make in (create_causal_mask, create_bidirectional_mask)
    }
    positions = torch.arange(ids.shape[1]).unsqueeze(0)
    rotary = plain.rotary_emb(states, position_ids=positions)
    with torch.no_grad():
        for number, layer in enumerate(plain.layers, 1):
            kind = create_bidirectional_mask if number in layers else create_causal_mask
            states = layer(states, attention_mask=masks[kind], position_embeddings=rotary)
        expected = plain.norm(states)
        got = model.eval()[0]({"input_ids": ids, "attention_mask": mask})["token_embeddings"]
    real = mask.bool()
    torch.testing.assert_close(got[real], expected[real], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
def test_the_mask_is_that_of_transformers_for_real_tokens(kernel):
    causal, bidirectional = masks(kernel, None, create_causal_mask, create_bidirectional_mask)
    real = PADDING.bool()
    assert torch.equal(both_ways(causal)[:, 0][real], bidirectional[:, 0][real])
    assert not torch.equal(causal[:, 0][real], bidirectional[:, 0][real])


def test_a_sliding_window_is_as_wide_ahead_as_back():
    """In a causal window of 3 a token sees itself and two before it."""
    (causal,) = masks("sdpa", 3, create_sliding_window_causal_mask)
    distance = (torch.arange(6)[:, None] - torch.arange(6)).abs()
    for row, real in enumerate(PADDING.bool()):
        assert torch.equal(both_ways(causal)[row, 0][real], ((distance < 3) & real)[real])


def test_the_mask_is_made_once_and_the_fused_attention_gets_it(bases, monkeypatch):
    model = build_model(bases["mistral"], {"attention": {"bidirectional": [1, 3]}, "pooling": MEAN}, 64)
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def spy(*arguments, attn_mask=None, is_causal=False, **settings):
        calls.append((None if attn_mask is None else id(attn_mask), is_causal))
        return fused(*arguments, attn_mask=attn_mask, is_causal=is_causal, **settings)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    backbone = model.eval()[0]
    whole = torch.ones(2, 7, dtype=torch.long)
    backbone({"input_ids": whole + 4, "attention_mask": whole})
    assert calls == [(None, False), (None, True), (None, False)]  # no padding: no mask, as in plain designs
    calls.clear()
    padded = torch.tensor([[0, 1, 1, 1, 1, 1, 1], [1] * 7])
    backbone.model(input_ids=whole + 4, attention_mask=padded)
    (first, _), (second, _), (third, _) = calls
    assert first == third != second
    assert not any(causal for _, causal in calls)


def test_checkpointing_and_fused_lora_change_no_gradient(bases):
    """Expected: the gradients without checkpointing, and with PEFT's own layers."""
    texts = [sentence(1, 9), sentence(2, 3)]

    def gradients(checkpointing: bool, fused: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = build_model(bases["qwen3"], {"attention": {"bidirectional": [2, 3]}, "pooling": MEAN}, 64)
        model.add_adapter(LoraConfig(r=4, target_modules=["q_proj", "up_proj"], init_lora_weights=False))
        if fused:
            use_fused_layers(model[0].model)
        if checkpointing:
            model[0].model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()(model.preprocess(texts))["sentence_embedding"][:, :5].sum().backward()
        return {name: w.grad for name, w in model.named_parameters() if w.grad is not None}

    expected = gradients(checkpointing=False, fused=False)
    for checkpointing, fused in [(True, False), (True, True)]:
        got = gradients(checkpointing, fused)
        for name, gradient in expected.items():
            torch.testing.assert_close(got[name], gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        ([1, 4], r"\[1, 4\] holds 4; choose from 1 to 3"),
        ([3, 1, 2], r"\[3, 1, 2\] holds all 3 layers; write attention: bidirectional"),
    ],
)
def test_layers_that_a_base_has_not_and_all_of_its_layers_are_refused(layers, problem, bases):
    design = {"name": "mine", "attention": {"bidirectional": layers}, "pooling": MEAN}
    with pytest.raises(BadInput, match=rf"^designs\.mine\.attention\.bidirectional {problem}$"):
        build_model(bases["mistral"], design, max_seq_length=16)


def test_a_model_whose_layers_ignore_their_attention_is_refused(bases):
    model = AutoModel.from_pretrained(bases["mistral"])
    BidirectionalLayers(model, [1])
    with pytest.raises(ValueError, match=r"does not obey attention = .'bidirectional': \[1, 2\]"):
        probe_attention(model, {"bidirectional": [1, 2]})
