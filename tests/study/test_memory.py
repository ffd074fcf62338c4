"""The computed memory of trainings, against measured peaks."""

import json
import subprocess

import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from embedding_designs.modules.poolings import POOLINGS, pooling_of
from embedding_designs.study.memory import training_mb
from embedding_designs.study.model_sizes import Pool
from embedding_designs.study.run_configs import run_config
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES
from helpers.toy import sentence
from helpers.training import environment, train_command


@pytest.fixture(scope="module")
def mini(tmp_path_factory, tokenizer):
    """Return a folder with a model of the sizes of the quickstart's base, with random weights."""
    folder = tmp_path_factory.mktemp("mini")
    sizes = load_study(STUDIES / "quickstart.yaml")["bases"]["mini"]["pretrain"]
    config = AutoConfig.for_model(
        sizes["architecture"], vocab_size=sizes["vocabulary"], hidden_size=sizes["hidden_size"],
        intermediate_size=sizes["intermediate_size"], num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"], num_key_value_heads=sizes["heads"], max_position_embeddings=512,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def long_triplets(tmp_path_factory):
    """Return training and held-out rows whose texts all reach the maximum length."""
    folder = tmp_path_factory.mktemp("long")
    for name, first, rows in [("train", 0, 1024), ("heldout", 5000, 64)]:
        columns = {
            column: [sentence(seed + shift, 60) for seed in range(first, first + rows)]
            for column, shift in [("query", 0), ("positive", 10_000), ("negative", 20_000)]
        }
        pd.DataFrame(columns).to_parquet(folder / f"{name}.parquet", index=False)
    return folder / "train.parquet", folder / "heldout.parquet"


LATENTS = {"latents": 32, "heads": 4, "head_dim": 16}
POOLS = {
    "eos": {"kind": "eos", "tokens": "last"},
    "contextual": {"kind": "contextual", "tokens": "first"},
    "mean": {"kind": "mean", "tokens": "mean"},
    "weighted_mean": {"kind": "weighted_mean", "tokens": "weighted_mean"},
    "max": {"kind": "max", "tokens": "max"},
    "last_k": {"kind": "last_k", "tokens": "all", "k": 4},
    "learned_query": {"kind": "learned_query", "tokens": "all"},
    "last_layer": {"kind": "last_layer", "tokens": "last", **LATENTS},
    "latent_attention": {"kind": "latent_attention", "tokens": "all", **LATENTS},
    "mean_layers": {"kind": "mean_layers", "tokens": "mean", "layers": [1, 2, 3]},
    "layer_mix": {"kind": "layer_mix", "tokens": "mean", "layers": [1, 2, 3]},
    "multi_layer": {"kind": "multi_layer", "tokens": "mean", **LATENTS, "layers": [1, 2, 3],
                    "layer_weights": True},
}  # fmt: skip
POOLS["concat"] = {"kind": "concat", "first": POOLS["max"], "second": POOLS["latent_attention"]}


def bytes_kept(kind: str, texts: int, tokens: int, width: int) -> int:
    """Return the bytes that autograd keeps for the backward pass of a pooling, beside its weights."""
    torch.manual_seed(0)
    pooling = pooling_of(POOLS[kind], width)
    weights = {weight.untyped_storage().data_ptr() for weight in pooling.parameters()}
    states = torch.randn(texts, tokens, width, requires_grad=True)
    features = {
        "token_embeddings": states,
        "attention_mask": torch.ones(texts, tokens, dtype=torch.long),
        "layer_embeddings": torch.randn(texts, 3, width, requires_grad=True),
    }
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        embeddings = pooling(features)["sentence_embedding"]
    assert embeddings.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_pooling_keeps_the_computed_bytes_for_its_backward_pass(kind):
    """Per text, from a batch of 24 and one of 8; four numbers per dimension more or less do not matter."""
    tokens, width = 40, 64
    measured = (bytes_kept(kind, 24, tokens, width) - bytes_kept(kind, 8, tokens, width)) / 16
    computed = Pool(POOLS[kind], width, 3).activations(tokens)
    several_latents = kind == "multi_layer"  # for which the computed size includes fragmentation
    assert computed == pytest.approx(measured, rel=0.3 if several_latents else 0.1, abs=4 * 4 * width)


@pytest.mark.parametrize("kind", ["learned_query", "latent_attention"])
def test_the_operations_of_a_pooling_are_those_of_its_matrix_products(kind):
    """Counted by PyTorch's FlopCounterMode in a forward pass of one text."""
    torch.manual_seed(0)
    features = {"token_embeddings": torch.randn(1, 40, 64), "attention_mask": torch.ones(1, 40)}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        pooling_of(POOLS[kind], 64)(features)
    latents = (
        4 * 32 * 64 * 64 if kind == "latent_attention" else 0
    )  # keys and values of the latents, per batch
    computed = Pool(POOLS[kind], 64, 3).operations(40)
    assert computed == pytest.approx(counter.get_total_flops() - latents, rel=0.3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU holds what is measured here")
@pytest.mark.parametrize("design", ["eos-causal", "multi-layer-bidirectional"])
@pytest.mark.parametrize("recipe", [{}, {"batch_size": 256, "mini_batch_size": 16}, {"batch_size": 256}])
def test_a_training_of_the_quickstart_takes_the_computed_memory(
    recipe, design, mini, long_triplets, tmp_path
):
    study = load_study(STUDIES / "quickstart.yaml", {"training": {"steps": 2, **recipe}})
    config = run_config(study, "mini", design, 1)
    command = train_command(config, mini, long_triplets, tmp_path)
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    summary = json.loads((tmp_path / "training.jsonl").read_text().splitlines()[-1])
    assert training_mb(study, "mini", design) == pytest.approx(summary["peak_memory_mb"], rel=0.25)
