"""A run config is read as it was written, and a file that is not one is refused in one line."""

import json

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.study.run_config import RunConfig

CONTENT = {
    "base": {"name": "mini", "precision": "fp32", "lora": {"rank": 4, "save": "merged"}},
    "design": {"name": "eos-causal", "attention": "causal", "pooling": {"kind": "eos", "tokens": "last"}},
    "seed": 3,
    "training": {"steps": 10},
}


def test_a_run_config_has_the_content_of_its_file(tmp_path):
    (tmp_path / "run_config.json").write_text(json.dumps(CONTENT))
    config = RunConfig.read(tmp_path / "run_config.json")
    assert json.dumps(config.to_json()) == json.dumps(CONTENT)  # the order of the keys too
    assert config.run == "eos-causal seed3"
    assert config.lora == {"rank": 4, "save": "merged"}
    assert config.with_base({"revision": "abc"}).base == CONTENT["base"] | {"revision": "abc"}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"seed": "three"}, "seed is not an integer"), ({"design": None}, "design is not an")],
)
def test_a_value_of_another_type_is_named(change, message, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONTENT | change))
    with pytest.raises(BadInput, match=f"config.json: {message}"):
        RunConfig.read(tmp_path / "config.json")


def test_a_missing_key_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"base": {}, "design": {}, "seed": 1}))
    with pytest.raises(BadInput, match=r"config.json: training is missing"):
        RunConfig.read(tmp_path / "config.json")
