"""A damaged checkpoint is set aside with a note, and training resumes from an earlier state."""

import json
import shutil

import pandas as pd
import pytest
import torch

from embedding_designs.common.errors import Stopped
from embedding_designs.training.checkpoint_files import COMPLETE, complete_checkpoint, damage
from embedding_designs.training.log import read_events
from helpers.training import same_weights, stop_at_once, stopped_in, train, weights_of

STEPS = 6


def trained_weights(config, bases, rows, folder) -> dict[str, torch.Tensor]:
    return weights_of(train(config, bases["mistral"], rows, folder))


@pytest.fixture(scope="module")
def trained(run_config, bases, triplets, tmp_path_factory):
    """Return a config of 6 steps, the folder with the checkpoints 4 and 6, and the trained weights."""
    config = run_config(lora=True, steps=STEPS, checkpoint_steps=2)
    folder = tmp_path_factory.mktemp("trained") / "run"
    return config, folder, trained_weights(config, bases, triplets, folder)


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained[1], tmp_path / "run")
    return tmp_path / "run"


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def zero(file):
    file.write_bytes(bytes(file.stat().st_size))


def change_one_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def remove(file):
    file.unlink()


FILES = ["model", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
HARM = [(name, harm) for name in FILES for harm in (truncate, zero, change_one_bit, remove)]
HARM += [(COMPLETE, truncate), (COMPLETE, zero)]


@pytest.mark.parametrize(("name", "harm"), HARM)
def test_a_damaged_checkpoint_is_set_aside_and_named(name, harm, run, capfd):
    newest = run / "checkpoint-6"
    file = max(newest.rglob("*.safetensors")) if name == "model" else newest / name
    harm(file)
    assert damage(newest)
    assert complete_checkpoint(run) == str(run / "checkpoint-4")
    assert (run / "damaged-checkpoint-6").is_dir()
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"note: {newest} is damaged (")
    assert "set aside as damaged-checkpoint-6" in said[0]
    if name != COMPLETE:
        assert file.name in said[0]


@pytest.mark.parametrize(("damaged", "resumed_from"), [((6,), 4), ((6, 4), 0)])
def test_a_training_resumes_from_the_newest_undamaged_checkpoint_to_the_same_weights(
    damaged, resumed_from, trained, run, bases, triplets
):
    config, _, weights = trained
    for step in damaged:
        truncate(run / f"checkpoint-{step}" / "optimizer.pt")
    with (run / "log.jsonl").open("ab") as log:  # as after a kill and a power failure
        log.write(b'{"event": "train", "st' + bytes(20) + b"\n[1]\n\xff\n")
    again = trained_weights(config, bases, triplets, run)
    assert same_weights(again, weights)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["resumed_from_step"] == resumed_from
    assert sorted(path.name for path in run.glob("checkpoint-*"))[-1] == "checkpoint-6"


def test_a_checkpoint_that_is_damaged_twice_is_set_aside_twice(run):
    for _ in range(2):
        truncate(run / "checkpoint-6" / "optimizer.pt")
        assert complete_checkpoint(run) == str(run / "checkpoint-4")
        shutil.copytree(run / "damaged-checkpoint-6", run / "checkpoint-6")


def test_a_log_that_is_lost_or_damaged_does_not_stop_a_training(tmp_path):
    log = tmp_path / "log.jsonl"
    assert read_events(log, 3) == []
    kept = {"event": "train", "step": 3}
    lines = ["null", "7", '"step"', "[]", "{}", '{"step": "x", "event": "train"}', '{"step": 1}']
    lines.append(json.dumps(kept))
    log.write_bytes("\n".join(lines).encode() + b"\n\xff\0\n" + b'{"event": "train", "step": 4}\n{"event"')
    assert read_events(log, 3) == [kept]
    assert read_events(log, 0) == []


@pytest.mark.parametrize("call", [2, 8, 9, 14, 18, 23])  # within and at the end of an epoch and of a step
def test_a_training_on_rows_that_share_texts_resumes_to_the_same_weights(call, run_config, bases, tmp_path):
    """An epoch is 6 batches of 4, a step 2 micro-steps; half of the rows share two passages."""
    columns = {
        "query": [f"{number} wizards" for number in range(24)],
        "positive": [f"fox {number % 2 if number < 12 else number}" for number in range(24)],
    }
    for name in ("train", "heldout"):
        pd.DataFrame(columns).to_parquet(tmp_path / f"{name}.parquet")
    rows = tmp_path / "train.parquet", tmp_path / "heldout.parquet"
    config = run_config("mean-causal", lora=True, steps=12, heldout_steps=100, checkpoint_steps=100)
    weights = trained_weights(config, bases, rows, tmp_path / "never stopped")
    with stopped_in(call, stop_at_once), pytest.raises(Stopped):
        train(config, bases["mistral"], rows, tmp_path / "stopped")
    again = trained_weights(config, bases, rows, tmp_path / "stopped")
    assert same_weights(again, weights)
