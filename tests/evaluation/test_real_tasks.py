"""Real MTEB tasks go through the same code: two designs of a tiny model, trained and evaluated offline."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from embedding_designs.common.json_files import write_json
from embedding_designs.training.model import save_run
from embedding_designs.training.train_run import train_run
from helpers.paper_hub import REAL as HUB
from helpers.paths import ROOT

CONFIG = {
    "tasks": {"STS": ["BIOSSES", "STSBenchmark"], "PairClassification": ["RTE3"]},
    "prompts": {"STS": "Retrieve semantically similar text."},
    "max_seq_length": 128,
    "batch_size": 64,
}


@pytest.mark.skipif(not HUB.is_dir(), reason=f"no task data in {HUB}")
@pytest.mark.parametrize("design", ["eos-causal", "multi-layer-bidirectional"])
def test_a_design_is_evaluated_on_real_mteb_tasks(design, run_config, bases, triplets, tmp_path):
    config = run_config(design, steps=2)
    (tmp_path / "work").mkdir()
    model = train_run(config, str(bases["mistral"]), *triplets, tmp_path / "work", tmp_path / "log")
    save_run(model, config, tmp_path / "model")
    write_json(tmp_path / "tasks.json", CONFIG)
    command = [
        sys.executable, "-m", "embedding_designs.evaluation.evaluate_run", str(tmp_path / "tasks.json"),
        "--model", str(tmp_path / "model"), "--partial", str(tmp_path / "partial"),
        "--embeddings", str(tmp_path / "embeddings"), "--output", str(tmp_path / "scores.csv"),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "workflow"),
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    # in this working directory, a dataset's name is the path of its folder
    subprocess.run(command, cwd=HUB, env=environment, check=True)
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("task")
    assert scores["metric"].to_dict() == {
        "BIOSSES": "cosine_spearman",
        "STSBenchmark": "cosine_spearman",
        "RTE3": "max_ap",
    }
    assert scores["score"].between(-1, 1).all()
    assert scores.loc["STSBenchmark", "score"] > 0.1  # even random weights notice words that two texts share
