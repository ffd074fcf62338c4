"""A base that cannot be trained is refused in one line, and an embedding model is loaded as it was saved."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.evaluation.evaluate_baseline import load_baseline
from embedding_designs.evaluation.models import load_for_evaluation
from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.model import finish_model, load_model, save_run, untrained_model
from helpers.paths import WORKFLOW
from helpers.toy import sentence

WEIGHTS = "model.safetensors"


@pytest.fixture
def base(bases, tmp_path):
    return Path(shutil.copytree(bases["mistral"], tmp_path / "base"))


def change_weights(folder: Path, change) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file(change(weights), folder / WEIGHTS, metadata={"format": "pt"})


def refused(config: RunConfig, base: Path) -> str:
    """Return the one line that training and evaluating a base are refused with."""
    config.base["model"] = str(base)
    lines = []
    for load in (
        lambda: untrained_model(config, str(base)),
        lambda: load_baseline("untrained-base", 16, config.base, str(base), base),
    ):
        with pytest.raises(BadInput) as error:
            load()
        lines.append(str(error.value))
    assert lines[0] == lines[1] and "\n" not in lines[0]
    prefix = f"bases.tiny.model {base}: "
    assert lines[0].startswith(prefix)
    return lines[0].removeprefix(prefix)


def test_missing_tensors_are_named(base, run_config):
    change_weights(base, lambda weights: {name: w for name, w in weights.items() if ".layers.1." not in name})
    names = ["input_layernorm", "mlp.down_proj", "mlp.gate_proj"]
    named = ", ".join(f"layers.1.{name}.weight" for name in names)
    assert refused(run_config("mean-causal"), base) == (
        f"its safetensors lack 9 tensors of MistralModel: {named}, …"
    )


def test_a_missing_head_is_accepted_and_a_missing_embedding_is_not(base, run_config):
    change_weights(base, lambda weights: {name: w for name, w in weights.items() if "lm_head" not in name})
    config = run_config("mean-causal")
    untrained_model(config, str(base))
    change_weights(base, lambda weights: {name: w for name, w in weights.items() if "embed" not in name})
    assert refused(config, base) == "its safetensors lack 1 tensors of MistralModel: embed_tokens.weight"


def test_tied_embeddings_are_stored_once(bases, run_config, tmp_path):
    config = AutoConfig.from_pretrained(bases["mistral"])
    config.tie_word_embeddings = True
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / WEIGHTS)
    untrained_model(run_config("mean-causal"), str(tmp_path))


def test_a_missing_shard_that_the_index_does_not_name_is_noticed(bases, run_config, tmp_path):
    AutoModelForCausalLM.from_pretrained(bases["mistral"]).save_pretrained(tmp_path, max_shard_size="40KB")
    AutoTokenizer.from_pretrained(bases["mistral"]).save_pretrained(tmp_path)
    config = run_config("mean-causal")
    untrained_model(config, str(tmp_path))
    file = tmp_path / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    index["weight_map"].pop("model.layers.2.mlp.up_proj.weight")
    shard = index["weight_map"].pop("model.norm.weight")
    save_file(
        {name: w for name, w in load_file(tmp_path / shard).items() if name in index["weight_map"]},
        tmp_path / shard,
        metadata={"format": "pt"},
    )
    file.write_text(json.dumps(index))
    assert "norm.weight" in refused(config, tmp_path)


def test_tensors_of_another_shape_are_named(base, run_config):
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    assert refused(run_config("mean-causal"), base) == (
        "9 of its tensors do not fit its config.json: layers.0.mlp.down_proj.weight [32, 64], not [32, 48], "
        "layers.0.mlp.gate_proj.weight [64, 32], not [48, 32], "
        "layers.0.mlp.up_proj.weight [64, 32], not [48, 32], …"
    )


def test_tensors_that_are_not_used_are_noted_but_a_head_is_not(base, run_config, capsys):
    config = run_config("mean-causal")
    untrained_model(config, str(base))
    assert "note:" not in capsys.readouterr().err
    changed = json.loads((base / "config.json").read_text()) | {"num_hidden_layers": 2}
    (base / "config.json").write_text(json.dumps(changed))
    untrained_model(config, str(base))
    assert ": 9 tensors not used: model.layers.2." in capsys.readouterr().err


def test_an_embedding_model_used_as_a_base_is_noted(bases, run_config, tmp_path, capsys):
    save_run(
        untrained_model(run_config("eos-causal"), str(bases["mistral"])), run_config(), tmp_path / "saved"
    )
    model = untrained_model(run_config("mean-bidirectional"), str(tmp_path / "saved"))
    assert type(model[1]).__name__ == "MeanPooling" and model[0].attention == "bidirectional"
    assert "an embedding model; only its language model is used, not its pooling" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_are_not_finite_are_refused(number, base, run_config):
    def spoil(weights):
        weights["model.layers.2.mlp.up_proj.weight"][3, 4] = float(number)
        return weights

    change_weights(base, spoil)
    reason = "its tensor layers.2.mlp.up_proj.weight has numbers that are not finite"
    assert refused(run_config("mean-causal"), base) == reason


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(bases, base, run_config):
    config = AutoConfig.from_pretrained(base)
    config.vocab_size = 200
    AutoModel.from_config(config).save_pretrained(base)
    tokens = len(AutoTokenizer.from_pretrained(base))
    assert refused(run_config("mean-causal"), base) == (
        f"its tokenizer has token ids up to {tokens - 1}, but it has only 200 embeddings"
    )


def test_a_tokenizer_without_eos_is_refused(base, run_config):
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (base / name).exists():
            settings = json.loads((base / name).read_text())
            (base / name).write_text(json.dumps(settings | {"eos_token": None}))
    assert "no EOS token" in refused(run_config("mean-causal"), base)


@pytest.mark.parametrize("design", ["mean-causal", "mean-bidirectional"])
def test_an_encoder_is_refused(design, bases, run_config, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(bases["mistral"])
    config = AutoConfig.for_model(
        "bert", vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert refused(run_config(design), tmp_path) == (
        "bert is an encoder; expected a decoder-only language model"
    )


@pytest.fixture
def absolute_positions(bases, tmp_path):
    """Return a base with eight learned positions, whose layers are not called `layers`."""
    tokenizer = AutoTokenizer.from_pretrained(bases["mistral"])
    eos = tokenizer.eos_token_id
    config = AutoConfig.for_model(
        "gpt2", vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=8, bos_token_id=eos,
        eos_token_id=eos,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"


def test_more_tokens_than_learned_positions_are_refused(absolute_positions, run_config, tmp_path):
    config = run_config("mean-causal")
    assert refused(config, absolute_positions) == "max_seq_length 16 exceeds its 8 positions"
    config.training["max_seq_length"] = 8
    save_run(untrained_model(config, str(absolute_positions)), config, tmp_path / "saved")
    load_for_evaluation(tmp_path / "saved", 8)
    with pytest.raises(BadInput, match=r"/saved: max_seq_length 16 exceeds its 8 positions$"):
        load_for_evaluation(tmp_path / "saved", 16)


def test_other_sentence_transformers_models_are_loaded_for_evaluation(bases, tmp_path):
    config = AutoConfig.for_model(
        "bert", vocab_size=320, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=16,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path / "bert")
    AutoTokenizer.from_pretrained(bases["mistral"]).save_pretrained(tmp_path / "bert")
    transformer = Transformer(str(tmp_path / "bert"))
    modules = [transformer, Pooling(transformer.get_embedding_dimension())]
    SentenceTransformer(modules=modules).save_pretrained(str(tmp_path / "saved"))
    assert load_for_evaluation(tmp_path / "saved", 8).encode(["the fox"]).shape == (1, 32)
    with pytest.raises(BadInput, match=r"/saved: max_seq_length 17 exceeds its 16 positions$"):
        load_for_evaluation(tmp_path / "saved", 17)


def test_layers_that_cannot_be_read_are_named(absolute_positions, run_config):
    config = run_config("mean-layers-causal", max_seq_length=8)
    with pytest.raises(BadInput, match=r"GPT2Model has no `layers` and `norm`"):
        untrained_model(config, str(absolute_positions))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "mistral9000"}, "mistral9000"),
        ({"hidden_size": "many"}, "hidden_size"),
        ({"num_attention_heads": 0}, ""),
        ({"rope_parameters": {"rope_type": "spiral"}}, "spiral"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "quant"),
    ],
)
def test_a_config_that_transformers_cannot_use_is_one_line(settings, said, base, run_config):
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | settings))
    assert said in refused(run_config("mean-causal"), base)


@pytest.mark.parametrize("name", ["c_attn", "norm", "proj", "mlp"])
def test_a_lora_target_that_is_not_a_layer_is_refused_with_the_names_of_layers(name, bases, run_config):
    config = run_config("mean-causal", lora=True)
    config.base["lora"]["target_modules"] = ["q_proj", name]
    with pytest.raises(BadInput) as error:
        untrained_model(config, str(bases["mistral"]))
    assert str(error.value) == (
        f"bases.tiny: lora.target_modules {name}: not a layer of the base; choose from down_proj, "
        "embed_tokens, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    )


def test_a_lora_target_may_name_one_layer_by_its_path(bases, run_config):
    config = run_config("mean-causal", lora=True)
    config.base["lora"]["target_modules"] = ["self_attn.q_proj", "layers.1.mlp.up_proj"]
    adapted = [name for name, _ in untrained_model(config, str(bases["mistral"])).named_modules()]
    assert len([name for name in adapted if name.endswith("lora_A")]) == 3 + 1


@pytest.mark.parametrize(
    ("save", "gone"), [(None, "layers.1."), ("merged", "layers.1."), ("adapter", "lora_B")]
)
def test_a_saved_model_that_lacks_weights_is_refused(save, gone, bases, run_config, tmp_path):
    config = run_config("mean-causal", lora=save is not None)
    if save:
        config.base["lora"]["save"] = save
    model = untrained_model(config, str(bases["mistral"]))
    finish_model(model, config)
    save_run(model, config, tmp_path / "saved")
    load_model(tmp_path / "saved")
    file = tmp_path / "saved" / ("adapter_model.safetensors" if save == "adapter" else WEIGHTS)
    weights = {name: w for name, w in load_file(file).items() if gone not in name}
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(BadInput, match=rf"^{tmp_path / 'saved'}: its safetensors lack \d+ tensors of"):
        load_model(tmp_path / "saved")


def test_prompts_and_the_length_of_texts_are_loaded_as_saved(bases, run_config, tmp_path):
    model = untrained_model(run_config("mean-causal"), str(bases["mistral"]))
    model.prompts = {"query": "quick "}
    model.default_prompt_name = "query"
    save_run(model, run_config("mean-causal"), tmp_path / "saved")
    loaded = load_model(tmp_path / "saved")
    assert (loaded.max_seq_length, loaded.similarity_fn_name) == (16, "cosine")
    assert (loaded.prompts["query"], loaded.default_prompt_name) == ("quick ", "query")


@pytest.mark.parametrize("design", ["eos-causal", "multi-layer-bidirectional", "mean-bidirectional"])
def test_token_embeddings_come_without_padding(design, bases, run_config):
    model = untrained_model(run_config(design), str(bases["mistral"]))
    texts = [sentence(1, words=2), sentence(2, words=9), "fox"]
    lengths = [int(model.preprocess([text])["attention_mask"].sum()) for text in texts]
    assert len(set(lengths)) == 3
    together = model.encode(texts, output_value="token_embeddings")
    for text, length, states in zip(texts, lengths, together, strict=True):
        assert states.shape == (length, 32)
        (alone,) = model.encode([text], output_value="token_embeddings")
        torch.testing.assert_close(states, alone, atol=1e-5, rtol=1e-4)
    for everything, states in zip(model.encode(texts, output_value=None), together, strict=True):
        real = everything["attention_mask"].bool()
        assert torch.equal(everything["token_embeddings"][real], states)
        assert everything["input_ids"][real][-1] == model.tokenizer.eos_token_id
    embeddings = np.stack([row["sentence_embedding"].cpu() for row in model.encode(texts, output_value=None)])
    assert np.array_equal(embeddings, model.encode(texts))


def test_the_mean_of_the_token_embeddings_is_the_embedding(bases, run_config):
    model = untrained_model(run_config("mean-causal"), str(bases["mistral"]))
    texts = [sentence(1, words=2), sentence(2, words=9)]
    means = torch.stack([states.mean(0) for states in model.encode(texts, output_value="token_embeddings")])
    expected = torch.nn.functional.normalize(means, dim=1)
    torch.testing.assert_close(model.encode(texts, convert_to_tensor=True), expected, atol=1e-5, rtol=1e-4)


def test_the_commands_refuse_a_base_in_one_line_with_exit_code_2(base, run_config, triplets, tmp_path):
    change_weights(base, lambda weights: {name: w for name, w in weights.items() if ".layers.1." not in name})
    config = run_config("mean-causal")
    config.base["model"] = str(base)
    tasks = {"tasks": {}, "prompts": {}, "max_seq_length": 16, "batch_size": 4}
    for name, content in [("config", config.to_json()), ("base_config", config.base), ("tasks", tasks)]:
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    train, heldout = map(str, triplets)
    for command in (
        ["training.train_design", "config.json", "--train", train, "--heldout", heldout,
         "--checkpoints", "c", "--output", "o", "--training-log", "l"],
        ["evaluation.evaluate_baseline", "untrained-base", "tasks.json", "--base-config", "base_config.json",
         "--train", train, "--partial", "p", "--embeddings", "e", "--devices", "1", "--output", "s.csv"],
    ):  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-m", f"embedding_designs.{command[0]}", *command[1:]],
            cwd=tmp_path, env={"PYTHONPATH": str(WORKFLOW), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 2 and "Traceback" not in run.stderr, run.stderr
        (line,) = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        assert line.startswith(f"error: bases.tiny.model {base}: its safetensors lack 9 tensors")
