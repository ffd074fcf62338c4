"""Training: reproducible, resumable, and with the paper's meaning of loss and accumulation."""

import json
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import set_seed

from embedding_designs.common.errors import Stopped
from embedding_designs.training.arguments import training_arguments
from embedding_designs.training.checkpoint_files import COMPLETE, complete_checkpoint, mark_complete
from embedding_designs.training.model import build_model, load_model, save_run, untrained_model
from helpers.training import environment, same_weights, stopped_in, train, train_command, weights_of


def trained_weights(config, bases, triplets, folder) -> dict[str, torch.Tensor]:
    return weights_of(train(config, bases["mistral"], triplets, folder))


def test_the_same_config_gives_the_same_weights_and_another_seed_others(
    run_config, bases, triplets, tmp_path
):
    config = run_config(steps=3)
    first = trained_weights(config, bases, triplets, tmp_path / "first")
    again = trained_weights(config, bases, triplets, tmp_path / "again")
    other = trained_weights(replace(config, seed=8), bases, triplets, tmp_path / "other")
    assert same_weights(first, again)
    assert not torch.equal(first["1.latent_states"], other["1.latent_states"])


@pytest.mark.parametrize("design", ["multi-layer-bidirectional", "causal2vec"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(
    lora, design, run_config, bases, triplets, tmp_path
):
    config = run_config(design, lora=lora, steps=30)
    folder = tmp_path / "killed"
    folder.mkdir()
    command = train_command(config, bases["mistral"], triplets, folder)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen(command, env=environment(), **silent)
    while killed.poll() is None and not list(folder.glob(f"checkpoints/checkpoint-*/{COMPLETE}")):
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "the training ended before it could be killed"
    assert not (folder / "model").exists()

    subprocess.run(command, env=environment(), check=True, capture_output=True)
    log = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    assert 0 < log[-1]["resumed_from_step"] < 30
    assert [line["step"] for line in log if line["event"] == "train"] == list(range(1, 31))
    assert not (folder / "checkpoints").exists()

    model = train(config, bases["mistral"], triplets, tmp_path / "uninterrupted")
    save_run(model, config, tmp_path / "m")
    for part in map(str, (path.relative_to(tmp_path / "m") for path in tmp_path.glob("m/**/*.safetensors"))):
        assert same_weights(load_file(folder / "model" / part), load_file(tmp_path / "m" / part)), part


def events(log: Path) -> list[dict]:
    """Return the log without what depends on time, on memory and on interruptions."""
    timed = {"seconds", "tokens_per_second", "peak_memory_mb", "heldout_seconds", "resumed_from_step"}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in timed} for line in lines]


# 96 rows are 24 batches of 4: an epoch is 8 steps of 3 micro-steps. 16 held-out rows are 4 batches, run after
# the steps 4, 8 and 10.
WHEN = {
    "within a step": (11, 3),
    "at the end of a step": (9, 3),
    "in a held-out loss": (14, 4),
    "between two epochs": (16 + 16 + 2, 8),
    "in the second epoch": (16 + 16 + 5, 9),
    "in the last held-out loss": (16 + 16 + 8, 10),
}


@pytest.fixture(scope="module")
def uninterrupted(run_config, bases, triplets, tmp_path_factory):
    config = run_config(
        lora=True, steps=10, gradient_accumulation_steps=3, log_steps=2, heldout_steps=4, checkpoint_steps=50
    )
    folder = tmp_path_factory.mktemp("uninterrupted")
    return config, trained_weights(config, bases, triplets, folder), events(folder / "log.jsonl")


