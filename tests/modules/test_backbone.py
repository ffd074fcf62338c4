"""The backbone obeys its attention mode, and neither padding nor truncation touches what it must not."""

import pytest
import torch
from transformers import AutoModel

from embedding_designs.modules.backbone import Backbone, probe_attention
from embedding_designs.modules.pooling import TOKEN_POOLINGS
from embedding_designs.training.model import build_model, load_model, merge_adapter, untrained_model
from helpers.toy import BACKBONES, DESIGNS, sentence


def later_token_changes_earlier_state(backbone) -> bool:
    """Return whether the first token's state changes with the last token, with and without padding."""
    backbone.eval()
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 9]])
    with torch.no_grad():
        plain = backbone({"input_ids": ids, "attention_mask": torch.ones_like(ids)})["token_embeddings"]
        pads = torch.zeros(2, 3, dtype=torch.long)
        padded = {
            "input_ids": torch.cat([pads, ids], dim=1),
            "attention_mask": torch.cat([pads, torch.ones_like(ids)], dim=1),
        }
        shifted = backbone(padded)["token_embeddings"][:, 3:]
    changed = [not torch.allclose(states[0, 0], states[1, 0], atol=1e-4) for states in (plain, shifted)]
    assert changed[0] == changed[1], "padding changes which tokens are seen"
    return changed[0]


@pytest.mark.parametrize("architecture", BACKBONES)
@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_attention_mode_holds_before_and_after_lora_merge_save_and_reload(
    architecture, attention, bases, run_config, tmp_path
):
    config = run_config("mean-causal", lora=True)
    config.design["attention"] = attention
    model = untrained_model(config, str(bases[architecture]))
    for name, weights in model.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter that does nothing would prove nothing
            torch.nn.init.normal_(weights, std=0.2)
    bidirectional = attention == "bidirectional"
    assert later_token_changes_earlier_state(model[0]) == bidirectional

    model.eval()
    with_adapter = model.encode([sentence(1)])
    merge_adapter(model)
    assert later_token_changes_earlier_state(model[0]) == bidirectional
    torch.testing.assert_close(model.encode([sentence(1)]), with_adapter, atol=1e-5, rtol=1e-4)

    model.save_pretrained(str(tmp_path / "model"))
    reloaded = load_model(tmp_path / "model")
    assert reloaded[0].attention == attention
    assert later_token_changes_earlier_state(reloaded[0]) == bidirectional
    assert (reloaded.encode([sentence(1)]) == model.encode([sentence(1)])).all()


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("architecture", BACKBONES)
def test_every_design_has_its_attention_mode(architecture, design, bases):
    backbone = build_model(bases[architecture], DESIGNS[design], max_seq_length=16)[0]
    backbone.context = None  # it makes the first token see later ones
    assert later_token_changes_earlier_state(backbone) == (DESIGNS[design]["attention"] != "causal")


def test_a_model_that_ignores_the_attention_mode_is_refused(bases):
    model = AutoModel.from_pretrained(bases["mistral"])
    with pytest.raises(ValueError, match="does not obey attention = bidirectional"):
        probe_attention(model, "bidirectional")


def test_layer_states_equal_output_hidden_states(bases):
    backbone = Backbone(str(bases["qwen2"]), attention="bidirectional", layer_tokens="mean").eval()
    features = backbone.preprocess([sentence(1), sentence(2, words=3)])
    mask = features["attention_mask"].unsqueeze(-1)
    with torch.no_grad():
        outputs = backbone.model(**features, output_hidden_states=True)
        mean = torch.stack(
            [(states * mask).sum(1) / mask.sum(1) for states in outputs.hidden_states[1:]], dim=1
        )
        torch.testing.assert_close(backbone(features)["layer_embeddings"], mean)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("architecture", ["mistral", "qwen2"])
