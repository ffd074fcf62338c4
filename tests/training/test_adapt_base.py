"""Adaptation: masked tokens are predicted from the states before them, and the result is an ordinary base."""

import json
import subprocess
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer, BertConfig, BertModel

from embedding_designs.common.errors import BadInput, Stopped
from embedding_designs.modules.backbone import probe_attention
from embedding_designs.modules.layer_attention import layers_that_see_later
from embedding_designs.study.adaptation import DESIGN, LLM2VEC
from embedding_designs.training import adapt_base
from embedding_designs.training.adapt_base import adapt, distinct_texts, save_adapted
from embedding_designs.training.language_model_head import LanguageModelHead, load_head
from embedding_designs.training.masked_tokens import MaskedNextTokenLoss, mask_token_of, maskable
from embedding_designs.training.model import build_model, untrained_model
from helpers.toy import sentence
from helpers.training import environment, same_weights, send_sigterm, train_command, weights_of

RECIPE = {"kind": "mntp", "mask_share": 0.3, "batch_size": 4, "learning_rate": 0.003, "warmup_steps": 0}
BIDIRECTIONAL = {"name": "mntp-1", "attention": "bidirectional", **DESIGN}


@pytest.fixture(scope="session")
def adaptation(run_config):
    """Return a function that makes the config of a tiny adaptation."""

    def make(lora: bool = False, **recipe):
        config = run_config("mean-bidirectional", lora, **LLM2VEC, **RECIPE | recipe)
        return replace(config, design=BIDIRECTIONAL)

    return make


def adapted(config, base, triplets, folder):
    folder.mkdir(exist_ok=True)
    return adapt(config, str(base), *triplets, folder, folder / "log.jsonl")


# Which tokens are masked, and from which states they are predicted


def plain_loss(model, head_weights, features, masked, mask_token):
    """Return the loss of MNTP as its definition reads, text by text and token by token.

    For each masked token i: the negative log probability of the original token, given the state at i - 1 of
    the text in which the masked tokens are replaced.
    """
    losses = []
    for ids, mask, chosen in zip(features["input_ids"], features["attention_mask"], masked, strict=True):
        tokens = ids[mask.bool()].clone()  # without padding
        places = chosen[mask.bool()].nonzero().flatten().tolist()
        replaced = tokens.clone()
        replaced[places] = mask_token
        states = model(input_ids=replaced[None])[0][0]
        for place in places:
            losses.append(-F.log_softmax(head_weights @ states[place - 1], dim=0)[tokens[place]])
    return torch.stack(losses).mean()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("architecture", ["mistral", "qwen3"])
def test_the_loss_is_that_of_an_independent_implementation(architecture, training, bases, adaptation):
    """In training and for held-out texts, of which the padding then comes last."""
    config, base = adaptation(mask_share=0.5), str(bases[architecture])
    model = untrained_model(config, base).train(training)
    loss = adapt_base.masked_next_token_loss(model, config, base)
    features = model.preprocess([sentence(1, 12), "the fox", sentence(2, 7)])
    chosen = []
    loss.masked = lambda *batch: chosen.append(type(loss).masked(loss, *batch)) or chosen[-1]
    computed = loss([features], None)
    plain = AutoModel.from_pretrained(base)
    plain.config.is_causal = False
    head = AutoModelForCausalLM.from_pretrained(base).lm_head.weight
    expected = plain_loss(plain, head, features, chosen[0], loss.mask_token)
    assert chosen[0].sum() > 4
    torch.testing.assert_close(computed, expected)


def test_a_masked_token_is_scored_as_the_labels_of_a_causal_language_model(bases, adaptation):
    """LLM2Vec trains a causal language model, whose loss shifts the labels; -100 marks what is not masked."""
    config, base = adaptation(mask_share=0.4), str(bases["llama"])
    model = untrained_model(config, base).eval()
    loss = adapt_base.masked_next_token_loss(model, config, base)
    features = model.preprocess([sentence(seed, 10) for seed in range(3)])
    with torch.no_grad():
        masked = loss.masked(features["input_ids"], features["attention_mask"].bool())
        computed = loss([features], None)
        language_model = AutoModelForCausalLM.from_pretrained(base)
        language_model.config.is_causal = False
        inputs = {**features, "input_ids": features["input_ids"].masked_fill(masked, loss.mask_token)}
        expected = language_model(**inputs, labels=features["input_ids"].masked_fill(~masked, -100)).loss
    torch.testing.assert_close(computed, expected)


def test_neither_padding_nor_special_tokens_nor_the_first_token_are_masked():
    ids = torch.tensor([[0, 0, 1, 7, 8, 2], [1, 5, 6, 7, 2, 9]])  # 0: padding, 1: BOS, 2: EOS
    mask = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]).bool()
    assert maskable(ids, mask, torch.tensor([0, 1, 2])).int().tolist() == [
        [0, 0, 0, 1, 1, 0],
        [0, 1, 1, 1, 0, 1],
    ]
    without_bos = maskable(ids, mask, torch.tensor([2]))
    assert without_bos.int().tolist() == [[0, 0, 0, 1, 1, 0], [0, 1, 1, 1, 0, 1]]


