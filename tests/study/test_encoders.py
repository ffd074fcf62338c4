"""Encoders of contextual tokens: their place in configs, what is refused, and what they cost."""

import json
import re
from dataclasses import replace

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.planning.study_cost import StudyCost
from embedding_designs.study.base_folder import asked_by_base, check_base_folder
from embedding_designs.study.compute import training_compute
from embedding_designs.study.design_on_base import model_of
from embedding_designs.study.encoders import models_of
from embedding_designs.study.inputs import pooled_name
from embedding_designs.study.memory import kept_of_encoder, training_mb
from embedding_designs.study.model_sizes import known_backbones
from embedding_designs.study.run_configs import config, config_mark, config_names, file_states, run_config
from embedding_designs.study.study import load_study
from embedding_designs.study.tuning import tuning_points
from helpers.paths import STUDIES

CAUSAL2VEC = {
    "attention": "causal",
    "contextual": "bert",
    "pooling": {"kind": "concat", "first": {"kind": "contextual"}, "second": {"kind": "eos"}},
}
EOS = {"attention": "causal", "pooling": {"kind": "eos"}}
BERT = {"bert": {"model": "google-bert/bert-base-uncased", "revision": "main"}}


def study(encoders=BERT, **designs) -> dict:
    """Return the paper's study on Mistral-7B with encoders and designs added."""
    overrides = {"designs": {"new": CAUSAL2VEC} | designs} | ({"encoders": encoders} if encoders else {})
    return load_study(STUDIES / "paper-mistral-7b.yaml", overrides)


def refused(encoders=BERT, **designs) -> str:
    with pytest.raises(BadInput) as error:
        study(encoders, **designs)
    return str(error.value).partition(".yaml: ")[2]


def test_a_run_config_has_the_source_of_its_encoder_and_the_base_has_its_own_config():
    loaded = study()
    run = run_config(loaded, "mistral-7b", "new", 1).design
    assert run["contextual"] == {"name": "bert", "kind": "encoder", **BERT["bert"]}
    assert config(loaded, "bases/bert") == run["contextual"]
    assert "bases/bert" in config_names(loaded)
    assert list(models_of(loaded)) == ["mistral-7b", "bert"]
    assert run["pooling"]["first"] == {"kind": "contextual", "tokens": "first"}


def test_other_designs_and_studies_do_not_change():
    plain = load_study(STUDIES / "paper-mistral-7b.yaml")
    assert "encoders" not in plain
    for name in plain["designs"]:
        assert json.dumps(config(study(), f"runs/mistral-7b/{name}/seed1")) == json.dumps(
            config(plain, f"runs/mistral-7b/{name}/seed1")
        )


def test_a_changed_file_of_the_encoder_changes_only_the_runs_that_use_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    loaded = study({"bert": {"model": str(tmp_path)}})
    names = ["runs/mistral-7b/new/seed1", "runs/mistral-7b/eos-causal/seed1", "bases/bert"]
    before = [config_mark(loaded, name) for name in names]
    file_states.cache_clear()
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    changed = [config_mark(loaded, name) != mark for name, mark in zip(names, before, strict=True)]
    assert changed == [True, False, True]


@pytest.mark.parametrize(
    ("encoders", "designs", "message"),
    [
        (None, {}, "designs.new.contextual bert needs encoders.bert, and this study has no encoders"),
        (
            {**BERT, "albert": {"model": "albert"}},
            {},
            "encoders.albert is not the `contextual` of any design; remove it",
        ),
        (
            BERT,
            {"other": CAUSAL2VEC | {"contextual": "brt"}},
            "designs.other.contextual brt is not an encoder of this study; did you mean bert? allowed: bert",
        ),
        (
            BERT,
            {"other": {"attention": "causal", "pooling": {"kind": "contextual"}}},
            "designs.other.pooling.kind contextual needs designs.other.contextual, the name of an encoder",
        ),
        (
            BERT,
            {"other": {key: CAUSAL2VEC[key] for key in ("attention", "pooling")}},
            "designs.other.pooling.first.kind contextual needs designs.other.contextual, the name of an",
        ),
        (
            {"Mistral-7B": BERT["bert"]},
            {"new": CAUSAL2VEC | {"contextual": "Mistral-7B"}},
            "encoders.Mistral-7B: base mistral-7b has the same name; rename one of the two",
        ),
        ({"bert": {"revision": "main"}}, {}, "encoders.bert must have exactly one of model and package"),
        (
            {"bert": {"model": str(STUDIES), "revision": "main"}},
            {},
            f"encoders.bert.revision: {STUDIES} is a folder, which has no revisions; remove this key",
        ),
        ({"bert": {"pretrain": {}}}, {}, "encoders.bert.pretrain is not known; "),
        (
            BERT,
            {"other": CAUSAL2VEC | {"pool_prompt": False}},
            "designs.other.pool_prompt false does not fit tokens first and last: the prompt is never pooled",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(encoders, designs, message):
    assert refused(encoders, **designs).startswith(message)


@pytest.mark.parametrize("input", ["echo", "prompt"])
@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_any_attention_and_input_may_have_a_contextual_token(input, attention):
    design = study(new=CAUSAL2VEC | {"input": input, "attention": attention})["designs"]["new"]
    assert design["contextual"] == "bert"
    assert pooled_name(design) == f"{input} contextual concat"


def test_tables_tell_designs_with_a_contextual_token_apart():
    assert pooled_name(CAUSAL2VEC) == "contextual concat"
    assert pooled_name(CAUSAL2VEC | {"pooling": {"kind": "mean"}}) == "contextual mean"
    assert pooled_name(CAUSAL2VEC | {"pooling": {"kind": "contextual"}}) == "contextual"


def bert_folder(folder, layers=2) -> dict:
    """Return an encoder in a folder with nothing but the sizes of a small BERT."""
    sizes = {"num_hidden_layers": layers, "hidden_size": 128, "intermediate_size": 512,
             "num_attention_heads": 2, "vocab_size": 30522}  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **sizes}))
    return {"bert": {"model": str(folder)}}


