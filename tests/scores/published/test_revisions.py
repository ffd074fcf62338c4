"""Results of different revisions of a model are never mixed; unused files in a results folder are named."""

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_designs.common.errors import BadInput
from embedding_designs.scores.published.mteb_results import read_mteb_results
from embedding_designs.scores.published.pools import published_scores

TASKS = ["STS12", "STS13", "STS14"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write(folder: Path, model: str, revision: str, scores: dict[str, object], **content) -> None:
    """Write one file per task. scores: for split test and subset default, or {split: {subset: score}}."""
    for task, score in scores.items():
        splits = score if isinstance(score, dict) else {"test": {"default": score}}
        written = {
            "dataset_revision": "x", "task_name": task, "mteb_version": "2.1.0", "evaluation_time": 1.0,
            "scores": {
                split: [{"main_score": value, "hf_subset": name, "languages": ["eng-Latn"]}
                        for name, value in subsets.items()]
                for split, subsets in splits.items()
            },
        }  # fmt: skip
        path = folder / model.replace("/", "__") / revision / f"{task}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(written | content))


def collected(folder: Path, **keys):
    """Return the scores as design -> task -> score, the report as (kind, names), and the revisions."""
    source = {"from": "mteb_results", "path": str(folder), "benchmark": None, "tasks": TASKS, "pools": {}}
    rows, left, revisions = published_scores(source | keys)
    scores = {name: dict(zip(own["task"], own["score"], strict=True)) for name, own in rows.groupby("design")}
    return scores, [(entry.what, entry.names) for entry in left], revisions


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the results of two models."""
    write(tmp_path, "me/a", "r1", dict.fromkeys(TASKS, 0.5))
    write(tmp_path, "me/b", "r1", dict.fromkeys(TASKS, 0.6))
    return tmp_path


def test_two_complete_revisions_are_two_models(folder):
    write(folder, "me/c", "step-500", dict.fromkeys(TASKS, 0.3))
    write(folder, "me/c", COMMIT, dict.fromkeys(TASKS, 0.9), mteb_version="2.2.0")
    scores, left, revisions = collected(folder)
    assert scores["c@step-500"] == dict.fromkeys(TASKS, 0.3)
    assert scores["c@01234567"] == dict.fromkeys(TASKS, 0.9)
    assert "c" not in scores
    assert left == []
    assert revisions == {"me/a": "r1", "me/b": "r1", f"me/c@{COMMIT}": COMMIT, "me/c@step-500": "step-500"}


def test_the_one_complete_revision_is_used_and_the_other_is_named(folder):
    write(folder, "me/c", "step-500", dict.fromkeys(TASKS, 0.3))
    write(folder, "me/c", "step-1000", dict.fromkeys(TASKS[:2], 0.9), mteb_version="2.2.0")
    scores, left, revisions = collected(folder)
    assert scores["c"] == dict.fromkeys(TASKS, 0.3)
    assert left == [("revision", ["me/c@step-1000"])]
    assert revisions["me/c"] == "step-500"


def test_revisions_with_different_tasks_do_not_complete_each_other(folder):
    write(folder, "me/c", "step-500", {"STS12": 0.3, "STS13": 0.3})
    write(folder, "me/c", "step-1000", {"STS14": 0.9})
    scores, left, _ = collected(folder)
    assert scores["c"] == {"STS12": 0.3, "STS13": 0.3}
    assert left == [("revision", ["me/c@step-1000"])]


@pytest.mark.parametrize("name", ["me/c@step-500", "c@step-500"])
def test_a_pool_can_choose_a_revision(folder, name):
    write(folder, "me/c", "step-500", {"STS12": 0.3, "STS13": 0.3, "STS14": math.nan})
    write(folder, "me/c", COMMIT, dict.fromkeys(TASKS, 0.9))
    scores, left, revisions = collected(folder, pools={"mine": {"models": [name, "me/a"]}})
    assert list(scores) == ["a", "c@step-500"]
    assert ("revision", [f"me/c@{COMMIT}"]) in left
    assert ("score", ["me/c@step-500 on STS14"]) in left
    assert revisions["me/c@step-500"] == "step-500"
    chosen, _, _ = collected(folder, pools={"mine": {"models": ["me/c@01234567", "me/a"]}})
    assert chosen["c@01234567"] == dict.fromkeys(TASKS, 0.9)


def test_a_model_with_two_revisions_must_be_named_with_one(folder):
    for revision in ("x", "y"):
        write(folder, "me/c", revision, dict.fromkeys(TASKS, 0.3))
    with pytest.raises(BadInput, match='models "me/c" is ambiguous; choose from me/c@x, me/c@y'):
        collected(folder, pools={"mine": {"models": ["me/c", "me/a"]}})
    with pytest.raises(BadInput, match=r"models .*me/c@z"):
        collected(folder, pools={"mine": {"models": ["me/c@z", "me/a"]}})


def test_the_revisions_of_a_model_get_its_labels(folder, tmp_path_factory):
    for revision in ("x", "y"):
        write(folder, "me/c", revision, dict.fromkeys(TASKS, 0.3))
    labels = tmp_path_factory.mktemp("labels") / "labels.csv"
    labels.write_text("model,name,pooling\nme/a,A,eos\nme/c,C,mean\n")
    source = {"from": "mteb_results", "path": str(folder), "benchmark": None, "tasks": TASKS,
              "labels": str(labels), "pools": {"mean": {"where": {"pooling": "mean"}}}}  # fmt: skip
    rows = published_scores(source).rows
    assert rows["design"].unique().tolist() == ["C@x", "C@y"]
    assert rows["pooling"].unique().tolist() == ["mean"]


@pytest.mark.parametrize(
    ("score", "missing"),
    [
        (math.nan, "no subset default of split test"),
        (None, "no subset default of split test"),
        ({}, "no subset default of split test"),
        ({"dev": {"default": 0.3}}, "no subset default of split test"),
    ],
)
def test_a_score_without_a_split_or_subset_is_missing(folder, score, missing):
    write(folder, "me/c", "r1", {"STS12": score, "STS13": 0.3, "STS14": 0.3})
    source = {"from": "mteb_results", "path": str(folder), "benchmark": None, "tasks": TASKS, "pools": {}}
    rows, left, _ = published_scores(source)
    lacking = rows[rows["score"].isna()]
    assert lacking[["design", "task"]].values.tolist() == [["c", "STS12"]]
    assert [entry.reason for entry in left] == [f"{folder}/me__c/r1/STS12.json: {missing}"]


@pytest.mark.parametrize("score", ["good", True, [0.5], 70.1, math.inf, -2])
def test_a_value_that_is_not_a_score_is_named_with_its_file(folder, score):
    write(folder, "me/c", "r1", {"STS12": score})
    with pytest.raises(BadInput, match=r"me__c/r1/STS12\.json: main_score .* is not a number from -1 to 1"):
        collected(folder)


def test_files_that_are_not_read_are_counted_and_named(folder):
    write(folder, "me/a", "r1", {"SICK-R": 0.4})
    (folder / "me__a" / "r1" / "model_meta.json").write_text('{"name": "me/a", "revision": "r1"}')
    (folder / "notes.json").write_text("{}")
    (folder / "me__a" / "r1" / "experiments").mkdir()
    (folder / "me__a" / "r1" / "experiments" / "STS12.json").write_text("{}")
    _, left, _ = collected(folder)
    assert left == [
        ("result file", ["me__a/r1/experiments/STS12.json", "notes.json"]),
        ("result file", ["me__a/r1/SICK-R.json"]),
    ]
    (folder / "me__b" / "r1" / "summary.json").write_text("{}")
    _, left, _ = collected(folder, tasks=[])
    assert left[1] == ("result file", ["me__b/r1/summary.json"])


def test_a_file_with_another_tasks_results_is_refused(folder):
    (folder / "me__a" / "r1" / "STS13.json").write_bytes(
        (folder / "me__a" / "r1" / "STS12.json").read_bytes()
    )
    with pytest.raises(BadInput, match=r"me__a/r1/STS13\.json: contains results for STS12"):
        collected(folder)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["main_score", "hf_subset", "test", "scores", "languages"]), inner),
    ),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {"hf_subset": st.sampled_from(["default", "en"])}, optional={"main_score": JSON, "languages": JSON}
)
CONTENT = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({
        "dataset_revision": st.just("x"), "task_name": st.sampled_from(["STS12", "STS13"]),
        "mteb_version": st.sampled_from(["2.1.0", "1.0.0", None]), "evaluation_time": st.just(1.0),
        "scores": st.dictionaries(st.sampled_from(["test", "dev"]), st.lists(ENTRY, max_size=2) | JSON),
    }).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


@given(CONTENT)
@settings(max_examples=500, deadline=None)
def test_any_file_gives_a_score_a_missing_score_or_a_one_line_error(content):
    with TemporaryDirectory() as name:
        file = Path(name) / "me__a" / "r1" / "STS12.json"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        try:
            rows, left, _ = read_mteb_results(Path(name), None, ["STS12"])
        except BadInput as error:
            assert str(error).startswith(str(file))
            assert str(error).isprintable()
        else:
            assert (rows["score"].item() == "") == (len(left) == 1)
