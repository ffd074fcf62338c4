"""MTEB results are read with mteb's own classes, including old formats; unreadable files are named."""

import json
import math
from pathlib import Path

import mteb
import pandas as pd
import pytest
from mteb.results import TaskResult

from embedding_designs.common.errors import BadInput
from embedding_designs.scores.published import mteb_results
from embedding_designs.scores.published.pools import published_scores

BENCHMARK = "MTEB(eng, v2)"
TASKS = ["STS12", "STS17", "SprintDuplicateQuestions"]
OLD_STS = {  # as mteb wrote it before 1.11.0: no main_score, cos_sim for cosine
    "dataset_revision": "a0d554a64d88156834ff5ae9920b964011b16384",
    "mteb_dataset_name": "STS12",
    "mteb_version": "1.0.2",
    "test": {
        "cos_sim": {"pearson": 0.5, "spearman": 0.61},
        "euclidean": {"pearson": 0.4, "spearman": 0.3},
        "evaluation_time": 1.5,
    },
}
OLD_PAIRS = {
    "dataset_revision": "d66bd1f72af766a5cc4b0ca5e00c162f89e8cc46",
    "mteb_dataset_name": "SprintDuplicateQuestions",
    "mteb_version": "1.0.2",
    "test": {
        "cos_sim": {"ap": 0.8, "f1": 0.7},
        "dot": {"ap": 0.9, "f1": 0.6},
        "max": {"ap": 0.9, "f1": 0.7},
        "evaluation_time": 2.0,
    },
}


def write(folder: Path, model: str, name: str, subsets: dict, revision: str = "abc") -> Path:
    """Write a result with mteb's own class. subsets: {split: {subset: main score}}."""
    scores = {
        split: {subset: {"main_score": score} for subset, score in values.items()}
        for split, values in subsets.items()
    }
    path = folder / model.replace("/", "__") / revision / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    TaskResult.from_task_results(mteb.get_task(name), scores, evaluation_time=1.0).to_disk(path)
    return path


def write_old(folder: Path, model: str, content: dict) -> None:
    path = folder / model.replace("/", "__") / "old" / f"{content['mteb_dataset_name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def clone(tmp_path):
    """Return a folder like a clone of the results repository, with one model in each format, new and old."""
    results = tmp_path / "results"
    write(results, "me/new", "STS12", {"test": {"default": 0.7}, "train": {"default": 0.1}})
    write(results, "me/new", "STS17", {"test": {"en-en": 0.9, "fr-en": 0.2, "de-en": 0.3}})
    write(results, "me/new", "SprintDuplicateQuestions", {"test": {"default": 0.95}})
    meta = results / "me__new" / "abc" / "model_meta.json"
    meta.write_text(json.dumps({"name": "me/new", "revision": "abc"}))
    write_old(results, "you/old", OLD_STS)
    write_old(results, "you/old", OLD_PAIRS)
    return tmp_path


def read_mteb_results(*arguments) -> pd.DataFrame:
    """Return only the rows, with numeric scores."""
    rows, _, _ = mteb_results.read_mteb_results(*arguments)
    return rows.assign(score=[float(text) if text else math.nan for text in rows["score"]])


def scores(rows) -> dict:
    return rows.set_index(["model", "task"])["score"].round(6).to_dict()


def test_only_the_benchmarks_splits_and_subsets_count_and_old_formats_are_read(clone):
    assert scores(read_mteb_results(clone, BENCHMARK, TASKS)) == {
        ("me/new", "STS12"): 0.7,
        ("me/new", "STS17"): 0.9,
        ("me/new", "SprintDuplicateQuestions"): 0.95,
        ("you/old", "STS12"): 0.61,
        ("you/old", "SprintDuplicateQuestions"): 0.9,
    }