def test_the_share_of_masked_tokens_is_the_one_asked_for_and_new_in_each_step(bases, adaptation):
    config, base = adaptation(mask_share=0.25), str(bases["mistral"])
    loss = adapt_base.masked_next_token_loss(untrained_model(config, base), config, base)
    ids, mask = torch.full((100, 401), 50), torch.ones(100, 401).bool()
    first, second = (loss.masked(ids, mask) for _ in range(2))
    assert first[:, 1:].float().mean() == pytest.approx(0.25, abs=0.01)
    assert not torch.equal(first, second)
    with torch.no_grad():
        assert torch.equal(loss.masked(ids, mask), loss.masked(ids, mask))  # of held-out batches


def test_a_batch_without_a_masked_token_has_no_loss(bases, adaptation):
    config, base = adaptation(mask_share=1e-9), str(bases["mistral"])
    model = untrained_model(config, base)
    loss = adapt_base.masked_next_token_loss(model, config, base)([model.preprocess(["the fox"])], None)
    loss.backward()
    assert loss == 0


# The head


SCALED = {
    "gemma2": {"final_logit_softcapping": 2.0, "query_pre_attn_scalar": 8},
    "granite": {"logits_scaling": 8.0},
    "cohere": {"logit_scale": 0.1},
    "gpt_neox": {},
}


@pytest.mark.parametrize("architecture", SCALED)
def test_a_head_gives_the_logits_of_the_language_model_that_it_is_from(architecture):
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        architecture, vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, head_dim=8, pad_token_id=0, **SCALED[architecture],
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        outputs = model(input_ids=torch.tensor([[5, 6, 7]]))
        states = model.base_model(input_ids=torch.tensor([[5, 6, 7]]))[0][0]
        logits = LanguageModelHead(model, model.get_input_embeddings())(states)
    torch.testing.assert_close(logits, outputs.logits[0])


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_is_trained_only_if_it_has_the_weights_of_the_embeddings(tied, bases, tmp_path, tokenizer):
    config = AutoConfig.from_pretrained(bases["qwen2"], tie_word_embeddings=tied)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    embeddings = build_model(tmp_path, BIDIRECTIONAL, max_seq_length=16)[0].model.get_input_embeddings()
    head = load_head(embeddings, str(tmp_path))
    trained = [weight for weight in head.parameters() if weight.requires_grad]
    assert len(trained) == tied
    assert not tied or trained[0] is embeddings.weight


def test_a_base_without_a_head_is_refused(bases, tmp_path, tokenizer, adaptation):
    AutoModel.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = adaptation()
    config.base["model"] = str(tmp_path)
    message = r"bases\.tiny\.model .*: has no language model head \(lm_head\.weight is missing\)"
    with pytest.raises(BadInput, match=message):
        adapt_base.masked_next_token_loss(untrained_model(config, str(tmp_path)), config, str(tmp_path))


def test_an_encoder_is_refused(tmp_path, tokenizer, adaptation, triplets):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    with pytest.raises(BadInput, match="bert is an encoder; expected a decoder-only language model"):
        adapted(adaptation(), tmp_path / "bert", triplets, tmp_path / "run")


# The mask token


def test_the_mask_token_is_the_tokenizers_or_an_underscore(bases):
    tokenizer = AutoTokenizer.from_pretrained(bases["mistral"])
    assert tokenizer.decode([mask_token_of(tokenizer, "base")]) == "_"
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    assert mask_token_of(tokenizer, "base") == tokenizer.mask_token_id == len(tokenizer) - 1


# The training


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_an_adapted_base_is_an_ordinary_folder_of_a_base(lora, bases, triplets, adaptation, tmp_path):
    config = adaptation(lora, steps=4)
    model = adapted(config, bases["mistral"], triplets, tmp_path / "run").eval()
    save_adapted(model, config, tmp_path / "base")
    plain = AutoModel.from_pretrained(tmp_path / "base")
    assert type(plain).__name__ == "MistralModel"
    probe_attention(plain, "bidirectional")
    before = AutoModel.from_pretrained(bases["mistral"]).state_dict()
    assert plain.state_dict().keys() == before.keys()  # the adapter is merged
    name = "layers.0.self_attn.q_proj.weight"
    assert not torch.equal(plain.state_dict()[name], before[name])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert (
        tokenizer("the fox")["input_ids"]
        == AutoTokenizer.from_pretrained(bases["mistral"])("the fox")["input_ids"]
    )
    again = build_model(tmp_path / "base", BIDIRECTIONAL, max_seq_length=16).eval()
    assert (again.encode(["the fox"]) == model.encode(["the fox"])).all()
    assert json.loads((tmp_path / "base/run_config.json").read_text()) == config.to_json()


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_a_base_can_be_adapted_with_attention_by_layer(lora, bases, triplets, adaptation, tmp_path):
    design = {**BIDIRECTIONAL, "attention": {"bidirectional": "last_third"}}
    config = replace(adaptation(lora, steps=2), design=design)
    model = adapted(config, bases["mistral"], triplets, tmp_path / "run").eval()
    assert layers_that_see_later(model[0].model) == [3]
    save_adapted(model, config, tmp_path / "base")
    again = build_model(tmp_path / "base", design, max_seq_length=16).eval()
    assert layers_that_see_later(again[0].model) == [3]
    assert (again.encode(["the fox"]) == model.encode(["the fox"])).all()


