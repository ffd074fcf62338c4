"""Tuning runs end with their logs, even if they diverge, and the lowest finite held-out loss is chosen."""

import json
import subprocess
import sys
from dataclasses import asdict
from math import log
from pathlib import Path

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.study.tuning import Choice, Point
from embedding_designs.training.choose_settings import choose
from helpers.training import environment, train, train_command

SETTINGS = {f"learning_rate-{rate}": {"learning_rate": rate} for rate in (0.1, 0.01, 0.001)}
TUNING = {"points": SETTINGS, "steps": 20, "seed": 9}


def write_logs(folder: Path, *losses: list[float | None]) -> list[Path]:
    """Write one log per point; None: the run diverged."""
    logs = []
    for name, of_point in zip(SETTINGS, losses, strict=True):
        events = [
            {"event": "heldout", "step": 10 * step, "heldout_loss": loss}
            for step, loss in enumerate(of_point, start=1)
            if loss is not None
        ]
        last = {"event": "diverged", "reason": "x"} if None in of_point else {
            "event": "summary", "step": 20, "heldout_documents": 64
        }  # fmt: skip
        logs.append(folder / f"{name}.jsonl")
        logs[-1].write_text("".join(json.dumps(event) + "\n" for event in [*events, last]))
    return logs


def test_the_point_with_the_lowest_last_loss_is_chosen(tmp_path):
    choice = choose(TUNING, write_logs(tmp_path, [2.0, 3.5], [4.0, 3.1], [4.1, 3.3]))
    assert (choice.settings, choice.heldout_loss) == ({"learning_rate": 0.01}, 3.1)
    assert (choice.steps, choice.seed, choice.documents) == (20, 9, 64)
    assert [point.heldout_loss for point in choice.points] == [3.5, 3.1, 3.3]


def test_the_logs_are_found_by_their_names(tmp_path):
    logs = write_logs(tmp_path, [4.0, 3.5], [4.0, 3.1], [4.0, 3.3])
    assert choose(TUNING, logs[::-1]) == choose(TUNING, logs)


def test_of_equal_losses_the_first_point_of_the_grid_is_chosen(tmp_path):
    choice = choose(TUNING, write_logs(tmp_path, [4.0, 3.5], [4.0, 3.1], [4.0, 3.1]))
    assert choice.settings == {"learning_rate": 0.01}


def test_a_loss_that_is_not_finite_is_never_chosen(tmp_path):
    choice = choose(TUNING, write_logs(tmp_path, [1.0, None], [4.0, float("nan")], [4.3, 4.2]))
    assert choice.settings == {"learning_rate": 0.001}
    assert [point.heldout_loss for point in choice.points] == [None, None, 4.2]


def test_a_point_that_collapsed_is_marked(tmp_path):
    choice = choose(TUNING, write_logs(tmp_path, [log(64)] * 2, [4.15, 3.3], [None]))
    assert [point.collapsed for point in choice.points] == [True, False, False]


def test_without_any_finite_loss_there_is_one_clear_line(tmp_path):
    with pytest.raises(BadInput, match="the loss was not finite with any of the 3 settings that were"):
        choose(TUNING, write_logs(tmp_path, [None], [None], [None]))


def test_a_missing_or_unfinished_log_is_named(tmp_path):
    logs = write_logs(tmp_path, [4.0, 3.5], [4.0, 3.1], [4.0, 3.1])
    with pytest.raises(
        BadInput, match=r"--logs: no log of learning_rate-0\.001; there are learning_rate-0\.1,"
    ):
        choose(TUNING, logs[:2])
    logs[0].write_text("".join(logs[0].read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(BadInput, match=r"learning_rate-0\.1\.jsonl: not the log of a finished training"):
        choose(TUNING, logs)


def tune(config, base, triplets, folder) -> list[dict]:
    """Return the log of a tuning run, from the command."""
    write_json(folder / "learning_rate-x.json", config.to_json())
    command = [
        *[sys.executable, "-m", "embedding_designs.training.tune_design", folder / "learning_rate-x.json"],
        *["--train", triplets[0], "--heldout", triplets[1], "--base", base],
        *["--checkpoints", folder / "checkpoints", "--training-log", folder / "log.jsonl"],
    ]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["learning_rate-x.json", "log.jsonl"]
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_tuning_run_has_the_losses_of_a_training(run_config, bases, triplets, tmp_path):
    config = run_config(steps=3, heldout_steps=2)
    (tmp_path / "tuned").mkdir()
    tuned = tune(config, bases["mistral"], triplets, tmp_path / "tuned")
    train(config, bases["mistral"], triplets, tmp_path / "trained")
    trained = [json.loads(line) for line in (tmp_path / "trained/log.jsonl").read_text().splitlines()]
    losses = [[line["heldout_loss"] for line in log if "heldout_loss" in line] for log in (tuned, trained)]
    assert losses[0] == losses[1] and len(losses[0]) == 2
    assert tuned[-1]["event"] == "summary"


def test_a_diverging_tuning_run_is_finished_and_says_so(run_config, bases, triplets, tmp_path):
    log = tune(run_config(learning_rate=1e30, warmup_steps=0), bases["mistral"], triplets, tmp_path)
    assert log[-1]["event"] == "diverged"
    assert "multi-layer-bidirectional learning_rate-x: the " in log[-1]["reason"]


def test_the_log_counts_the_documents_of_a_held_out_batch(run_config, bases, triplets, tmp_path):
    train(run_config(steps=1, warmup_steps=0), bases["mistral"], triplets, tmp_path)
    summary = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert summary["heldout_documents"] == 8  # four queries, each with a positive and a negative
    assert summary["collapsed"] is False


def test_a_run_whose_weights_never_move_from_equal_embeddings_has_collapsed(
    run_config, bases, triplets, tmp_path, capsys
):
    """With a tiny scale, all documents have about the same probability, whatever the weights."""
    train(run_config(steps=4, heldout_steps=2, scale=1e-3), bases["mistral"], triplets, tmp_path)
    summary = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert summary["collapsed"] is True
    said = capsys.readouterr().err
    assert (
        "note: multi-layer-bidirectional seed7 has collapsed: final held-out loss within 2% of ln 8" in said
    )


def test_a_run_is_trained_and_saved_with_the_settings_that_were_chosen(run_config, bases, triplets, tmp_path):
    config = run_config(steps=2)
    settings = {"learning_rate": 0.003, "warmup_steps": 1}
    choice = Choice(settings, 2.0, 5, 9, 8, [Point(settings, 2.0, collapsed=False)])
    write_json(tmp_path / "choice.json", asdict(choice))
    command = train_command(config, bases["mistral"], triplets, tmp_path)
    run = subprocess.run([*command, "--choice", tmp_path / "choice.json"], env=environment())
    assert run.returncode == 0
    saved = json.loads((tmp_path / "model/run_config.json").read_text())
    assert saved["training"] == config.training | settings
    assert saved["tuning"] == asdict(choice)
    log = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert max(line.get("learning_rate", 0) for line in log) == pytest.approx(0.003)
