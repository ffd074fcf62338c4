"""Outputs are whole or absent, and work in progress is resumed only for the same inputs."""

import errno

import pytest

from embedding_designs.common.atomic_writes import atomic, resumable
from embedding_designs.common.command import command
from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import read_json


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "stale").touch()
    with atomic(folder) as part:
        part.mkdir()
        (part / "fresh").touch()
    assert [path.name for path in folder.iterdir()] == ["fresh"]


def test_work_begun_from_other_inputs_is_thrown_away(tmp_path):
    def interrupted(key):
        with pytest.raises(KeyboardInterrupt), resumable(tmp_path / "work", key) as folder:
            (folder / key).touch()
            raise KeyboardInterrupt

    interrupted("first")
    with resumable(tmp_path / "work", "first") as folder:
        assert (folder / "first").exists()
    assert not (tmp_path / "work").exists()
    interrupted("first")
    with resumable(tmp_path / "work", "second") as folder:
        assert not (folder / "first").exists()


def test_bad_input_is_one_line_and_a_non_zero_exit(capsys):
    @command
    def main():
        raise BadInput("study.yaml: seeds [] needs items")

    with pytest.raises(SystemExit) as error:
        main()
    assert error.value.code == 2
    assert capsys.readouterr().err == "error: study.yaml: seeds [] needs items\n"


def test_broken_json_names_file_and_line(tmp_path):
    (tmp_path / "config.json").write_text('{"seed": 1,\n nonsense')
    with pytest.raises(BadInput, match=r"config\.json: not JSON: .*line 2"):
        read_json(tmp_path / "config.json")


def test_what_a_killed_job_left_behind_is_removed_and_other_files_stay(tmp_path):
    for name in (".model.0123abcd", ".model.json.0123abcd.json", ".model.old"):
        (tmp_path / name).touch()
    with atomic(tmp_path / "model") as part:
        part.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".model.json.0123abcd.json", ".model.old", "model",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "results/a.csv"),
        RuntimeError("SafetensorError: Error while serializing: I/O error: No space left on device"),
    ],
)
def test_a_full_disk_is_one_line(capsys, error):
    @command
    def main():
        raise error

    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: no space left on the disk")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1, 2]", "not a JSON object; expected an object with source, seed"),
        (b'{"source": 1}', "seed is missing; required: source, seed"),
        (b"\xff\xfe", "not JSON: "),
        (b"[" * 100_000, "not JSON: "),
        (b"1" * 5000, "not JSON: "),
    ],
)
def test_json_of_another_kind_is_named_in_one_line(tmp_path, content, message):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(BadInput) as error:
        read_json(tmp_path / "config.json", ("source", "seed"))
    assert f"config.json: {message}" in str(error.value)
    assert "\n" not in str(error.value)
