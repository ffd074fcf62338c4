"""The computed memory of trainings, against measured peaks."""

import json
import subprocess

import pandas as pd
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from embedding_designs.study.memory import training_mb
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
