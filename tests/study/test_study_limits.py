"""What a study may contain can run: limits of numbers, names, and keys that go together."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from embedding_designs.common.errors import BadInput
from embedding_designs.study.study import load_study
from helpers.small_study import small_study

DOCSTRINGS = {"source": "docstrings", "train_packages": ["json"]}
PRETRAINED = {"bases": {"tiny": {"pretrain": {}}}, "data": DOCSTRINGS}
PACKAGE = {"name": "a-lm", "version": "1", "sha256": "0" * 64, "gguf_file": "a/b.gguf"}
TASKS = "evaluation/docstring_tasks"
EOS = {"attention": "causal", "pooling": {"kind": "eos"}}
SCORES = {"from": "table", "path": "scores.csv"}


def with_changes(study: dict, changes: dict) -> dict:
    """Return a study with some keys replaced: {"a/b": value}."""
    for path, value in changes.items():
        *parents, last = path.split("/")
        target = study
        for key in parents:
            target = target.setdefault(key, {})
        target[last] = deepcopy(value)
    return study


def load(folder: Path, changes: dict, overrides: dict | None = None, name: str = "mine.yaml") -> dict:
    (folder / name).write_text(yaml.safe_dump(with_changes(small_study(), changes)), encoding="utf-8")
    return load_study(folder / name, overrides)


def refused(folder: Path, *arguments, **named) -> str:
    with pytest.raises(BadInput) as error:
        load(folder, *arguments, **named)
    assert str(error.value).isprintable()
    return str(error.value).rpartition(".yaml: ")[2]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seeds": [2**40]}, "seeds.0 1099511627776 must be at most 4294967295"),
        ({"seeds": [1.0, 2.0]}, "seeds.0 1.0 must be an integer"),
        ({"seeds": [True]}, "seeds.0 true must be an integer"),
        ({"data/seed": 2**32}, "data.seed 4294967296 must be at most 4294967295"),
        ({"training/steps": 1e3}, "training.steps 1000.0 must be an integer"),
        ({"training/steps": 10**8}, "training.steps 100000000 must be at most 10000000"),
        ({"data/train_rows": 7}, "training.batch_size 8 must be at most data.train_rows 7"),
        ({"training/steps": 1}, "100 must be 0 if training.steps is 1"),
        ({"training/learning_rate": float("nan")}, "training.learning_rate NaN must be a finite number"),
        ({"training/scale": float("inf")}, "training.scale Infinity must be a finite number"),
        ({"training/scale": 10**400}, "training.scale 1000"),
        ({"statistics/alpha": float("nan")}, "statistics.alpha NaN must be a finite number"),
        ({"description": 2024}, "description 2024 must be text: put it in quotes"),
        ({"description": "bell \a"}, 'description "bell \\u0007" contains a control character'),
        ({"description": "'" * 30_000}, "the study with its defaults is 15"),
        ({"data/path": ""}, 'data.path "" must not be empty'),
        ({"bases/tiny/model": ""}, 'bases.tiny.model "" must not be empty'),
        ({"data/split": "test"}, 'data.split belongs to data.source "hub", not "file"'),
        ({"data/max_words": 9}, 'data.max_words belongs to data.source "docstrings", not "file"'),
        ({"data": {**DOCSTRINGS, "drop_empty": True}}, 'drop_empty belongs to data.source "file" or "hub"'),
        ({"data": {**DOCSTRINGS, "max_words": 9}}, "words 10 must be at most data.max_words 9"),
        ({TASKS: {"packages": ["ast"], "classes": 3}}, "docstring_tasks.classes 3 must be at least 4"),
        (
            {TASKS: {"packages": ["ast"], "documents": 20, "queries": 20}},
            "evaluation.docstring_tasks.classes 8 must be at most a third of evaluation.docstring_tasks.docu",
        ),
        (
            {TASKS: {"packages": ["ast"], "queries": 300}},
            "evaluation.docstring_tasks.queries 300 must be at most evaluation.docstring_tasks.documents 256",
        ),
        ({**PRETRAINED, "bases/tiny/revision": "main"}, "bases.tiny.revision needs bases.tiny.model"),
        ({**PRETRAINED, "bases/tiny/gguf_file": "a.gguf"}, "bases.tiny.gguf_file needs bases.tiny.model"),
        ({"bases": {"tiny": {"package": {"name": "a"}}}}, "bases.tiny.package.version is missing"),
        ({"bases": {"tiny": {"package": {**PACKAGE, "sha256": "1234"}}}}, 'package.sha256 "1234" breaks'),
        ({"bases": {"tiny": {"package": {**PACKAGE, "version": "1 --pre"}}}}, 'version "1 --pre" breaks'),
        ({"bases": {"tiny": {"package": {**PACKAGE, "version": 0.1}}}}, "0.1 must be text: put it in quotes"),
        ({"bases/tiny/package": PACKAGE}, "must have exactly one of model, pretrain, and package"),
        ({"bases/tiny/gguf_file": "../a.gguf"}, 'bases.tiny.gguf_file "../a.gguf" breaks the rule'),
        ({"bases/tiny/gguf_file": "a/../b.gguf"}, 'bases.tiny.gguf_file "a/../b.gguf" breaks the rule'),
        ({"bases/tiny/gguf_file": "/a.gguf"}, 'bases.tiny.gguf_file "/a.gguf" breaks the rule'),
        (
            {"bases/tiny/gguf_file": "a.gguf", "bases/tiny/trust_remote_code": True},
            "bases.tiny.trust_remote_code must be false with gguf_file, which holds no code",
        ),
        (
            {**PRETRAINED, "bases/tiny/pretrain": {"hidden_size": 512, "vocabulary": 300}},
            "bases.tiny.pretrain.hidden_size 512 must be at most bases.tiny.pretrain.vocabulary 300",
        ),
        ({"evaluation/tasks/Retrieval": ["STS15"]}, "Retrieval STS15 is in MTEB's category STS"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_run_is_refused(tmp_path, changes, line):
    assert line in refused(tmp_path, changes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"designs/MULTI": EOS}, "designs MULTI and multi differ only in case; some file systems"),
        ({"bases/Tiny": {"model": "other"}}, "bases Tiny and tiny differ only in case"),
        ({"bases/Scores": {"model": "other"}}, "bases.Scores: reserved names are"),
        ({TASKS: {"packages": ["my_own", "myOwn"]}}, "evaluation.tasks names MyOwnDocsSTS twice"),
        ({TASKS: {"packages": ["a/../b"]}}, 'docstring_tasks.packages.0 "a/../b" may contain only'),
        ({"data": {**DOCSTRINGS, "train_packages": ["x;y"]}}, 'data.train_packages.0 "x;y" may contain only'),
        ({"designs/name\n": EOS}, 'designs "name\\n" may contain only'),
        ({"designs/a..b": EOS}, 'designs "a..b" may contain only'),
        ({"designs/" + "a" * 65: EOS}, "has 65 characters; at most 64 are allowed"),
        ({"evaluation/tasks/STS": ["STS 12", "STS13"]}, 'evaluation.tasks.STS.0 "STS 12" may contain only'),
    ],
)  # fmt: skip
def test_a_name_works_in_every_file_system_and_shell(tmp_path, changes, line):
    assert line in refused(tmp_path, changes)


@pytest.mark.parametrize("stem", ["my study", "it's-50%", "exp(1)", "a.", "-a", "x\n", "é", "a" * 65, "a;b"])
def test_the_name_of_a_study_is_checked(tmp_path, stem):
    assert refused(tmp_path, {}, name=f"{stem}.yaml").startswith("study name ")


@pytest.mark.parametrize("stem", ["a", "7", "qwen2-0.5b", "a_b-c.d", "a" * 64])
def test_a_usual_name_is_allowed(tmp_path, stem):
    assert load(tmp_path, {f"designs/{stem}": EOS}, name=f"{stem}.yaml")["name"] == stem


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        ({"path": ""}, 'scores.path "" must not be empty'),
        ({"labels": ""}, 'scores.labels "" must not be empty'),
        ({"benchmark": ""}, 'scores.benchmark "" must not be empty'),
        ({"tasks": [""]}, 'scores.tasks.0 "" must not be empty'),
        ({"pools": {"a": {"models": ["", "b"]}}}, 'scores.pools.a.models.0 "" must not be empty'),
        ({"pools": {"": {"complete": True}}}, 'scores.pools "" may contain only'),
        (
            {"pools": {"a": {"complete": True}, "A": {"complete": True}}},
            "scores.pools A and a differ only in",
        ),
    ],
)
def test_scores_have_names_and_paths(tmp_path, scores, line):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"scores": SCORES | scores}))
    with pytest.raises(BadInput) as error:
        load_study(tmp_path / "mine.yaml")
    assert line in str(error.value)


def test_the_schema_determines_the_type_of_an_override(tmp_path):
    """Snakemake passes values as text: a revision of digits stays text, a number of digits does not."""
    overrides = {
        "bases": {"tiny": {"revision": "1e10", "model": "5"}},
        "data": {"path": "true", "heldout_rows": "5", "drop_empty": "true"},
        "evaluation": {"benchmark": "null", "prompts": {"STS12": "1"}},
        "training": {"learning_rate": "1e-3"},
        "seeds": ["1", "2"],
    }
    study = load(tmp_path, {"evaluation/benchmark": "MTEB(eng, v2)"}, overrides)
    base, data = study["bases"]["tiny"], study["data"]
    assert (base["revision"], base["model"], data["path"]) == ("1e10", "5", "true")
    assert (data["heldout_rows"], data["drop_empty"], study["seeds"]) == (5, True, [1, 2])
    assert study["training"]["learning_rate"] == 0.001
    assert study["evaluation"]["benchmark"] is None
    assert study["evaluation"]["prompts"] == {"STS12": "1"}


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "nan", ".nan", ".inf", "1e999", "9" * 5000]
)
def test_an_override_is_a_finite_number_too(tmp_path, value):
    line = refused(tmp_path, {}, {"training": {"learning_rate": value}})
    assert line.startswith("training.learning_rate ") and "number" in line


def test_an_override_inside_itself_is_refused(tmp_path):
    seeds: list = []
    seeds.append(seeds)
    assert "nested too deeply" in refused(tmp_path, {}, {"seeds": seeds})
