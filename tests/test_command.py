"""Outputs are whole or absent, and work in progress is resumed only for the same inputs."""

import pytest

from embedding_designs.command import BadInput, command, read_json, resumable, whole


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "stale").touch()
    with whole(folder) as part:
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
    (tmp_path / "card.json").write_text('{"seed": 1,\n nonsense')
    with pytest.raises(BadInput, match=r"card\.json: not JSON: .*line 2"):
        read_json(tmp_path / "card.json")
