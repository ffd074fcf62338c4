"""Configs: what a result was made from is known by their marks, whatever Snakemake remembers."""

import os

import pytest

from embedding_designs.study.run_configs import config_mark, file_states

YEAR = 365 * 24 * 3600


@pytest.fixture
def results(tmp_path):
    """A folder of MTEB results, of a table and of a base: one file, deep inside."""
    folder = tmp_path / "results"
    (folder / "me__a" / "main").mkdir(parents=True)
    (folder / "me__a" / "main" / "STS12.json").write_text("0.5")
    return folder


def studies(path):
    """Return studies that name a file or folder, each with the config that it is named by."""
    return [
        ({"scores": {"path": str(path)}}, "scores"),
        ({"scores": {"path": "nowhere", "labels": str(path)}}, "scores"),
        ({"data": {"path": str(path)}, "evaluation": {}}, "data"),
        ({"data": {"dataset": str(path)}, "evaluation": {}}, "data"),
        ({"bases": {"b": {"model": str(path), "finetuning": "full"}}}, "bases/b"),
    ]


def changed_deep_inside(results):
    (results / "me__a" / "main" / "STS12.json").write_text("0.75")


def replaced_by_an_older_file_of_its_size(results):
    file = results / "me__a" / "main" / "STS12.json"
    file.write_text("0.6")
    os.utime(file, (file.stat().st_mtime - YEAR,) * 2)


def joined_by_another(results):
    (results / "me__a" / "main" / "STS13.json").write_text("0.5")


@pytest.mark.parametrize(
    "change", [changed_deep_inside, replaced_by_an_older_file_of_its_size, joined_by_another]
)
def test_a_config_is_new_where_a_file_in_a_folder_that_it_names_has_changed(results, change):
    before = [config_mark(*study) for study in studies(results)]
    change(results)
    file_states.cache_clear()  # of the Snakemake run before
    after = [config_mark(*study) for study in studies(results)]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_config_is_not_new_where_nothing_or_a_hidden_file_has_changed(results):
    before = [config_mark(*study) for study in studies(results)]
    (results / ".git").mkdir()
    (results / ".git" / "index").write_text("x")
    os.utime(results)
    file_states.cache_clear()
    assert [config_mark(*study) for study in studies(results)] == before
