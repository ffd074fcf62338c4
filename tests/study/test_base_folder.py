"""A missing or corrupt file of a base is refused in one line that names the key and the file."""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.study.base_folder import check_base_folder, check_safetensors
from helpers.paths import WORKFLOW

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    LEAVES,
    lambda inside: (
        st.lists(inside)
        | st.dictionaries(st.sampled_from(["a", "shape", "data_offsets", "__metadata__"]), inside)
    ),
    max_leaves=8,
)


@pytest.fixture
def folder(bases, tmp_path):
    return Path(shutil.copytree(bases["mistral"], tmp_path / "base"))


@pytest.fixture
def shards(bases, tmp_path):
    """Return the folder of a base in several files of weights."""
    model = AutoModelForCausalLM.from_pretrained(bases["mistral"])
    model.save_pretrained(tmp_path / "base", max_shard_size="40KB")
    AutoTokenizer.from_pretrained(bases["mistral"]).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def said_of(folder: Path) -> str | None:
    said = check_base_folder("mine", {"model": str(folder)})
    if said is not None:
        assert said.startswith(f"bases.mine.model {folder}: ") and "\n" not in said
        said = said.removeprefix(f"bases.mine.model {folder}: ")
    return said


def without(*names: str):
    return lambda folder: [(folder / name).unlink() for name in names]


def with_text(name: str, text: str):
    return lambda folder: (folder / name).write_text(text)


def cut(name: str, size: int):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def renamed(name: str, new: str):
    return lambda folder: (folder / name).rename(folder / new)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("config.json"), "config.json: no such file"),
        (with_text("config.json", "{"), "config.json: not JSON"),
        (with_text("config.json", "[]"), "config.json: not a JSON object"),
        (with_text("config.json", "{}"), "config.json: model_type is missing"),
        (
            with_text("config.json", '{"model_type": "t5", "is_encoder_decoder": true}'),
            "t5 has an encoder and a decoder",
        ),
        (without("tokenizer.json"), "tokenizer.json: no such file"),
        (with_text("tokenizer.json", "not JSON"), "tokenizer.json: not JSON"),
        (with_text("tokenizer.json", "{}"), "tokenizer.json: model is missing"),
        (with_text("tokenizer_config.json", "3"), "tokenizer_config.json: not a JSON object"),
        (without(WEIGHTS), "model.safetensors is missing; found no other weights"),
        (
            renamed(WEIGHTS, "pytorch_model.bin"),
            "pytorch_model.bin, which can run arbitrary code when loaded",
        ),
        (renamed(WEIGHTS, "tiny-q4.gguf"), "found only tiny-q4.gguf, which needs the key gguf_file"),
        (
            renamed(WEIGHTS, "weights.safetensors"),
            "weights.safetensors, a name that transformers does not look for",
        ),
        (with_text(WEIGHTS, ""), "model.safetensors: not a safetensors file, or truncated"),
        (with_text(WEIGHTS, "version https://git-lfs.github.com/spec/v1"), "not a safetensors file"),
        (cut(WEIGHTS, 100), "model.safetensors: not a safetensors file, or truncated"),
        (cut(WEIGHTS, 60_000), "model.safetensors: has 60,000 bytes, but its header describes"),
        (with_text("adapter_config.json", "{}"), "contains an adapter (adapter_config.json)"),
    ],
)
def test_a_damaged_file_is_named(damage, said, folder):
    assert said_of(folder) is None
    damage(folder)
    assert said in said_of(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (with_text(INDEX, "{}"), f"{INDEX}: weight_map is missing"),
        (with_text(INDEX, '{"weight_map": []}'), f"{INDEX}: weight_map must name the file of each tensor"),
        (with_text(INDEX, '{"weight_map": {"a": "../b"}}'), f"{INDEX}: ../b, the file of a, is missing"),
        (
            without("model-00002-of-00005.safetensors"),
            f"{INDEX}: model-00002-of-00005.safetensors, the file of",
        ),
        (
            cut("model-00002-of-00005.safetensors", 3000),
            "model-00002-of-00005.safetensors: has 3,000 bytes",
        ),
    ],
)
def test_a_damaged_shard_is_named(damage, said, shards):
    assert len(list(shards.glob("model-*-of-00005.safetensors"))) == 5
    assert said_of(shards) is None
    damage(shards)
    assert said in said_of(shards)


def test_what_is_not_a_folder_of_files_is_named(folder, tmp_path):
    assert said_of(folder / WEIGHTS).startswith("a file; expected a folder")
    (tmp_path / "empty").mkdir()
    assert said_of(tmp_path / "empty") == "config.json: no such file"
    assert check_base_folder("mine", {"model": "owner/on-a-hub"}) is None
    assert check_base_folder("mine", {"pretrain": {}}) is None


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_bytes_are_a_file_of_weights_or_one_line(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "any.safetensors"
    save_file({"a": torch.ones(2, 2), "b": torch.ones(3)}, file)
    content = bytearray(file.read_bytes())
    check_safetensors(file)
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    header = json.dumps(data.draw(JSON)).encode()
    described = len(header).to_bytes(8, "little") + header
    file.write_bytes(data.draw(st.sampled_from([bytes(content), described, data.draw(st.binary())])))
    with contextlib.suppress(BadInput):
        check_safetensors(file)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000))
def test_a_file_that_is_cut_off_anywhere_is_noticed(tmp_path_factory, bases, size):
    content = (bases["mistral"] / WEIGHTS).read_bytes()
    file = tmp_path_factory.getbasetemp() / "cut.safetensors"
    file.write_bytes(content[: size * (len(content) - 1) // 10_000])
    with pytest.raises(
        BadInput, match=r"cut\.safetensors: (not a safetensors file, or truncated|has .* bytes)"
    ):
        check_safetensors(file)


def test_a_file_without_tensors_or_with_empty_ones_is_intact(tmp_path):
    for name, tensors in [("none", {}), ("empty", {"a": torch.ones(0, 3), "b": torch.ones(2)})]:
        save_file(tensors, tmp_path / name)
        assert load_file(tmp_path / name).keys() == tensors.keys()
        check_safetensors(tmp_path / name)


def test_a_base_is_checked_without_torch(folder):
    code = (
        "import sys; from embedding_designs.study.base_folder import check_base_folder;"
        f"assert check_base_folder('mine', {{'model': {json.dumps(str(folder))}}}) is None;"
        "assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(WORKFLOW)}, check=True)