def test_a_clone_its_results_folder_and_any_folder_in_this_layout_give_the_same(clone):
    expected = scores(read_mteb_results(clone, BENCHMARK, TASKS))
    assert scores(read_mteb_results(clone / "results", BENCHMARK, TASKS)) == expected
    (clone / "results").rename(clone / "runs_of_march")
    assert scores(read_mteb_results(clone / "runs_of_march", BENCHMARK, TASKS)) == expected


def test_models_can_be_read_individually(clone):
    rows = read_mteb_results(clone, BENCHMARK, ["STS12"], ["you/old"])
    assert scores(rows) == {("you/old", "STS12"): 0.61}


def test_a_missing_subset_makes_the_score_missing_not_different(clone):
    """Without a benchmark, all subsets of a task count: STS17 has eleven, but only three are present."""
    assert len(mteb.get_task("STS17").hf_subsets) == 11
    rows = read_mteb_results(clone, None, ["STS12", "STS17"])
    assert rows[rows["task"] == "STS17"]["score"].isna().all()
    assert scores(rows[rows["task"] == "STS12"]) == {("me/new", "STS12"): 0.7, ("you/old", "STS12"): 0.61}


def test_a_task_with_a_subset_missing_in_every_model_is_refused_with_an_incomplete_file(tmp_path):
    for model in ("me/a", "me/b"):
        write(tmp_path, model, "STS12", {"test": {"default": 0.5}})
        write(tmp_path, model, "STS17", {"test": {"en-en": 0.5}})
    source = {"from": "mteb_results", "path": str(tmp_path), "benchmark": None, "tasks": [], "pools": {}}
    with pytest.raises(
        BadInput, match=r"score on STS17 \(.*me__a/abc/STS17\.json: no subset .* of split test"
    ):
        published_scores(source)


def test_a_known_revision_takes_precedence_over_an_unknown_one(clone):
    results = clone / "results"
    write(results, "me/twice", "STS12", {"test": {"default": 0.4}}, revision="no_revision_available")
    write(results, "me/twice", "STS12", {"test": {"default": 0.5}}, revision="main")
    rows = read_mteb_results(clone, BENCHMARK, ["STS12"])
    assert scores(rows[rows["model"] == "me/twice"]) == {("me/twice", "STS12"): 0.5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("MTEB(eng v2)", []),
            'scores.benchmark "MTEB(eng v2)" is not an MTEB benchmark; did you mean MTEB(eng',
        ),
        ((None, ["STS122"]), "scores.tasks STS122 is not an MTEB task (mteb "),
        ((BENCHMARK, ["BIOSSES"]), "no results for BIOSSES"),
        ((BENCHMARK, [], ["me/newer"]), "no results for model me/newer; did you mean me/new?"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_names(clone, arguments, message):
    with pytest.raises(BadInput) as error:
        read_mteb_results(clone, *arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"mteb_version": "2.0.0", "task_name": "STS12"}'])
def test_a_broken_file_is_named(clone, content):
    (clone / "results" / "you__old" / "old" / "STS12.json").write_text(content)
    with pytest.raises(
        BadInput, match=r"you__old/old/STS12\.json: cannot be read as MTEB results: "
    ) as error:
        read_mteb_results(clone, BENCHMARK, TASKS)
    assert "\n" not in str(error.value)


def test_a_folder_without_results_is_refused_and_not_changed(tmp_path):
    with pytest.raises(BadInput, match="no MTEB results; expected "):
        read_mteb_results(tmp_path, BENCHMARK, [])
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput, match="no such folder"):
        read_mteb_results(tmp_path / "absent", BENCHMARK, [])
    assert not (tmp_path / "absent").exists()


def test_models_without_results_on_the_compared_tasks_are_reported(clone):
    write(clone / "results", "me/other", "STS13", {"test": {"default": 0.7}})
    _, left, _ = mteb_results.read_mteb_results(clone, None, ["STS12"])
    assert {"me/other": "no results on the compared tasks"}.items() <= {
        name: entry.reason for entry in left for name in entry.names
    }.items()