def test_an_adaptation_lowers_the_held_out_loss(bases, triplets, adaptation, tmp_path):
    config = adaptation(steps=40, learning_rate=0.01, heldout_steps=20)
    adapted(config, bases["mistral"], triplets, tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["heldout_loss"] for line in log if line["event"] == "heldout"]
    assert losses[-1] < losses[0] < 6  # ln 320 = 5.8: of tokens drawn at random
    assert log[-1]["event"] == "summary"
    assert (log[-1]["heldout_documents"], log[-1]["collapsed"]) == (0, False)
    assert log[-1]["tokens"] > 40 * 4 * 5


def test_the_same_config_gives_the_same_base_and_another_seed_another(bases, triplets, adaptation, tmp_path):
    config = adaptation(steps=2)
    first, again, other = (
        weights_of(adapted(own, bases["mistral"], triplets, tmp_path / name))
        for name, own in [("first", config), ("again", config), ("other", replace(config, seed=8))]
    )
    assert same_weights(first, again)
    assert not same_weights(first, other)


class Stopping(MaskedNextTokenLoss):
    """Sends SIGTERM in the fifth call."""

    calls = 0

    def forward(self, *arguments):
        self.calls += 1
        if self.calls == 5:
            send_sigterm()
        return super().forward(*arguments)


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_a_stopped_adaptation_ends_with_the_weights_of_an_uninterrupted_one(
    lora, bases, triplets, adaptation, tmp_path, monkeypatch
):
    config = adaptation(lora, steps=8, checkpoint_steps=50)
    with monkeypatch.context() as patched:
        patched.setattr(adapt_base, "MaskedNextTokenLoss", Stopping)
        with pytest.raises(Stopped, match=r"after step [45] of 8"):
            adapted(config, bases["mistral"], triplets, tmp_path / "stopped")
    resumed = weights_of(adapted(config, bases["mistral"], triplets, tmp_path / "stopped"))
    assert same_weights(resumed, weights_of(adapted(config, bases["mistral"], triplets, tmp_path / "other")))


def test_a_design_is_trained_on_what_the_command_writes(bases, triplets, adaptation, run_config, tmp_path):
    """The commands of the rules adapt_base, on two processes, and train_design."""
    config = adaptation(steps=2)
    for name in ("adapted", "trained"):
        (tmp_path / name).mkdir()
    adapt_command = [
        argument.replace("train_design", "adapt_base")
        for argument in train_command(
            config, bases["mistral"], triplets, tmp_path / "adapted", "--processes=2"
        )
    ]
    subprocess.run(adapt_command, env=environment(), check=True, capture_output=True)
    written = sorted(path.name for path in (tmp_path / "adapted").iterdir())
    assert written == ["config.json", "model", "training.jsonl"]
    log = (tmp_path / "adapted/training.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["processes"] == 2
    run = run_config("mean-bidirectional", steps=1, warmup_steps=0, learning_rate=1e-12)
    command = train_command(run, tmp_path / "adapted/model", triplets, tmp_path / "trained")
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    name = "layers.0.self_attn.q_proj.weight"
    adapted_weights, trained_weights = (
        load_file(tmp_path / folder / "model/model.safetensors")[name] for folder in ("adapted", "trained")
    )
    torch.testing.assert_close(trained_weights, adapted_weights)


def test_each_text_of_all_columns_is_there_once():
    rows = Dataset.from_dict({"query": ["a", "b"], "positive": ["c", "a"], "negative": ["c", "d"]})
    assert distinct_texts(rows)["text"][:] == ["a", "b", "c", "d"]


def test_fewer_texts_than_a_batch_are_refused(bases, triplets, adaptation, tmp_path):
    message = r"adaptation\.batch_size 1000 is more than the \d+ texts to train on; lower it, or add training"
    with pytest.raises(BadInput, match=message):
        adapted(adaptation(batch_size=1000), bases["mistral"], triplets, tmp_path)


def test_a_diverging_adaptation_names_its_own_rate(bases, triplets, adaptation, tmp_path):
    with pytest.raises(
        BadInput, match=r"^tiny mntp-1: .* is not finite .*; lower adaptation\.learning_rate$"
    ):
        adapted(adaptation(learning_rate=1e30), bases["mistral"], triplets, tmp_path)
