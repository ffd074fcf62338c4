"""The study that names a benchmark alone, as shipped, on real task data from a local hub.

The command line reduces the steps, and narrows the benchmark to the tasks whose data are at hand.
"""

import re

import mteb
import pandas as pd
import pytest

from embedding_designs.study.run_configs import task_batches
from embedding_designs.study.study import load_study
from helpers import hub, nli_hub, paper_hub
from helpers.paths import STUDIES
from helpers.workflow_copy import NO_HUB, copy_of_the_workflow, run_study

STUDY, BASE, DESIGN = "smollm2-mteb", "smollm2-135m", "multi-layer-bidirectional"
REDUCED = {
    "data": {"heldout_rows": 32},
    "training": {"steps": 2, "gradient_accumulation_steps": 1, "warmup_steps": 1, "batch_size": 32},
    "tuning": {"grid": {"learning_rate": [0.001]}, "steps": 2},
}
NARROWED = {"evaluation": {"tasks": nli_hub.REAL_TASKS}}
DATA = [folder for folder in (paper_hub.REAL, nli_hub.TRAIN) if not folder.exists()]

pytestmark = [
    pytest.mark.studies,
    pytest.mark.skipif(bool(DATA), reason=f"no real data in {', '.join(map(str, DATA))}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the narrowed study fetched; the hub is gone."""
    folder = copy_of_the_workflow(tmp_path_factory.mktemp("benchmark"))
    with hub.serve(nli_hub.build(folder / "hub")) as address:
        run = run_study(folder, STUDY, REDUCED | NARROWED, address, "fetch")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_a_run_of_the_narrowed_benchmark_is_evaluated_on_real_tasks_without_a_hub(folder):
    (batch,) = (folder / f"results/{STUDY}/fetched/tasks").glob("*.json")
    file = f"results/{STUDY}/scores/{BASE}/{DESIGN}/seed1/{batch.stem}.csv"
    run = run_study(folder, STUDY, REDUCED | NARROWED, NO_HUB, file)
    assert run.returncode == 0, run.stdout + run.stderr
    scores = pd.read_csv(folder / file).set_index("task")
    about = [mteb.get_task(name).metadata for names in nli_hub.REAL_TASKS.values() for name in names]
    assert scores["category"].to_dict() == {task.name: task.type for task in about}
    assert scores["metric"].to_dict() == {task.name: task.main_score for task in about}
    assert scores["score"].between(-1, 1).all()


def test_the_training_rows_are_the_triplets_of_the_named_configuration(folder):
    run = run_study(folder, STUDY, REDUCED | NARROWED, NO_HUB, f"results/{STUDY}/data/train.parquet")
    assert run.returncode == 0, run.stdout + run.stderr
    parts = [
        pd.read_parquet(folder / f"results/{STUDY}/data/{part}.parquet") for part in ("train", "heldout")
    ]
    rows = pd.concat(parts)[["query", "positive", "negative"]]
    real = pd.read_parquet(nli_hub.TRAIN).dropna().head(len(rows)).map(str.strip)
    assert sorted(map(tuple, rows.to_numpy())) == sorted(map(tuple, real.to_numpy()))


def test_without_narrowing_all_tasks_of_the_benchmark_are_planned(folder):
    run = run_study(folder, STUDY, {}, NO_HUB, "--dry-run", "fetch")
    assert run.returncode == 0, run.stdout + run.stderr
    batches = task_batches(load_study(STUDIES / f"{STUDY}.yaml"))
    planned = set(re.findall(r"Fetch the (\S+) tasks", run.stdout + run.stderr))
    assert planned >= batches.keys() - {"small"} >= {"TRECCOVID", "FEVERHardNegatives"}


@pytest.mark.parametrize(
    ("evaluation", "line"),
    [
        (
            {"benchmark": "MTEB(eng, v5)"},
            'evaluation.benchmark "MTEB(eng, v5)" is not an MTEB benchmark;',
        ),
        ({"benchmark": "ViDoRe(v1)"}, 'evaluation.benchmark "ViDoRe(v1)" has tasks that are not for text'),
        ({"tasks": {"STS": ["STS16"]}}, "evaluation.tasks.STS STS16 is not a task of MTEB(eng, v2); did"),
    ],
)
def test_what_a_benchmark_does_not_have_is_one_line(folder, evaluation, line):
    run = run_study(folder, STUDY, {"evaluation": evaluation}, NO_HUB, "--dry-run")
    errors = [said for said in run.stderr.splitlines() if "error:" in said]
    assert run.returncode != 0 and len(errors) == 1 and line in errors[0], run.stderr
