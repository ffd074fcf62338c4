"""Several sources of training data: what a study may say of them, and exact shares."""

from copy import deepcopy
from fractions import Fraction

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from embedding_designs.common.errors import BadInput
from embedding_designs.study.data_config import sources_of
from embedding_designs.study.run_configs import config
from embedding_designs.study.shares import apportioned, most_rows, shares_of
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES
from helpers.small_study import small_study

NLI = {"source": "file", "path": "nli.parquet", "columns": {"query": "anchor"}}
QA = {"source": "hub", "dataset": "some/qa", "name": "small"}
CODE = {"source": "docstrings", "train_packages": ["json"]}


def load(folder, data: dict, **others) -> dict:
    study = small_study() | {"data": deepcopy(data)} | others
    (folder / "mine.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return load_study(folder / "mine.yaml")


def refused(folder, data: dict, **others) -> str:
    with pytest.raises(BadInput) as error:
        load(folder, data, **others)
    assert "\n" not in str(error.value)
    return str(error.value).rpartition(".yaml: ")[2]


def shares(*values, **keys) -> dict:
    """Return data with a source for each share: nli, qa, code."""
    sources = zip(("nli", "qa", "code"), (NLI, QA, CODE), values, strict=False)
    return {
        "sources": {name: {**own, **({"share": share} if share else {})} for name, own, share in sources},
        **keys,
    }


def nli(**keys) -> dict:
    """Return data with one source, some of whose keys are replaced."""
    return {"sources": {"nli": {**NLI, **keys}}}


def test_each_source_gets_the_defaults_of_its_keys_and_data_keeps_only_what_all_share(tmp_path):
    data = load(tmp_path, shares(0.75, 0.25, seed=3))["data"]
    assert set(data) == {"sources", "batches", "heldout_rows", "seed"}
    assert data["batches"] == "homogeneous"
    found = sources_of(data)
    assert found["nli"]["columns"] == {"query": "anchor"}
    assert (found["qa"]["split"], found["qa"]["drop_empty"], found["qa"]["seed"]) == ("train", False, 3)


def test_batches_are_part_of_what_a_training_depends_on(tmp_path):
    study = load(tmp_path, shares(None, None, batches="mixed"))
    assert config(study, "runs/tiny/multi/seed1")["training"]["batches"] == "mixed"


def test_configs_of_a_study_with_one_source_have_no_new_keys():
    study = load_study(STUDIES / "paper-mistral-7b.yaml")
    assert set(config(study, "data")) <= {
        "source", "dataset", "revision", "min_description_words", "max_words", "train_rows", "heldout_rows",
        "split", "columns", "drop_empty", "seed", "eval_packages", "name",
    }  # fmt: skip
    base, design = next(iter(study["bases"])), next(iter(study["designs"]))
    assert config(study, f"runs/{base}/{design}/seed1")["training"] == study["training"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (shares(0.5, 0.4), "data.sources: the shares add up to 0.9, not 1: nli 0.5, qa 0.4"),
        (shares(0.5, None), "data.sources.qa.share is missing; give every source a share, or none"),
        (shares(1.5, None), "data.sources.nli.share 1.5 must be at most 1"),
        (shares(0.0001, 0.9998), "data.sources: the shares add up to 0.9999, not 1: nli 0.0001, qa 0.9998"),
        ({"sources": {}}, "data.sources {} must not be empty"),
        ({}, "data.source is missing"),
        ({**CODE, **shares(0.5, 0.5)}, "data.source and data.sources exclude each other; choose one"),
        (shares(0.5, 0.5, path="x"), "data.path belongs to a source; move it to data.sources.nli"),
        ({"sources": {"nli": {"path": "x"}}}, "data.sources.nli.source is missing"),
        (nli(source="files"), 'data.sources.nli.source "files" is not known; did you mean file?'),
        ({"sources": {"nli": {"source": "file"}}}, "data.sources.nli.path is missing: data.sources.nli.sour"),
        (nli(split="a"), 'data.sources.nli.split belongs to data.sources.nli.source "hub", not "file"'),
        (nli(columns={"query": "a", "positive": "a"}), "data.sources.nli.columns: query and positive both"),
        (nli(columns={"source": "a"}), "data.sources.nli.columns.source: the source of its rows is nli"),
        ({"sources": {"nli": NLI, "NLI": QA}}, "data.sources nli and NLI differ only in case"),
        ({"sources": {"a b": NLI}}, "data.sources"),
        ({"sources": {"one": CODE, "two": CODE}}, 'data.sources: one and two are "docstrings"; only one'),
        (shares(0.5, 0.5, batches="both"), 'data.batches "both" is not known'),
        (shares(0.9, 0.1, train_rows=70), "training.batch_size 8 is more than the 7 of data.train_rows 70"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_on_one_line(tmp_path, data, line):
    assert refused(tmp_path, data).startswith(line)


def test_two_sources_of_one_name_are_refused_with_their_lines(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "data:\n  sources:\n    nli: {source: file}\n    nli: {source: file}\n"
    )
    with pytest.raises(BadInput, match=r"mine\.yaml:4: data\.sources\.nli appears twice, first on line 3"):
        load_study(tmp_path / "mine.yaml")


def test_a_base_is_pretrained_if_one_of_the_sources_is_docstrings(tmp_path):
    pretrained = {"bases": {"tiny": {"pretrain": {}}}}
    load(tmp_path, shares(0.5, 0.25, 0.25), **pretrained)
    line = refused(tmp_path, shares(0.5, 0.5), **pretrained)
    assert line == 'bases.tiny.pretrain needs data.source "docstrings", not "file", "hub"'


def test_packages_of_a_source_are_not_evaluated_on(tmp_path):
    evaluation = {"docstring_tasks": {"packages": ["json", "csv"]}}
    line = refused(tmp_path, shares(0.5, 0.25, 0.25), evaluation=evaluation)
    assert line.startswith(
        "data.sources.code.train_packages json is also in evaluation.docstring_tasks.packages"
    )


def test_rows_are_divided_by_largest_remainders():
    """Shares of 7: 3.5, 2.1 and 1.4; 3, 2 and 1 are certain, and the largest remainder gets the last row."""
    sources = {"a": {"share": 0.5}, "b": {"share": 0.3}, "c": {"share": 0.2}}
    found = shares_of(sources, {})
    assert found == {"a": Fraction(1, 2), "b": Fraction(3, 10), "c": Fraction(1, 5)}
    assert apportioned(7, found) == {"a": 4, "b": 2, "c": 1}
    assert most_rows({"a": 100, "b": 100, "c": 10}, found) == 50


def test_without_shares_each_source_has_its_share_of_the_rows():
    assert shares_of({"a": {}, "b": {}}, {"a": 30, "b": 10}) == {"a": Fraction(3, 4), "b": Fraction(1, 4)}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 5000))
def test_counts_add_up_and_differ_from_the_exact_shares_by_less_than_one_row(weights, rows):
    found = shares_of({str(n): {} for n in range(len(weights))}, {str(n): w for n, w in enumerate(weights)})
    counts = apportioned(rows, found)
    assert sum(counts.values()) == rows
    assert all(abs(counts[name] - rows * share) < 1 for name, share in found.items())
    sizes = {str(n): 40 + n for n in range(len(weights))}
    most = most_rows(sizes, found)
    assert all(count <= sizes[name] for name, count in apportioned(most, found).items())
