"""Training stops with one line where a number is not finite, or rows or memory are insufficient."""

import json
import re
import subprocess

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from embedding_designs.common.errors import BadInput
from embedding_designs.modules.backbone import probe_attention
from embedding_designs.training.memory import memory_for
from embedding_designs.training.trainer import not_finite
from helpers.toy import sentence
from helpers.training import environment, train, train_command

AT_ONCE = {"learning_rate": float("inf"), "warmup_steps": 0}  # which makes the first step's weights infinite


def checkpoint_weights(folder) -> list[torch.Tensor]:
    files = folder.glob("checkpoint-*/**/*.safetensors")
    return [weight for file in files for weight in load_file(file).values()]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"learning_rate": 1e30},
            "the embedding of a text is not finite at step 2 of 8, learning rate 5e+29",
        ),
        (
            {"learning_rate": 1e30, "checkpoint_steps": 8},
            "the loss is not finite at step 3 of 8, learning rate 1e+30",
        ),
        (
            {**AT_ONCE, "checkpoint_steps": 1},
            "the weight 0.model.embed_tokens.weight is not finite at step 1 of 8",
        ),
        (
            {**AT_ONCE, "heldout_steps": 1},
            "the held-out loss is not finite at step 1 of 8, learning rate inf",
        ),
        ({**AT_ONCE, "heldout_steps": 8}, "the loss is not finite at step 2 of 8, learning rate inf"),
        ({"scale": 1e38}, "is not finite at step 1 of 8, learning rate 0; lower training.learning_rate"),
    ],
)
def test_a_number_that_is_not_finite_stops_the_training_at_its_step(
    recipe, message, run_config, bases, triplets, tmp_path
):
    for _ in range(2):  # and so does the training that resumes from the last checkpoint
        with pytest.raises(BadInput, match=re.escape(message)):
            train(run_config(**recipe), bases["mistral"], triplets, tmp_path / "run")
        assert all(weight.isfinite().all() for weight in checkpoint_weights(tmp_path / "run"))


def test_a_base_with_weights_that_are_not_finite_is_not_trained(
    run_config, bases, triplets, tmp_path, tokenizer
):
    model = AutoModelForCausalLM.from_pretrained(bases["mistral"])
    model.model.layers[1].mlp.up_proj.weight.data[3, 4] = float("nan")
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    with pytest.raises((BadInput, ValueError), match="not finite"):
        train(run_config("mean-causal", lora=True), tmp_path / "base", triplets, tmp_path / "run")


def test_a_probe_of_weights_that_are_not_finite_does_not_blame_the_attention_mode(bases):
    model = AutoModelForCausalLM.from_pretrained(bases["mistral"]).model
    model.norm.weight.data[0] = float("nan")
    for attention in ("causal", "bidirectional"):
        with pytest.raises(ValueError, match="MistralModel returns numbers that are not finite"):
            probe_attention(model, attention)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_the_first_parameter_that_is_not_finite_is_named_whatever_its_precision(number):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2).bfloat16())
    assert not_finite(model) is None
    model[1].weight.data[1, 2] = float(number)
    assert not_finite(model) == "1.weight"


def test_a_diverged_training_leaves_no_model_and_a_failing_exit_code(run_config, bases, triplets, tmp_path):
    command = train_command(run_config(learning_rate=1e30), bases["mistral"], triplets, tmp_path)
    failed = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert failed.returncode == 2
    errors = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "multi-layer-bidirectional seed7: the" in errors[0]
    assert "Traceback" not in failed.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "config.json"]


def table(folder, name, count, positive="positive {}"):
    columns = {
        "query": [f"query {sentence(row)} {row}" for row in range(count)],
        "positive": [positive.format(row % 3) for row in range(count)],
    }
    pd.DataFrame(columns, dtype=str).to_parquet(folder / name)
    return folder / name


def test_fewer_rows_than_a_batch_are_refused_before_the_base_is_read(run_config, triplets, tmp_path):
    train_rows = table(tmp_path, "train.parquet", 3)
    message = (
        r"training\.batch_size 4 is more than the 3 rows to train on; .*data\.train_rows.*train\.parquet"
    )
    with pytest.raises(BadInput, match=message):
        train(run_config(), "no base", (train_rows, triplets[1]), tmp_path)


def test_rows_that_share_their_passages_are_refused_where_they_fill_no_batch(
    run_config, bases, triplets, tmp_path
):
    rows = table(tmp_path, "train.parquet", 30)  # three passages for all queries
    message = r'batch_size 4 is more than the 3 of 30 rows .*training\.shared_texts to "keep"'
    with pytest.raises(BadInput, match=message):
        train(run_config(), "no base", (rows, triplets[1]), tmp_path)
    train(
        run_config("mean-causal", shared_texts="keep", steps=1),
        bases["mistral"],
        (rows, triplets[1]),
        tmp_path,
    )
    config = run_config("mean-causal", batch_size=3, steps=12)
    model = train(config, bases["mistral"], (rows, triplets[1]), tmp_path / "three")
    assert model is not None


def test_a_batch_that_fills_an_epoch_in_part_is_noted(run_config, bases, triplets, tmp_path, capfd):
    rows = pd.DataFrame(
        {"query": [f"query {row}" for row in range(12)], "positive": ["same"] * 8 + list("abcd")}
    )
    rows.to_parquet(tmp_path / "train.parquet")
    config = run_config("mean-causal", batch_size=2, steps=7, gradient_accumulation_steps=1)
    train(config, bases["mistral"], (tmp_path / "train.parquet", triplets[1]), tmp_path)
    assert "fill 4 of the 6 batches of an epoch" in capfd.readouterr().err


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_heldout_rows_give_no_heldout_loss_and_a_note(
    count, run_config, bases, triplets, tmp_path, capfd
):
    heldout = table(tmp_path, "heldout.parquet", count)
    train(run_config("mean-causal"), bases["mistral"], (triplets[0], heldout), tmp_path)
    assert (
        f"heldout.parquet: no held-out loss, because it needs at least 2 rows, not {count}"
        in capfd.readouterr().err
    )
    events = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert events == ["train"] * 8 + ["summary"]


def test_fewer_heldout_rows_than_a_batch_are_one_batch(run_config, bases, triplets, tmp_path):
    heldout = table(tmp_path, "heldout.parquet", 3, positive="passage {}")
    train(run_config("mean-causal"), bases["mistral"], (triplets[0], heldout), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line.get("heldout_loss", 0) > 0] == [4, 8]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not readable as Parquet"),
        (b"no Parquet", "not readable as Parquet"),
        ("text", 'no column "query"; found text'),
    ],
)
def test_a_file_that_holds_no_triplets_is_named(content, message, run_config, triplets, tmp_path):
    path = tmp_path / "train.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        pd.DataFrame({content: ["a"]}).to_parquet(path)
    with pytest.raises(BadInput, match=f"train.parquet: .*{message}"):
        train(run_config(), "no base", (path, triplets[1]), tmp_path)


def test_out_of_memory_names_what_to_lower(run_config):
    with pytest.raises(
        BadInput, match=r"batch_size 4, max_seq_length 16\): set or lower training\.mini_batch_size"
    ):
        with memory_for(run_config().training):
            torch.empty(2**60)
    with pytest.raises(RuntimeError, match="shapes"), memory_for(run_config().training):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