def test_the_projection_is_trained_and_the_encoder_only_with_full_finetuning(tmp_path):
    """Expected: Mistral's width 4096, and BERT-tiny's 4.3 million weights without norms and biases."""
    projection, encoder = (128 + 4096) * 4096, 30522 * 128 + 2 * (4 * 128**2 + 2 * 128 * 512)
    loaded = study(bert_folder(tmp_path), full=CAUSAL2VEC | {"finetuning": "full"}, plain=EOS,
                   plain_full=EOS | {"finetuning": "full"})  # fmt: skip
    names = ("new", "plain", "full", "plain_full")
    lora, plain, full, plain_full = (model_of(loaded, "mistral-7b", name) for name in names)
    assert lora.trained - plain.trained == projection
    assert full.trained - plain_full.trained == projection + encoder
    assert lora.frozen_bytes - plain.frozen_bytes == 2 * encoder  # bf16
    assert lora.loaded_bytes - plain.loaded_bytes == 2 * encoder + 4 * projection
    assert lora.reads(10, "query") == plain.reads(10, "query") + 1


def test_an_encoder_costs_memory_and_operations_if_its_sizes_are_known(tmp_path):
    known, unknown = study(bert_folder(tmp_path, layers=1000)), study()
    memory = [training_mb(loaded, "mistral-7b", "new", on_gpu=True) for loaded in (known, unknown)]
    assert 400 <= memory[0] - memory[1] <= 600  # 200 million weights in bf16, and the projection
    backbone = known_backbones()["mistralai/Mistral-7B-v0.1"]
    costs = [StudyCost(loaded, "mistral-7b", backbone).training().operations for loaded in (known, unknown)]
    assert (
        1.002 < costs[0] / costs[1] < 1.003
    )  # 1 / 36 of the weights in one of two passes, in 1 of 6 designs


@pytest.mark.parametrize(
    ("finetuning", "checkpointing", "mini", "passes"),
    [
        ("full", False, None, 3), ("full", True, None, 4), ("full", False, 8, 4), ("full", True, 8, 5),
        ("lora", False, None, 1), ("lora", True, None, 1), ("lora", False, 8, 2), ("lora", True, 8, 2),
    ],
)  # fmt: skip
def test_a_trained_encoder_has_a_backward_pass_and_recomputation_and_a_frozen_one_has_neither(
    finetuning, checkpointing, mini, passes, tmp_path
):
    """Of the three texts of a row, each has its own encoding: 20, 150, and 150 tokens."""
    loaded = study(bert_folder(tmp_path), new=CAUSAL2VEC | {"finetuning": finetuning})
    recipe = {"gradient_checkpointing": checkpointing, "mini_batch_size": mini, "max_seq_length": 512,
              "batch_size": 2, "gradient_accumulation_steps": 1}  # fmt: skip
    model = model_of(loaded, "mistral-7b", "new")
    with_it, without = (
        training_compute(each, recipe, 1).operations for each in (model, replace(model, context=None))
    )
    once = 2 * sum(map(model.context.operations, (20, 150, 150)))
    assert (with_it - without) / once == pytest.approx(passes, rel=1e-3)


def test_checkpointing_keeps_one_layer_of_the_encoder_and_the_inputs_of_the_others(tmp_path):
    """In fp32, a layer of the encoder keeps 128 numbers per token for its input."""
    loaded = study(bert_folder(tmp_path, layers=50), new=CAUSAL2VEC | {"finetuning": "full"})
    model = model_of(loaded, "mistral-7b", "new")
    plain, checkpointed = (
        kept_of_encoder(model, {"precision": "fp32", "gradient_checkpointing": checkpointing})
        for checkpointing in (False, True)
    )
    assert checkpointed == plain / 50 + 50 * 4 * 128


def test_a_budget_needs_the_sizes_of_the_encoder():
    with pytest.raises(BadInput, match="needs the sizes of encoder bert, which are not known"):
        load_study(
            STUDIES / "paper-mistral-7b.yaml",
            {"designs": {"new": CAUSAL2VEC}, "encoders": BERT, "training": {"budget": {"flops": "new"}}},
        )


def test_tuning_tries_the_rates_of_the_projection():
    tuning = {"grid": {"learning_rate": [1e-3], "pooling_learning_rate": [1e-3, 1e-2]}}
    assert [len(tuning_points(tuning, design)) for design in (EOS, CAUSAL2VEC)] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("base", "a decoder-only language model"), ("encoder", "an encoder or a decoder-only language model")],
)
def test_an_encoder_with_a_decoder_is_refused_and_the_line_says_what_fits(kind, expected, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5", "is_encoder_decoder": true}')
    line = check_base_folder("t", {"kind": kind, "model": str(tmp_path)})
    found = f"{kind}s.t.model {tmp_path}: config.json: t5 has an encoder and a decoder"
    assert line == f"{found}; expected {expected}"


def test_messages_name_the_key_of_an_encoder():
    encoder = models_of(study())["bert"]
    assert asked_by_base("bert", encoder) == "encoders.bert.model google-bert/bert-base-uncased"
    assert re.match(r"bases\.m\.model", asked_by_base("m", {"model": "x"}))
