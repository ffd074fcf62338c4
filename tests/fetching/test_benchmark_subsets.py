"""What a benchmark counts of a task is fetched and evaluated: its splits and its subsets."""

import json
import os
import subprocess
import sys

import mteb
import numpy as np
import pytest
from mteb.benchmarks.benchmark import BenchmarkAggregation

from helpers import hub, paper_hub
from helpers.paths import ROOT
from helpers.toy import sentence
from helpers.word_bags import WordBagsForMteb

BENCHMARK, TASK = "MTEB(Multilingual, v2)", "RTE3"  # with four languages; in English alone without it
LANGUAGES = ["de", "en", "fr", "it"]
EVALUATE = """
import json, sys
from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.evaluation.tasks import load, score
from helpers.word_bags import WordBags
benchmarks = [None, sys.argv[2]]
scores = [score(Encoder(WordBags(), {}, 8), load(sys.argv[1], None, name))["score"] for name in benchmarks]
print(json.dumps(scores))
"""


def write_pairs(folder, rows: int = 30) -> None:
    """Write texts in which one half of the pairs begins alike, the more clearly the later the language."""
    config = "- config_name: {0}\n  data_files:\n  - split: test\n    path: {0}/test.parquet\n"
    folder.mkdir()
    (folder / "README.md").write_text(f"---\nconfigs:\n{''.join(map(config.format, LANGUAGES))}---\n")
    for number, language in enumerate(LANGUAGES):
        first = [sentence(100 * number + row, 8) for row in range(rows)]
        other = [sentence(50 + 100 * number + row, 8) for row in range(rows)]
        alike = [" ".join(text.split()[:number]) for text in first]
        second = [f"{alike[row]} {other[row]}" if row % 2 else other[row] for row in range(rows)]
        columns = {"sentence1": first, "sentence2": second, "labels": [row % 2 for row in range(rows)]}
        paper_hub.write_rows(folder / language / "test.parquet", columns)


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """Return our scores without and with the benchmark, and the folder of the data."""
    folder = tmp_path_factory.mktemp("hub")
    data = paper_hub.place(folder / "hub", mteb.get_task(TASK).metadata.dataset)
    write_pairs(data)
    (folder / "tasks.json").write_text(json.dumps({"tasks": [TASK], "benchmark": BENCHMARK}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {
        "PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT / 'tests'}", "HF_HOME": str(folder / "home"),
        "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-m", "embedding_designs.fetching.fetch_tasks", folder / "tasks.json"]
    with hub.serve(folder / "hub") as address:
        online = environment | {"HF_ENDPOINT": address}
        subprocess.run([*command, "--output", folder / "fetched.json"], env=online, check=True)
    run = subprocess.run(
        [sys.executable, "-c", EVALUATE, TASK, BENCHMARK],
        env=environment | {"HF_HUB_OFFLINE": "1"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return *json.loads(run.stdout.splitlines()[-1]), data


def expected(data, benchmark: str):
    """Return mteb's own result of the benchmark's task."""
    (counted,) = [task for task in mteb.get_benchmark(benchmark).tasks if task.metadata.name == TASK]
    task = mteb.get_task(TASK, hf_subsets=counted.hf_subsets, eval_splits=counted.eval_splits)
    place = {"dataset": {"path": str(data), "revision": "main"}}
    task.metadata = task.metadata.model_copy(update=place)
    return mteb.evaluate(WordBagsForMteb(), task, cache=None, co2_tracker=False).task_results[0]


def test_the_score_is_mtebs_mean_over_the_subsets_of_the_benchmark(scores):
    english, all_languages, data = scores
    result = expected(data, BENCHMARK)
    by_language = {subset["hf_subset"]: subset["main_score"] for subset in result.scores["test"]}
    assert sorted(by_language) == LANGUAGES
    assert all_languages == pytest.approx(np.mean(list(by_language.values())), abs=1e-6)
    mean = BenchmarkAggregation.MEAN_TASK.aggregate([result])
    assert all_languages == pytest.approx(mean["Mean(Task)"], abs=1e-6)
    assert english == pytest.approx(by_language["en"], abs=1e-6)
    assert abs(all_languages - english) > 0.01
