"""A study that names a benchmark evaluates on the tasks that MTEB gives it."""

import csv
import subprocess
import sys
from collections import Counter

import mteb
import pytest
import yaml

from embedding_designs.common.errors import BadInput
from embedding_designs.planning.record_benchmarks import COLUMNS, recorded_tasks
from embedding_designs.study.benchmarks import TABLE, Task, problems_of_tasks
from embedding_designs.study.categories import CATEGORIES
from embedding_designs.study.run_configs import config, names_of, task_batches
from embedding_designs.study.schema import part_schema, study_schema
from embedding_designs.study.study import load_study
from helpers.paths import ROOT, STUDIES
from helpers.small_study import small_study

ENGLISH = "MTEB(eng, v2)"


def of_text(benchmark: mteb.Benchmark) -> bool:
    return all(task.metadata.modalities == ["text"] for task in benchmark.tasks)


TEXT_BENCHMARKS = [known.name for known in mteb.get_benchmarks() if of_text(known) and len(known.tasks) > 1]


def load(folder, evaluation: dict, overrides: dict | None = None) -> dict:
    study = small_study() | {"evaluation": evaluation}
    (folder / "mine.yaml").write_text(yaml.safe_dump(study))
    return load_study(folder / "mine.yaml", overrides)["evaluation"]


def refused(folder, evaluation: dict) -> str:
    with pytest.raises(BadInput) as error:
        load(folder, evaluation)
    assert "\n" not in str(error.value)
    return str(error.value).partition(".yaml: ")[2]


def by_type(benchmark: str) -> dict[str, set[str]]:
    """Return the tasks that mteb gives a benchmark, by mteb's task type."""
    tasks: dict[str, set[str]] = {}
    for task in mteb.get_benchmark(benchmark).tasks:
        tasks.setdefault(task.metadata.type, set()).add(task.metadata.name)
    return tasks


def test_the_table_holds_what_mteb_has():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows == [COLUMNS, *recorded_tasks()]


def test_the_categories_are_mtebs_task_types_for_text():
    types = Counter(
        task.metadata.type
        for task in mteb.get_tasks(exclude_superseded=False)
        if task.metadata.modalities == ["text"]
    )
    del types["Any2AnyRetrieval"]  # of images; one of its tasks, WebQAT2TRetrieval, happens to have only text
    assert set(CATEGORIES) == types.keys()
    assert list(CATEGORIES) == list(part_schema("evaluation")["properties"]["tasks"]["properties"])
    assert "default" not in study_schema()["$defs"]["evaluation"]["properties"]["tasks"]


@pytest.mark.parametrize("benchmark", TEXT_BENCHMARKS)
def test_a_benchmark_alone_means_all_its_tasks(benchmark, tmp_path):
    tasks = load(tmp_path, {"benchmark": benchmark})["tasks"]
    assert {category: set(names) for category, names in tasks.items()} == by_type(benchmark)
    assert len(names_of(tasks)) == len(set(names_of(tasks)))
    assert list(tasks) == [category for category in CATEGORIES if category in tasks]


def test_tasks_narrow_a_benchmark_by_category_and_name(tmp_path):
    given = {"STS": "all", "Retrieval": ["SCIDOCS"], "Clustering": []}
    tasks = load(tmp_path, {"benchmark": ENGLISH, "tasks": given})["tasks"]
    assert set(tasks["STS"]) == by_type(ENGLISH)["STS"]
    assert (tasks["Retrieval"], tasks["Clustering"], len(tasks)) == (["SCIDOCS"], [], 3)


def test_an_override_narrows_a_benchmark_too_and_drops_prompts_of_what_it_leaves_out(tmp_path):
    study = {"benchmark": ENGLISH, "prompts": {"STS12": "a", "Retrieval": "b", "SCIDOCS": "c", "STS": "d"}}
    assert load(tmp_path, study)["prompts"] == study["prompts"]
    kept = load(tmp_path, study, {"evaluation": {"tasks": {"STS": "all"}}})
    assert kept["prompts"] == {"STS12": "a", "STS": "d"}
    assert set(names_of(kept["tasks"])) == by_type(ENGLISH)["STS"]
    no_benchmark = {"evaluation": {"benchmark": "null", "tasks": {"STS": ["STS12", "STS16"]}}}
    assert load(tmp_path, study, no_benchmark)["tasks"] == {"STS": ["STS12", "STS16"]}


