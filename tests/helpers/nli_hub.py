"""Builds a folder for hub.py with what the study smollm2-mteb fetches, from real data.

The base has SmolLM2's architecture, tokenizer class, and special token, but random weights. Triplets and task
data are the first rows of the real data beside the project.
"""

from pathlib import Path

import mteb
import pandas as pd
import torch
from transformers import GPT2Tokenizer

from helpers import paper_hub

TRAIN = paper_hub.REAL.parent / "train" / "snli_devtest_triplets.parquet"
REAL_TASKS = {  # of MTEB(eng, v2), those whose data are in the folder paper_hub.REAL
    "STS": ["BIOSSES", "STS12", "STS13", "STS14", "STSBenchmark"],
    "Classification": ["Banking77Classification", "TweetSentimentExtractionClassification"],
    "Summarization": ["SummEvalSummarization.v2"],
}
ROWS = {  # each row of the one has sixteen or more summaries; the other's are sorted by its 77 labels
    "SummEvalSummarization.v2": 4,
    "Banking77Classification": 400,
}
README = """---
configs:
- config_name: pair
  data_files:
  - split: train
    path: pair/train-*
- config_name: triplet
  data_files:
  - split: train
    path: triplet/train-*
---
"""


def build(folder: Path, rows: int = 60, triplets: int = 400) -> Path:
    """Write the base, triplets, and first rows of the tasks into a hub's folder, and return it."""
    torch.manual_seed(0)
    base = folder / "HuggingFaceTB/SmolLM2-135M/main"
    paper_hub.save_base(base, "llama", tokenizer(), {"tie_word_embeddings": True})
    write_triplets(folder / "datasets/sentence-transformers/all-nli/main", triplets)
    for name in (name for names in REAL_TASKS.values() for name in names):
        data = mteb.get_task(name).metadata.dataset
        paper_hub.copy_first_rows(
            paper_hub.REAL / data["path"], paper_hub.place(folder, data), ROWS.get(name, rows)
        )
    return folder


def tokenizer() -> GPT2Tokenizer:
    """Return a tokenizer of SmolLM2's class: one special token, for begin and end, and none for padding."""
    vocabulary, merges = paper_hub.bpe(["<|endoftext|>"])
    return GPT2Tokenizer(vocab=vocabulary, merges=merges)


def write_triplets(folder: Path, rows: int) -> None:
    """Write real sentences in the layout of AllNLI, with its configurations pair and triplet."""
    table = pd.read_parquet(TRAIN).dropna().head(rows)
    for name, columns in {"pair": ["anchor", "positive"], "triplet": [*table]}.items():
        path = folder / name / "train-00000-of-00001.parquet"
        paper_hub.write_rows(path, table[columns].to_dict("list"))
    (folder / "README.md").write_text(README)
