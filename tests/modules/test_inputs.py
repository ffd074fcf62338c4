"""Echo, prompt templates and unpooled prompts equal a small independent implementation in any batch."""

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling as LibraryPooling
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

from embedding_designs.modules.backbone import Backbone
from embedding_designs.modules.inputs import PlainInput, tokens_within
from embedding_designs.training.model import build_model
from helpers.toy import BACKBONES, DESIGNS, ECHO, ONE_WORD, sentence

TEXTS = [sentence(1, words=2), sentence(2, words=30), "", sentence(3, words=9)]
PROMPTS = ["", "the lazy dog: "]
MEAN = {"kind": "mean", "tokens": "mean"}
EOS = {"kind": "eos", "tokens": "last"}


class Independent:
    """Token ids in one list, pooled ones marked, each text run alone: as the sources describe it."""

    def __init__(self, folder, attention):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()
        self.model.config.is_causal = attention == "causal"

    def ids(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def echo(self, text, prompt, side, length=10**6):
        name = side.capitalize()
        own = self.ids(text)[:length]
        first = self.ids(f"{prompt}{name}:") + own + self.ids(f"\n{name} again:")
        return first + own + [self.tokenizer.eos_token_id], [0] * len(first) + [1] * (len(own) + 1)

    def prompt(self, text, prompt, side, length=10**6):
        own = self.ids(text)[:length]
        ids = self.ids(f'{prompt}This sentence : "') + own + self.ids('" means in one word:"')
        return ids, [0] * (len(ids) - 1) + [1]

    def embedding(self, ids, pooled):
        with torch.no_grad():
            states = self.model(input_ids=torch.tensor([ids]))[0][0]
        return normalize(states[torch.tensor(pooled).bool()].mean(dim=0), dim=0)


def model_of(folder, length=256, **design):
    return build_model(folder, {"attention": "causal", "pooling": MEAN, **design}, length).eval()


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("task", ["query", "document"])
def test_echo_is_the_mean_of_the_second_copy_and_eos(task, prompt, attention, bases):
    independent = Independent(bases["qwen2"], attention)
    expected = torch.stack([independent.embedding(*independent.echo(text, prompt, task)) for text in TEXTS])
    model = model_of(bases["qwen2"], attention=attention, input="echo", templates=ECHO)
    for side in ("left", "right"):
        model.tokenizer.padding_side = side
        found = model.encode(TEXTS, prompt=prompt, task=task, convert_to_tensor=True)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_echo_with_the_last_token_pools_eos(bases):
    independent = Independent(bases["mistral"], "causal")
    model = model_of(bases["mistral"], input="echo", templates=ECHO, pooling=EOS)
    for text, found in zip(TEXTS, model.encode(TEXTS, convert_to_tensor=True), strict=True):
        ids, _ = independent.echo(text, "", "query")
        expected = independent.embedding(ids, [0] * (len(ids) - 1) + [1])
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_the_two_sides_and_no_side(bases):
    model = model_of(bases["mistral"], input="echo", templates=ECHO)
    assert (model.encode(TEXTS) == model.encode_query(TEXTS)).all()
    assert (model.encode(TEXTS) != model.encode_document(TEXTS)).any()


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompt_is_the_state_from_which_the_one_word_would_follow(prompt, bases):
    independent = Independent(bases["llama"], "causal")
    expected = torch.stack([independent.embedding(*independent.prompt(text, prompt, "")) for text in TEXTS])
    templates = {"query": ONE_WORD, "document": ONE_WORD}
    model = model_of(bases["llama"], input="prompt", templates=templates, pooling=EOS)
    found = model.encode(TEXTS, prompt=prompt, convert_to_tensor=True)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["echo", "prompt"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_truncation_cuts_the_text_to_what_plain_keeps_and_never_the_template(kind, prompt, bases):
    limit, text = 12, " ".join(["dog"] * 40)
    independent = Independent(bases["mistral"], "causal")
    templates = ECHO if kind == "echo" else {"query": ONE_WORD, "document": ONE_WORD}
    model = model_of(bases["mistral"], limit, input=kind, templates=templates, pooling=EOS)
    kept = limit - 1 - len(independent.ids(prompt))  # EOS, and the prompt
    ids, _ = getattr(independent, kind)(text, prompt, "query", kept)
    features = model[0].preprocess([text], prompt=prompt)
    assert features["input_ids"].tolist() == [ids]
    assert len(ids) <= model[0].reader.longest(limit)
    plain = Backbone(str(bases["mistral"]), processor_kwargs={"model_max_length": limit})
    assert plain.preprocess([text], prompt=prompt)["attention_mask"].sum() == limit
    model.max_seq_length = 1  # less than the prompt: nothing of the text is left
    ids, _ = getattr(independent, kind)("", prompt, "query")
    assert model[0].preprocess([text], prompt=prompt)["input_ids"].tolist() == [ids]


def test_a_text_that_contains_the_template_is_only_a_text(bases):
    """Positions are known from tokenization: strings are never searched."""
    text = "{text} Query again:{text} dog"
    independent = Independent(bases["mistral"], "causal")
    ids, pooled = independent.echo(text, "", "query")
    features = Backbone(str(bases["mistral"]), input="echo", templates=ECHO).preprocess([text])
    assert features["input_ids"].tolist() == [ids]
    assert features["pooling_mask"].tolist() == [pooled]


def test_echo_that_goes_on_after_the_second_copy_pools_no_eos(bases):
    templates = dict.fromkeys(("query", "document"), "{text} or {text}.")
    backbone = Backbone(str(bases["mistral"]), input="echo", templates=templates)
    own, middle, end = (len(backbone.tokenizer(part)["input_ids"]) for part in ("the dog", " or ", "."))
    features = backbone.preprocess(["the dog", ""])
    assert features["pooling_mask"][0].tolist() == [0] * (own + middle) + [1] * own + [0] * (end + 1)
    assert features["pooling_mask"][1].nonzero().flatten().tolist() == [2 * own + middle + end]  # EOS


def test_a_special_first_token_comes_once_and_is_not_cut(bases, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(bases["mistral"])
    first = tokenizer.convert_tokens_to_ids("<s>")
    template = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", first)])
    tokenizer.backend_tokenizer.post_processor = template
    AutoModel.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = {"input": "echo", "templates": ECHO, "processor_kwargs": {"model_max_length": 8}}
    for text in ("fox", "", sentence(1, words=40)):
        ids = Backbone(str(tmp_path), **settings).preprocess([text], prompt="the ")["input_ids"][0].tolist()
        assert ids[0] == first
        assert ids.count(first) == 1


def test_a_template_is_tokenized_once(bases):
    backbone = Backbone(str(bases["mistral"]), input="echo", templates=ECHO)
    seen = []
    reader = backbone.reader
    tokenizer = reader.tokenizer
    reader.tokenizer = lambda texts, **settings: (seen.extend(texts), tokenizer(texts, **settings))[1]
    reader.tokenizer.eos_token_id = tokenizer.eos_token_id
    for _ in range(3):
        backbone.preprocess(["fox", "dog"])
    assert seen.count("Query:") == seen.count("\nQuery again:") == 1
    assert seen.count("fox") == 3


@pytest.mark.parametrize("architecture", BACKBONES)
@pytest.mark.parametrize("prompt", ["the lazy dog:", "seven wizards"])
def test_a_prompt_is_seen_and_not_pooled_as_in_sentence_transformers(prompt, architecture, bases):
    """Its Pooling with include_prompt=False, given the length of the prompt by itself."""
    texts = [f" {text}" for text in TEXTS if text]  # begin with a token of their own
    ours = model_of(bases[architecture], attention="bidirectional", pool_prompt=False)
    backbone = ours[0]
    length = len(backbone.tokenizer(prompt)["input_ids"])
    theirs = LibraryPooling(32, "mean", include_prompt=False)
    features = backbone(backbone.preprocess(texts, prompt=prompt)) | {"prompt_length": length}
    expected = normalize(theirs(features)["sentence_embedding"])
    found = ours.encode(texts, prompt=prompt, convert_to_tensor=True)
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)


def test_the_same_tokens_are_read_whether_or_not_the_prompt_is_pooled(bases):
    prompt = "the lazy dog: "  # its last space and the next word are one token
    pooled, left_out = (Backbone(str(bases["qwen2"]), pool_prompt=pool) for pool in (True, False))
    read, part = (backbone.preprocess(TEXTS, prompt=prompt) for backbone in (pooled, left_out))
    assert torch.equal(read["input_ids"], part["input_ids"])
    assert "pooling_mask" not in read
    for ids, mask, text in zip(part["input_ids"], part["pooling_mask"].bool(), TEXTS, strict=True):
        assert left_out.tokenizer.decode(ids[mask]).replace("</s>", "").strip() == text


def test_without_a_prompt_every_token_is_pooled(bases):
    features = Backbone(str(bases["qwen2"]), pool_prompt=False).preprocess(TEXTS)
    assert torch.equal(features["pooling_mask"], features["attention_mask"])


def test_a_prompt_longer_than_the_limit_leaves_eos(bases):
    backbone = Backbone(str(bases["qwen2"]), pool_prompt=False, processor_kwargs={"model_max_length": 6})
    features = backbone.preprocess(TEXTS, prompt=sentence(5, words=30))
    assert features["pooling_mask"].tolist() == [[0] * 5 + [1]] * len(TEXTS)


def test_tokens_that_hold_characters_of_both_belong_to_the_text():
    assert tokens_within([(0, 0), (0, 3), (3, 4), (4, 7)], 4) == 3
    assert tokens_within([(0, 0), (0, 3), (3, 7)], 4) == 2
    assert tokens_within([(0, 2)], 4) == 1


def test_a_tokenizer_without_positions_is_refused():
    class Slow:
        is_fast = False

        def __call__(self, text, **settings):
            return {"input_ids": [5], "special_tokens_mask": [0]}

        eos_token_id = 2

    with pytest.raises(ValueError, match="does not return token offsets"):
        PlainInput(Slow(), pool_prompt=False)


WITH_PROMPT = [name for name, design in DESIGNS.items() if "pool_prompt" in design or "input" in design]


@pytest.mark.parametrize("design", WITH_PROMPT)
def test_batch_and_padding_do_not_change_what_is_pooled_after_a_prompt(design, bases):
    model = build_model(bases["mistral"], DESIGNS[design], max_seq_length=16).eval()
    alone = torch.cat([model.encode([text], prompt="dog: ", convert_to_tensor=True) for text in TEXTS])
    together = model.encode(TEXTS, prompt="dog: ", convert_to_tensor=True, batch_size=4)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    features = model[0](model[0].preprocess(TEXTS, prompt="dog: "))
    marked = features | {"token_embeddings": features["token_embeddings"].clone()}
    marked["token_embeddings"][features["pooling_mask"] == 0] = 1e4  # whatever is not pooled
    with torch.no_grad():
        states = model[1](marked)["sentence_embedding"]
        if "layer_embeddings" not in features:
            torch.testing.assert_close(states, model[1](features)["sentence_embedding"])
