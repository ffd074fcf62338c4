"""The contextual token equals an independent implementation, in any batch, and reads the complete text."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import gelu, normalize, pad
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.modules.backbone import Backbone
from embedding_designs.modules.contextual import ContextualToken
from embedding_designs.training.contrastive_loss import (
    CachedInBatchContrastiveLoss,
    InBatchContrastiveLoss,
    one_batch,
)
from embedding_designs.training.model import add_adapter, build_model, contextual_token, untrained_model
from helpers.toy import BACKBONES, DESIGNS, sentence

CAUSAL2VEC = DESIGNS["causal2vec"]
TEXTS = [sentence(1, words=2), sentence(2, words=30), "", sentence(3, words=9)]
PROMPT = "the lazy dog: "


def with_encoder(folder, **changes) -> dict:
    """Return the design of Causal2Vec with another encoder."""
    return CAUSAL2VEC | {"contextual": {"name": "tiny", "kind": "encoder", "model": str(folder)}} | changes


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def bert(encoder, tmp_path_factory):
    """Return the folder of a BERT whose tokenizer puts a text between [CLS] and [SEP] and knows no EOS."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    first, last = (tokenizer.convert_tokens_to_ids(token) for token in ("<s>", "</s>"))
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", first), ("</s>", last)]
    )
    tokenizer.eos_token = tokenizer.pad_token = None
    AutoModel.from_pretrained(encoder).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def independent(model, base, encoder, text, limit, causal=True):
    """Return the state of the contextual token and of EOS: one text at a time, in plain transformers."""
    reader, language_model = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(base).eval()
    bidirectional = AutoModel.from_pretrained(encoder).eval()
    bidirectional.config.is_causal, language_model.config.is_causal = False, causal
    own = reader(text)["input_ids"]
    states = bidirectional(input_ids=torch.tensor([own])).last_hidden_state[0]
    first, second = model[0].context.projection.first, model[0].context.projection.second
    vector = gelu(states.mean(dim=0) @ first.weight.T + first.bias) @ second.weight.T + second.bias
    tokenizer = AutoTokenizer.from_pretrained(base)
    ids = [*tokenizer(text)["input_ids"][: limit - 1], tokenizer.eos_token_id]
    embeddings = torch.cat([vector.unsqueeze(0), language_model.embed_tokens(torch.tensor(ids))])
    found = language_model(inputs_embeds=embeddings.unsqueeze(0)).last_hidden_state[0]
    return found[0], found[-1]


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("encoder_name", ["bert", "decoder"])
@pytest.mark.parametrize("architecture", BACKBONES)
@torch.no_grad()
def test_equals_an_independent_implementation(architecture, encoder_name, attention, bases, bert):
    """Arxiv 2507.23386: the encoder's vector before the text; its last state beside that of EOS."""
    folder = bert if encoder_name == "bert" else bases["llama"]
    model = build_model(bases[architecture], with_encoder(folder, attention=attention), 64).eval()
    texts = [text for text in TEXTS if text]
    found = model.encode(texts, prompt=PROMPT, convert_to_tensor=True)
    expected = [
        torch.cat(independent(model, bases[architecture], folder, PROMPT + text, 64, attention == "causal"))
        for text in texts
    ]
    torch.testing.assert_close(found, normalize(torch.stack(expected)), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("design", [name for name in DESIGNS if "contextual" in DESIGNS[name]])
def test_batch_and_padding_do_not_change_an_embedding(design, bases, bert):
    model = build_model(
        bases["qwen2"], with_encoder(bert) | {"pooling": DESIGNS[design]["pooling"]}, 64
    ).eval()
    alone = torch.cat([model.encode([text], convert_to_tensor=True) for text in TEXTS])
    assert alone.isfinite().all()
    torch.testing.assert_close(model.encode(TEXTS, convert_to_tensor=True), alone, atol=1e-5, rtol=1e-4)
    columns = [dict(model.preprocess(texts)) for texts in (TEXTS[:1], TEXTS[1:])]  # of different widths
    with torch.no_grad():
        joined = model(one_batch(columns))["sentence_embedding"]
    torch.testing.assert_close(joined, alone, atol=1e-5, rtol=1e-4)


def test_it_stands_right_before_the_first_real_token_and_is_not_counted(bases, encoder):
    backbone = build_model(bases["mistral"], CAUSAL2VEC, max_seq_length=8)[0]
    plain = Backbone(str(bases["mistral"]), processor_kwargs={"model_max_length": 8}).preprocess(TEXTS)
    features = backbone.preprocess(TEXTS)
    assert torch.equal(features["input_ids"][1, 1:], plain["input_ids"][1])
    lengths = features["attention_mask"].sum(dim=1)
    assert torch.equal(lengths, plain["attention_mask"].sum(dim=1) + 1)
    assert torch.equal(features["pooling_mask"], pad(plain["attention_mask"], (1, 0)))


def test_the_encoder_reads_what_the_language_model_may_read_or_less_if_it_is_shorter(bases, encoder, bert):
    long = sentence(4, words=200)
    for limit, read in ((8, 8), (200, 64)):  # the toy encoder has 64 positions
        backbone = build_model(bases["mistral"], with_encoder(bert), max_seq_length=limit)[0]
        features = backbone.preprocess([long, "fox"], prompt=PROMPT)
        assert features["context_mask"].sum(dim=1)[0] == read
        assert features["context_ids"].shape == (2, read)


@pytest.mark.parametrize("kind", ["roberta", "mpnet", "electra"])
def test_an_encoder_is_never_given_more_tokens_than_it_has_positions(kind, bases, encoder, tmp_path):
    """The first position of RoBERTa and MPNet comes after that of padding, 1: of 34, 32 are left."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), hidden_size=24, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.model_max_length = int(1e30)  # not known
    tokenizer.save_pretrained(tmp_path)
    model = build_model(bases["mistral"], with_encoder(tmp_path), max_seq_length=64).eval()
    features = model.preprocess([sentence(4, words=100)])
    assert features["context_ids"].shape == (1, 34 if kind == "electra" else 32)
    assert model(features)["sentence_embedding"].isfinite().all()


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@torch.no_grad()
def test_a_late_word_changes_the_contextual_token(attention, bases, encoder):
    design = DESIGNS["contextual"] | {"attention": attention}
    model = build_model(bases["mistral"], design, max_seq_length=64).eval()
    first, second = model.encode(["the quick brown fox", "the quick brown dog"], convert_to_tensor=True)
    assert not torch.allclose(first, second, atol=1e-3)


@torch.no_grad()
def test_other_poolings_leave_the_contextual_token_out(bases, encoder):
    for kind in ("mean", "max"):
        design = CAUSAL2VEC | {"pooling": {"kind": kind, "tokens": kind}}
        model = build_model(bases["mistral"], design, max_seq_length=64).eval()
        backbone, pooling = model[0], model[1]
        features = backbone(backbone.preprocess(TEXTS))
        marked = features | {"token_embeddings": features["token_embeddings"].clone()}
        first = features["attention_mask"].argmax(dim=1)
        marked["token_embeddings"][torch.arange(len(TEXTS)), first] = 1e4
        found, expected = (pooling(dict(read))["sentence_embedding"] for read in (marked, features))
        assert torch.equal(found, expected)


@pytest.mark.parametrize("autocast", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_gradients_reach_the_projection_and_all_trained_weights(
    lora, checkpointing, autocast, bases, run_config
):
    config = run_config("causal2vec", lora=lora)
    model = untrained_model(config, str(bases["mistral"])).train()
    if checkpointing:
        model[0].model.activation_checkpointing_enable({"use_reentrant": False})
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        embeddings = model(model.preprocess(TEXTS))["sentence_embedding"]
    (embeddings.float() * torch.linspace(-1, 1, embeddings.numel()).view_as(embeddings)).sum().backward()
    context = model[0].context
    assert context.model.training != lora
    assert all(weights.requires_grad != lora for weights in context.model.parameters())
    for name, weights in model.named_parameters():
        assert (weights.grad is not None) == weights.requires_grad, name  # or DDP would wait for it
    for weights in context.projection.parameters():
        assert weights.grad.abs().sum() > 0


@pytest.mark.parametrize(("lora", "times"), [(False, 2), (True, 1)], ids=["full", "lora"])
def test_checkpointing_runs_a_trained_encoder_twice_and_a_frozen_one_once(lora, times, bases, run_config):
    model = untrained_model(run_config("causal2vec", lora=lora), str(bases["mistral"])).train()
    model.gradient_checkpointing_enable({"use_reentrant": False})
    runs = []
    for layer in model[0].context.model.encoder.layer:
        layer.intermediate.register_forward_hook(lambda *_: runs.append(1))
    model(model.preprocess(TEXTS))["sentence_embedding"].sum().backward()
    assert len(runs) == 2 * times  # layers


@pytest.mark.parametrize("chunk", [1, 3])
def test_the_cached_loss_has_the_loss_and_gradients_of_the_plain_one(chunk, bases, encoder):
    model = build_model(bases["mistral"], CAUSAL2VEC, max_seq_length=16).double().train()
    columns = [
        model.preprocess([sentence(seed, seed % 9) for seed in range(5 * n, 5 * n + 5)]) for n in (1, 2)
    ]
    found = []
    for loss in (InBatchContrastiveLoss(model, 20.0), CachedInBatchContrastiveLoss(model, 20.0, chunk)):
        model.zero_grad()
        value = loss(columns, None)
        value.backward()
        found.append([value.detach(), *(weights.grad for weights in model.parameters())])
    largest = max(gradient.abs().max() for gradient in found[0])
    for plain, cached in zip(*found, strict=True):  # norms and positions are float32 in every precision
        assert (cached - plain).abs().max() < 1e-6 * largest


def test_a_bf16_backbone_keeps_a_float32_projection(bases, encoder):
    model = build_model(bases["mistral"], CAUSAL2VEC, max_seq_length=64, precision="bf16").eval()
    assert {weights.dtype for weights in model[0].context.projection.parameters()} == {torch.float32}
    assert {weights.dtype for weights in model[0].context.model.parameters()} == {torch.bfloat16}
    full = build_model(bases["mistral"], CAUSAL2VEC, max_seq_length=64).eval()
    full[0].context.projection.load_state_dict(model[0].context.projection.state_dict())
    found, expected = (each.encode(TEXTS, convert_to_tensor=True).float() for each in (model, full))
    assert torch.cosine_similarity(found, expected).min() > 0.99


def test_a_missing_pooler_is_ignored_and_other_missing_weights_are_not(encoder, tmp_path):
    model = AutoModelForMaskedLM.from_pretrained(encoder)
    weights = {name: value for name, value in model.state_dict().items() if "layer.1.output" not in name}
    model.save_pretrained(tmp_path, state_dict=weights)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(tmp_path)
    assert ContextualToken(encoder, width=32).model.pooler is None
    with pytest.raises(ValueError, match="its safetensors lack 4 tensors of BertModel: encoder"):
        ContextualToken(str(tmp_path), width=32)


def damaged(folder, name, weights=None) -> str:
    """Return the line on an encoder without a file, or with other weights."""
    if weights:
        save_file(weights, folder / name, {"format": "pt"})
    else:
        (folder / name).unlink()
    with pytest.raises(BadInput) as error:
        contextual_token(with_encoder(folder)["contextual"], None, 32, "fp32")
    return str(error.value)


def test_an_encoder_that_cannot_be_used_is_named_in_one_line(bert, tmp_path):
    folder = Path(shutil.copytree(bert, tmp_path / "bert"))
    key = f"encoders.tiny.model {folder}: "
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["encoder.layer.0.output.dense.bias"][3] = torch.nan
    line = damaged(folder, file.name, weights)
    assert line == f"{key}its tensor encoder.layer.0.output.dense.bias has numbers that are not finite"
    assert damaged(folder, file.name).startswith(f"{key}model.safetensors is missing; found no other weights")
    folder = Path(shutil.copytree(bert, tmp_path / "other"))
    assert damaged(folder, "tokenizer.json").startswith(
        f"encoders.tiny.model {folder}: tokenizer.json: no such file; save the tokenizer with"
    )


def test_the_code_of_an_encoder_never_runs_and_nobody_is_asked(bert, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(bert, tmp_path / "bert"))
    code = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": code}))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "y")
    with pytest.raises(
        BadInput, match=r"^encoders\.tiny\.model .*code in its folder, which is never run for"
    ):
        contextual_token(with_encoder(folder)["contextual"], None, 32, "fp32")
    assert not asked
    assert not (tmp_path / "ran").exists()


def test_a_backbone_with_too_few_positions_for_the_contextual_token_is_refused(bases, encoder, tmp_path):
    config = AutoConfig.for_model(
        "gpt2", vocab_size=320, n_embd=32, n_layer=2, n_head=2, n_positions=16, bos_token_id=1, eos_token_id=2
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    message = r"max_seq_length 16 \(read as 17 tokens with a contextual token\) exceeds its 16 positions"
    build_model(tmp_path, DESIGNS["eos-causal"], max_seq_length=16)
    with pytest.raises(BadInput, match=message):
        build_model(tmp_path, CAUSAL2VEC, max_seq_length=16)


def test_a_second_adapter_training_leaves_the_encoder_as_it_is(bases, run_config):
    config = run_config("causal2vec", lora=True)
    model = build_model(bases["mistral"], config.design, max_seq_length=16)
    add_adapter(model, config)
    trained = {name.split(".")[2] for name, weights in model[0].context.named_parameters(prefix="0.context")
               if weights.requires_grad}  # fmt: skip
    assert trained == {"projection"}
