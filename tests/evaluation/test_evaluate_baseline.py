"""The evaluation of a baseline resumes where it stopped and leaves only its scores behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.evaluation.evaluate_baseline import LSA
from helpers.paths import WORKFLOW
from helpers.toy import sentence
from helpers.toy_tasks import write_tasks

TASKS = [f"Toy{number}DocsRetrieval" for number in range(6)]
FINISHED = "partial/[!.]*.json"  # the temporary file of a killed job starts with a dot


@pytest.fixture
def place(tmp_path):
    """Return a folder with tasks, training texts and the configs of a study."""
    write_tasks(tmp_path / "tasks", dict.fromkeys(TASKS, 40), queries=8)
    config = {"tasks": {"Retrieval": TASKS}, "prompts": {}, "max_seq_length": 32, "batch_size": 4}
    write_json(tmp_path / "config.json", config)
    write_json(tmp_path / "base.json", {"name": "tiny", "precision": "fp32"})
    texts = [f"document {number} {sentence(number)}" for number in range(200)]
    pd.DataFrame({"query": texts, "positive": texts}).to_parquet(tmp_path / "train.parquet", index=False)
    return tmp_path


def start(place: Path, baseline: str, base: Path) -> subprocess.Popen:
    command = [
        sys.executable, "-m", "embedding_designs.evaluation.evaluate_baseline", baseline, "config.json",
        "--base-config", "base.json", "--base", base, "--train", "train.parquet",
        "--docstring-tasks", "tasks",
        "--devices", "1", "--partial", "partial", "--embeddings", "embeddings", "--output", "scores.csv",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True)


def finished(running: subprocess.Popen, place: Path) -> pd.DataFrame:
    said = running.communicate()[1]
    assert running.returncode == 0, said
    assert not (place / "partial").exists() and not (place / "embeddings").exists()
    return pd.read_csv(place / "scores.csv")


def test_a_stopped_evaluation_keeps_its_finished_tasks(place, bases):
    running = start(place, "untrained-base", bases["mistral"])
    while not list(place.glob(FINISHED)):
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    running.communicate()
    assert running.returncode != 0 and not (place / "scores.csv").exists()
    done = list(place.glob(FINISHED))
    assert 0 < len(done) < len(TASKS)
    for file in done:  # so that the test notices if a task is evaluated again
        file.write_text(json.dumps(json.loads(file.read_text()) | {"score": 0.125}))

    scores = finished(start(place, "untrained-base", bases["mistral"]), place)
    assert scores["task"].tolist() == TASKS
    assert set(scores.query("score == 0.125")["task"]) == {file.stem for file in done}


@pytest.mark.parametrize(
    "texts",
    [
        ["red apple", "green apple", "blue sky"],  # one word occurs in two texts
        ["red apple", "green pear"],  # no word does
        ["red apple"],
        [f"word{number} word{number + 1}" for number in range(40)],
    ],
)
def test_lsa_has_no_more_dimensions_than_words_or_texts(texts):
    lsa = LSA(texts)
    embeddings = lsa.encode([*texts, "nothing of these"])
    words = len(lsa.pipeline[0].get_feature_names_out())
    assert embeddings.shape == (len(texts) + 1, min(words, len(texts)))
    assert np.isfinite(embeddings).all()


def test_lsa_without_enough_words_is_an_error():
    with pytest.raises(BadInput, match="baselines: lsa finds fewer than two words"):
        LSA(["the and", "of", "!", "apple"])


@pytest.mark.parametrize("baseline", ["bm25", "lsa"])
def test_baselines_without_a_base_are_evaluated(baseline, place, bases):
    scores = finished(start(place, baseline, bases["mistral"]), place)
    assert scores["task"].tolist() == TASKS
    assert scores["score"].min() > 0