@pytest.mark.parametrize(("call", "step"), WHEN.values(), ids=WHEN)
def test_a_training_stopped_by_sigterm_resumes_to_the_same_weights_and_log(
    call, step, uninterrupted, bases, triplets, tmp_path
):
    config, weights_at_the_end, log = uninterrupted
    folder = tmp_path / "run"
    with stopped_in(call), pytest.raises(Stopped, match=f"after step {step} of 10"):
        train(config, bases["mistral"], triplets, folder)
    assert complete_checkpoint(folder) == str(folder / f"checkpoint-{step}")

    assert same_weights(trained_weights(config, bases, triplets, folder), weights_at_the_end)
    assert events(folder / "log.jsonl") == log


def test_a_training_stopped_before_its_first_step_begins_again(uninterrupted, bases, triplets, tmp_path):
    config, weights_at_the_end, _ = uninterrupted
    with stopped_in(call=2), pytest.raises(Stopped, match="after step 0 of 10"):
        train(config, bases["mistral"], triplets, tmp_path / "run")
    assert complete_checkpoint(tmp_path / "run") is None
    assert same_weights(trained_weights(config, bases, triplets, tmp_path / "run"), weights_at_the_end)


def test_a_training_killed_after_its_last_step_takes_no_further_one(uninterrupted, bases, triplets, tmp_path):
    config, weights_at_the_end, log = uninterrupted
    train(config, bases["mistral"], triplets, tmp_path / "run")
    assert complete_checkpoint(tmp_path / "run").endswith("checkpoint-10")
    assert same_weights(trained_weights(config, bases, triplets, tmp_path / "run"), weights_at_the_end)
    assert events(tmp_path / "run" / "log.jsonl") == log


