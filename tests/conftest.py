"""Small real objects that many tests share: a tokenizer, random-weight backbones, and triplets."""

import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pandas as pd
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.pretrain_base import train_tokenizer
from helpers.toy import BACKBONES, DESIGNS, ENCODER, sentence


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer([sentence(seed) for seed in range(200)], vocabulary=320)


@pytest.fixture(scope="session")
def encoder(tokenizer):
    """Yield the folder of a random-weight BERT, the encoder of the toy designs with a contextual token."""
    torch.manual_seed(1)
    config = AutoConfig.for_model(
        "bert",
        vocab_size=len(tokenizer),
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    AutoModelForMaskedLM.from_config(config).save_pretrained(ENCODER)  # without a pooler
    tokenizer.save_pretrained(ENCODER)
    yield ENCODER
    shutil.rmtree(ENCODER)


@pytest.fixture(scope="session")
def bases(tmp_path_factory, tokenizer, encoder):
    """Return the folder of a random-weight base for each architecture."""
    folders = {}
    for architecture in BACKBONES:
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            architecture,
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=256,
            initializer_range=0.2,  # large enough that each token visibly changes the others' states
        )
        folder = tmp_path_factory.mktemp(architecture)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        folders[architecture] = folder
    return folders


@pytest.fixture(scope="session")
def triplets(tmp_path_factory):
    """Return the paths of train.parquet and heldout.parquet."""
    folder = tmp_path_factory.mktemp("triplets")
    for name, first, rows in [("train", 0, 96), ("heldout", 1000, 16)]:
        seeds = range(first, first + rows)
        table = pd.DataFrame(
            {
                "query": [sentence(seed, 4) for seed in seeds],
                "positive": [sentence(seed, 9) for seed in seeds],
                "negative": [sentence(seed + 5000, 9) for seed in seeds],
            }
        )
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder / "train.parquet", folder / "heldout.parquet"


@pytest.fixture(scope="session")
def run_config():
    """Return a function that makes the run config of a tiny training run."""

    def make(design: str = "multi-layer-bidirectional", lora: bool = False, **recipe) -> RunConfig:
        base = {"name": "tiny", "precision": "fp32", "finetuning": "lora" if lora else "full"}
        if lora:
            modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
            base["lora"] = {"rank": 4, "alpha": 8, "dropout": 0.1, "target_modules": modules,
                            "save": "merged"}  # fmt: skip
        training = {
            "steps": 8, "batch_size": 4, "gradient_accumulation_steps": 2, "learning_rate": 0.01,
            "warmup_steps": 2, "weight_decay": 0.01, "max_grad_norm": 1.0, "scale": 20.0,
            "max_seq_length": 16, "precision": "fp32", "gradient_checkpointing": False,
            "shared_texts": "separate", "checkpoint_steps": 2, "log_steps": 1, "heldout_steps": 4,
        }  # fmt: skip
        return RunConfig(base, {"name": design, **DESIGNS[design]}, seed=7, training=training | recipe)

    return make