def test_the_shipped_study_names_a_benchmark_alone():
    text = yaml.safe_load((STUDIES / "smollm2-mteb.yaml").read_text())
    assert "tasks" not in text["evaluation"]
    study = load_study(STUDIES / "smollm2-mteb.yaml")
    assert {name: set(names) for name, names in study["evaluation"]["tasks"].items()} == by_type(ENGLISH)
    batches = task_batches(study)
    evaluated = [name for tasks in batches.values() for name in names_of(tasks)]
    assert sorted(evaluated) == sorted(names_of(study["evaluation"]["tasks"]))
    for batch in batches:
        assert config(study, f"tasks/{batch}")["benchmark"] == ENGLISH
        assert config(study, f"fetched/{batch}")["benchmark"] == ENGLISH


@pytest.mark.parametrize(
    ("evaluation", "line"),
    [
        (
            {"benchmark": "MTEB(eng, v3)"},
            '"MTEB(eng, v3)" is not an MTEB benchmark; did you mean MTEB(eng',
        ),
        (
            {"benchmark": ENGLISH, "tasks": {"STS": ["STS12", "STS16"]}},
            "evaluation.tasks.STS STS16 is not a task of MTEB(eng, v2); did you mean STS17 or STS15 ",
        ),
        (
            {"benchmark": ENGLISH, "tasks": {"Retrieval": ["STS12", "SCIDOCS"]}},
            "evaluation.tasks.Retrieval STS12 is in MTEB's category STS; list it there or remove it",
        ),
        (
            {"benchmark": ENGLISH, "tasks": {"BitextMining": "all"}},
            "evaluation.tasks.BitextMining all: MTEB(eng, v2) has no such tasks; choose from STS, PairC",
        ),
        ({"tasks": {"STS": "all"}}, "evaluation.tasks.STS all needs evaluation.benchmark"),
        (
            {"benchmark": ENGLISH, "tasks": {"STS": "STS12"}},
            'evaluation.tasks.STS "STS12" must be a list of tasks, or all',
        ),
        (
            {"benchmark": "ViDoRe(v2)"},
            'evaluation.benchmark "ViDoRe(v2)" has tasks that are not for text: Vidore2BioMedicalLecturesRet',
        ),
        (
            {"benchmark": "ViDoRe(v3.1, reranking)", "tasks": {"Reranking": "all"}},
            "35 more tasks; choose a benchmark for text",
        ),
        ({"benchmark": ENGLISH, "tasks": {}}, "evaluation needs docstring_tasks, tasks, or benchmark"),
        ({"benchmark": [ENGLISH]}, "evaluation.benchmark"),
    ],
)
def test_what_a_benchmark_does_not_have_is_refused(evaluation, line, tmp_path):
    assert line in refused(tmp_path, evaluation)


def test_a_benchmark_of_text_and_images_is_narrowed_to_text():
    tasks = [
        Task("Captions", "STS", "text"),
        Task("Pictures", "ImageClustering", "image"),
        Task("Pages", "Retrieval", "image, text"),
    ]
    known = {task.name: task for task in tasks}
    (line,) = problems_of_tasks({task.category: [task.name] for task in tasks}, "Mixed(v1)", known)
    assert line == (
        'evaluation.benchmark "Mixed(v1)" has tasks that are not for text: Pictures, Pages; '
        "narrow it with evaluation.tasks, such as {STS: all}"
    )
    assert list(problems_of_tasks({"STS": ["Captions"]}, "Mixed(v1)", known)) == []


def test_planning_a_study_needs_no_import_of_mteb():
    """Snakemake's environment does not have it, and importing it takes longer than everything else."""
    study = str(STUDIES / "smollm2-mteb.yaml")
    code = f"import sys; from embedding_designs.study.study import load_study; load_study({study!r})"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; print('mteb' in sys.modules)"],
        cwd=ROOT, env={"PYTHONPATH": "workflow"}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.strip() == "False", run.stderr