def test_sigterm_ends_the_command_in_time_with_a_checkpoint_and_no_model(
    run_config, bases, triplets, tmp_path
):
    config = run_config(lora=True, steps=4000, checkpoint_steps=4000)
    command = train_command(config, bases["mistral"], triplets, tmp_path)
    running = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    log = tmp_path / "checkpoints" / "training.jsonl"
    while running.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 2):
        time.sleep(0.05)
    began = time.perf_counter()
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert time.perf_counter() - began < 30
    last = said.decode().splitlines()[-1]
    assert re.fullmatch(r"stopped: by SIGTERM after step \d+ of 4000; run the same command to resume", last)
    assert list(tmp_path.glob(f"checkpoints/checkpoint-*/{COMPLETE}"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "config.json"]


def test_a_pooling_learning_rate_moves_the_poolings_that_have_weights(run_config, bases, triplets, tmp_path):
    recipe = {"steps": 2, "warmup_steps": 0, "learning_rate": 1e-9, "pooling_learning_rate": 0.5}
    mixed = trained_weights(run_config("layer-mix-causal", **recipe), bases, triplets, tmp_path / "mix")
    assert mixed["1.scores"].abs().min() > 0.1  # AdamW's first steps are as long as the rate
    mean = trained_weights(run_config("mean-layers-causal", **recipe), bases, triplets, tmp_path / "mean")
    assert not [name for name in mean if name.startswith("1.")]


def moved(model, before) -> set[str]:
    """Return the names of the weights that differ from those of another model."""
    other = weights_of(before)
    return {name for name, weights in weights_of(model).items() if not torch.allclose(weights, other[name])}


def test_a_pooling_learning_rate_moves_the_pooling_and_the_projection_and_nothing_else(
    run_config, bases, triplets, tmp_path
):
    recipe = {"steps": 2, "warmup_steps": 0, "learning_rate": 1e-9, "pooling_learning_rate": 0.5}
    for design, beginning in (("layer-mix-causal", "1."), ("causal2vec", "0.context.projection.")):
        config = run_config(design, **recipe)
        model = train(config, bases["mistral"], triplets, tmp_path / design)
        set_seed(config.seed)
        found = moved(model, untrained_model(config, str(bases["mistral"])))
        assert found, design
        assert [name for name in found if not name.startswith(beginning)] == []


def test_a_checkpoint_cut_off_by_a_kill_is_not_resumed_from(tmp_path):
    for step in (2, 4):
        (tmp_path / f"checkpoint-{step}").mkdir()
    mark_complete(tmp_path / "checkpoint-2", {"counts": {}, "losses": 0.0, "logged": 2})
    assert complete_checkpoint(tmp_path) == str(tmp_path / "checkpoint-2")


def test_the_log_has_loss_rate_speed_memory_and_heldout_loss(run_config, bases, triplets, tmp_path):
    train(run_config("eos-causal"), bases["mistral"], triplets, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    first = next(line for line in lines if line["event"] == "train")
    assert {"step", "loss", "learning_rate", "tokens_per_second", "peak_memory_mb", "seconds"} <= first.keys()
    assert [line["step"] for line in lines if line["event"] == "heldout"] == [4, 8]
    rates = [line["learning_rate"] for line in lines if line["event"] == "train"]
    # the rate of each step: linear warm-up from zero over 2 of 8 steps, then linear decay to zero
    expected = [0.01 * share for share in (0, 1 / 2, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)]
    assert rates == pytest.approx(expected)
    assert lines[-1]["event"] == "summary"
    assert lines[-1]["pooling_parameters"] == 0


def test_loss_is_cross_entropy_of_scaled_cosines_over_positives_and_hard_negatives(
    bases, triplets, run_config
):
    model = build_model(bases["qwen2"], run_config().design, max_seq_length=16).eval()
    columns = [["the fox", "a dog"], ["quick brown", "lazy dog"], ["seven wizards", "over a"]]
    query, positive, negative = (model.encode(column, convert_to_tensor=True) for column in columns)
    cosines = query @ torch.cat([positive, negative]).T  # (2 queries, 2 positives + 2 hard negatives)
    by_hand = -torch.log_softmax(20 * cosines, dim=1)[[0, 1], [0, 1]].mean()
    loss = MultipleNegativesRankingLoss(model, scale=20.0)
    torch.testing.assert_close(loss([model.preprocess(column) for column in columns], None).detach(), by_hand)


def test_accumulation_averages_the_losses_of_separate_small_batches(run_config, bases, triplets, tmp_path):
    """One step of 2 micro-steps equals AdamW's first step on the mean of their two losses."""
    config = run_config("mean-causal", steps=1, warmup_steps=0, weight_decay=0.0, max_grad_norm=1e9)
    arguments = training_arguments(config, tmp_path, heldout_share=4)
    assert (arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps) == (4, 2)
    trained = trained_weights(config, bases, triplets, tmp_path / "run")
    set_seed(config.seed)
    model = build_model(bases["mistral"], config.design, max_seq_length=16)
    before = weights_of(model)
    rows = pd.read_parquet(triplets[0])
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(config.seed))
    loss = MultipleNegativesRankingLoss(model, scale=20.0)
    for batch in order[:8].split(4):
        columns = [rows.iloc[batch.tolist()][name].tolist() for name in ("query", "positive", "negative")]
        (loss([model.preprocess(column) for column in columns], None) / 2).backward()
    # AdamW's first step moves every weight by the learning rate against the sign of its gradient
    name = "0.model.layers.0.self_attn.v_proj.weight"
    moved = trained[name] - before[name]
    gradient = model.get_parameter(name).grad
    clear = gradient.abs() > 1e-4
    assert clear.float().mean() > 0.5
    torch.testing.assert_close(moved[clear], -0.01 * gradient[clear].sign(), atol=1e-4, rtol=1e-2)


def test_a_saved_run_encodes_as_it_did_in_training(run_config, bases, triplets, tmp_path):
    config = run_config("last-layer-bidirectional", lora=True, steps=2)
    model = train(config, bases["mistral"], triplets, tmp_path / "work").eval()
    save_run(model, config, tmp_path / "model")
    reloaded = load_model(tmp_path / "model")
    assert (reloaded.encode(["the fox"]) == model.encode(["the fox"])).all()
    assert json.loads((tmp_path / "model" / "run_config.json").read_text()) == config.to_json()
