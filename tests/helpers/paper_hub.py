"""Builds a folder for hub.py with small versions of what the paper's studies fetch.

The bases have the real architectures, tokenizer classes, and special tokens, but random weights. Task data
are the first rows of the real data in the folder REAL, or made up for retrieval and reranking.
"""

import json
import os
import shutil
import string
from collections.abc import Iterable
from pathlib import Path

import mteb
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaTokenizer,
    PreTrainedTokenizerBase,
    Qwen2Tokenizer,
)

from helpers.paths import ROOT
from helpers.toy import sentence

MADE_UP = {"Reranking": ["AskUbuntuDupQuestions"], "Retrieval": ["SciFact"]}  # tasks with made-up data
CATEGORIES = [
    *("STS", "PairClassification", "Clustering", "Reranking"),
    *("Summarization", "Classification", "Retrieval"),
]
NO_TASKS: dict[str, list[str]] = {category: [] for category in CATEGORIES}
ROWS = {"SummEval": 4}  # each row has sixteen or more summaries
HUB_FOLDER = "EMBEDDING_DESIGNS_HUB"  # names a folder with real datasets, owner/name; empty: none
REAL = Path(os.environ.get(HUB_FOLDER, ROOT.parent / "shared" / "data" / "hub") or os.devnull)
SIZE = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 1024,
}  # fmt: skip


def build(folder: Path, real_tasks: Iterable[str]) -> Path:
    """Write the bases, the training data, and some tasks of the studies into a hub's folder, and return it.

    real_tasks: names of tasks whose data are in REAL, in addition to the tasks in MADE_UP.
    """
    torch.manual_seed(0)
    mistral, qwen2 = (folder / name / "main" for name in ("mistralai/Mistral-7B-v0.1", "Qwen/Qwen2-0.5B"))
    save_base(mistral, "mistral", mistral_tokenizer(), {"sliding_window": 4096})
    save_base(qwen2, "qwen2", qwen2_tokenizer(), {"tie_word_embeddings": True})
    write_rows(folder / "datasets/yixuantt/ir_data/main/data/train-00000-of-00001.parquet", triplets(320))
    for name in real_tasks:
        data = mteb.get_task(name).metadata.dataset
        copy_first_rows(REAL / data["path"], place(folder, data), ROWS.get(name, 60))
    for names in MADE_UP.values():
        for name in names:
            write_search(place(folder, mteb.get_task(name).metadata.dataset))
    return folder


def place(folder: Path, data: dict[str, str]) -> Path:
    """Return where the hub stores a dataset at its revision."""
    path = folder / "datasets" / data["path"] / data["revision"]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def copy_first_rows(dataset: Path, target: Path, rows: int) -> None:
    """Copy only the first rows of each split of a dataset, and five times as many of a training split."""
    target.mkdir()
    shutil.copy(dataset / "README.md", target)
    for file in dataset.rglob("*.parquet"):
        first = pd.read_parquet(file).head(5 * rows if "train" in file.name else rows)
        (target / file.relative_to(dataset)).parent.mkdir(parents=True, exist_ok=True)
        first.to_parquet(target / file.relative_to(dataset), index=False)


def save_base(folder: Path, architecture: str, tokenizer: PreTrainedTokenizerBase, own: dict) -> None:
    config = AutoConfig.for_model(
        architecture, vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, **SIZE, **own,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100KB")  # like the real bases: Mistral in several files
    tokenizer.save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle, which must not be fetched")


def bpe(special: list[str], **settings) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the vocabulary and merges of a byte-pair encoding trained on a few sentences."""
    tokenizer = Tokenizer(models.BPE(**settings))
    if not settings:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = list(string.ascii_letters + "▁") if settings else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    texts = [sentence(seed) for seed in range(200)]
    tokenizer.train_from_iterator([text.replace(" ", "▁") if settings else text for text in texts], trainer)
    content = json.loads(tokenizer.to_str())["model"]
    return content["vocab"], [tuple(merge) for merge in content["merges"]]


def mistral_tokenizer() -> LlamaTokenizer:
    """Return a tokenizer of Mistral's class, with byte fallback and no padding token."""
    letters = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary, merges = bpe(["<unk>", "<s>", "</s>", *letters], byte_fallback=True, unk_token="<unk>")
    return LlamaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)


def qwen2_tokenizer() -> Qwen2Tokenizer:
    """Return a tokenizer of Qwen2's class, which also pads with its end-of-text token."""
    vocabulary, merges = bpe(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return Qwen2Tokenizer(vocab=vocabulary, merges=merges)


def triplets(rows: int) -> dict[str, list[str]]:
    lengths = {"query": 4, "positive": 9, "negative": 9}
    return {
        column: [sentence(1000 * part + row, words) for row in range(rows)]
        for part, (column, words) in enumerate(lengths.items())
    }


def write_rows(path: Path, columns: dict[str, list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path, index=False)


def write_search(folder: Path, queries: int = 20, documents: int = 200) -> None:
    """Write a retrieval dataset in the official layout, with a candidate list for a reranking task.

    Each query has one relevant document; its candidates are this document and another one.
    """
    numbers = [str(number) for number in range(documents)]
    asked = [f"q{number}" for number in range(queries)]
    tables = {
        "corpus": {
            "_id": numbers, "title": [""] * documents, "text": [sentence(n, 9) for n in range(documents)],
        },
        "queries": {"_id": asked, "text": [sentence(n, 4) for n in range(queries)]},
        "default": {"query-id": asked, "corpus-id": numbers[:queries], "score": [1] * queries},
        "top_ranked": {"query-id": asked, "corpus-ids": [[str(n), str(n + 100)] for n in range(queries)]},
    }  # fmt: skip
    file = "- config_name: {0}\n  data_files:\n  - split: test\n    path: {0}.parquet\n"
    config = "".join(file.format(name) for name in tables)
    for name, columns in tables.items():
        write_rows(folder / f"{name}.parquet", columns)
    (folder / "README.md").write_text(f"---\nconfigs:\n{config}---\n")