def test_padding_does_not_change_an_embedding(architecture, design, bases):
    model = build_model(bases[architecture], DESIGNS[design], max_seq_length=64).eval()
    texts = [sentence(1, words=2), sentence(2, words=30), sentence(3, words=9)]
    alone = torch.cat([model.encode([text], convert_to_tensor=True) for text in texts])
    for side in ("left", "right"):
        model.tokenizer.padding_side = side
        batched = model.encode(texts, convert_to_tensor=True)
        torch.testing.assert_close(batched, alone, atol=1e-5, rtol=1e-4)
        features = model.preprocess(texts[:1])
        pads = torch.zeros(1, 40, dtype=torch.long)
        order = (lambda a, b: [b, a]) if side == "left" else (lambda a, b: [a, b])
        padded = {key: torch.cat(order(value, pads), dim=1) for key, value in features.items()}
        with torch.no_grad():
            embedding = model(padded)["sentence_embedding"]
        torch.testing.assert_close(embedding, alone[:1], atol=1e-5, rtol=1e-4)


def test_eos_is_appended_and_survives_truncation(bases):
    backbone = Backbone(str(bases["mistral"]), processor_kwargs={"model_max_length": 6})
    features = backbone.preprocess([sentence(1, words=40), "fox", ""])
    eos = backbone.tokenizer.eos_token_id
    assert features["input_ids"].shape[1] == 6
    assert (features["input_ids"][:, -1] == eos).all()
    assert features["attention_mask"].sum(1).tolist()[0] == 6
    assert features["attention_mask"].sum(1).tolist()[2] == 1  # an empty text is its EOS


def test_eos_is_not_taken_for_padding_where_both_are_one_token(bases):
    backbone = Backbone(str(bases["mistral"]), processor_kwargs={"pad_token": "</s>"})
    assert backbone.tokenizer.pad_token_id == backbone.tokenizer.eos_token_id
    features = backbone.preprocess([sentence(1, words=9), "fox"])
    assert (features["attention_mask"][:, -1] == 1).all()
    own = backbone.tokenizer("fox")["input_ids"]
    assert features["attention_mask"][1].sum() == len(own) + 1


def test_a_tokenizer_that_adds_eos_itself_gets_no_second_one(bases, tmp_path):
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bases["mistral"])
    eos = (tokenizer.eos_token, tokenizer.eos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[eos])
    AutoModel.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    backbone = Backbone(str(tmp_path), processor_kwargs={"model_max_length": 6})
    for text in ("fox", sentence(1, words=40)):
        ids = backbone.preprocess([text])["input_ids"][0].tolist()
        assert ids.count(eos[1]) == 1
        assert ids[-1] == eos[1]


def test_prompt_is_put_before_the_text_without_separator(bases):
    backbone = Backbone(str(bases["mistral"]))
    prompted = backbone.preprocess(["fox"], prompt="quick ")["input_ids"]
    assert torch.equal(prompted, backbone.preprocess(["quick fox"])["input_ids"])


@pytest.mark.parametrize("autocast", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("tokens", ["mean", "last"])
@pytest.mark.parametrize("architecture", BACKBONES)
def test_states_pooled_on_the_fly_under_checkpointing_give_the_gradients_of_all_states_kept(
    architecture, tokens, lora, autocast, bases, run_config
):
    config = run_config("multi-layer-bidirectional", lora=lora)
    config.design["pooling"] = config.design["pooling"] | {"tokens": tokens}
    if lora:
        config.base["lora"]["dropout"] = 0.0
    torch.manual_seed(0)
    backbone = untrained_model(config, str(bases[architecture]))[0].train()
    features = backbone.preprocess([sentence(1), sentence(2, words=3), sentence(3, words=9)])
    mask = features["attention_mask"]
    weights = torch.linspace(-1, 1, 3 * 3 * 32).view(3, 3, 32)
    trained = {name: weight for name, weight in backbone.named_parameters() if weight.requires_grad}

    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        kept = backbone.model(**features, output_hidden_states=True).hidden_states[1:]
    pooled = torch.stack([TOKEN_POOLINGS[tokens](states, mask) for states in kept], dim=1)
    expected = torch.autograd.grad((pooled * weights).sum(), trained.values(), allow_unused=True)

    backbone.model.activation_checkpointing_enable({"use_reentrant": False})
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        on_the_fly = backbone(dict(features))["layer_embeddings"]
    got = torch.autograd.grad((on_the_fly * weights).sum(), trained.values(), allow_unused=True)
    tolerance = {"rtol": 0.1, "atol": 0.1} if autocast else {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(on_the_fly.float(), pooled.float(), **tolerance)
    for name, ours, theirs in zip(trained, got, expected, strict=True):
        if theirs is not None:
            torch.testing.assert_close(ours, theirs, **tolerance, msg=name)
