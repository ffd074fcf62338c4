"""The analysis of layers: its config, and one line for each task or layer that does not exist."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.study.layers import analyzed_layers
from embedding_designs.study.run_configs import config, config_names
from embedding_designs.study.study import load_study
from helpers.small_study import small_study

TASKS = {"STS": ["STS12", "STS13"], "Retrieval": ["NFCorpus"]}


def load(folder: Path, layers: dict | None, overrides: dict | None = None, **changes) -> dict:
    study = {**small_study(), **changes, **({} if layers is None else {"layers": layers})}
    (folder / "mine.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def refused(folder: Path, layers: dict, **changes) -> str:
    with pytest.raises(BadInput) as error:
        load(folder, layers, **changes)
    return str(error.value).rpartition(".yaml: ")[2]


def test_a_study_without_the_key_analyzes_no_layers_and_its_configs_are_unchanged(tmp_path):
    without, with_key = load(tmp_path, None), load(tmp_path, {})
    assert "layers" not in without
    others = set(config_names(without)) - {"study"}
    assert set(config_names(with_key)) == {*others, "study", "layers"}
    assert all(config(without, name) == config(with_key, name) for name in others)


@pytest.mark.parametrize(
    ("chosen", "tasks"),
    [
        (1, {"STS": ["STS12"], "Retrieval": ["NFCorpus"]}),
        (2, TASKS),  # Retrieval has only one
        (["NFCorpus", "STS13"], {"STS": ["STS13"], "Retrieval": ["NFCorpus"]}),
        (["STS13"], {"STS": ["STS13"]}),
    ],
)
def test_tasks_are_chosen_by_number_per_category_or_by_name(tmp_path, chosen, tasks):
    prompts = {"STS12": "a", "STS13": "b", "Retrieval": "c"}
    study = load(tmp_path, {"tasks": chosen}, evaluation={"tasks": TASKS, "prompts": prompts})
    found = config(study, "layers")
    names = {*tasks, *(name for group in tasks.values() for name in group)}
    assert found["tasks"] == tasks
    assert found["prompts"] == {name: prompt for name, prompt in prompts.items() if name in names}
    assert (found["numbers"], found["tokens"], found["texts"]) == ("all", "mean", 512)
    assert found["max_seq_length"] == study["evaluation"]["max_seq_length"]


def test_the_last_layer_is_always_analyzed():
    assert analyzed_layers([2, 1], 4) == [1, 2, 4]
    assert analyzed_layers("first_third", 6) == [1, 2, 6]
    assert analyzed_layers("all", 3) == [1, 2, 3]


@pytest.mark.parametrize(
    ("layers", "line"),
    [
        (
            {"tasks": ["STS12", "NFCorpora"]},
            "layers.tasks NFCorpora is not a task of this study; did you mean NFCorpus? allowed: "
            "NFCorpus, STS12, STS13",
        ),
        ({"tasks": 0}, "layers.tasks 0 must be at least 1"),
        ({"tasks": []}, "layers.tasks [] must not be empty"),
        ({"tasks": ["STS12", "STS12"]}, 'layers.tasks has "STS12" twice'),
        ({"tasks": "STS12"}, 'layers.tasks "STS12" must be an integer or a list'),
        (
            {"numbers": "midle_third"},
            'layers.numbers "midle_third" is not known; did you mean middle_third? allowed: all, '
            "first_third, middle_third, last_third or a list of layer numbers",
        ),
        ({"numbers": [0]}, "layers.numbers.0 0 must be at least 1"),
        ({"tokens": "all"}, 'layers.tokens "all" is not known; choose from mean, last'),
        ({"texts": 1}, "layers.texts 1 must be at least 8"),
        ({"layer": 1}, "layers.layer is not known; choose from tasks, numbers, tokens, texts"),
    ],
)  # fmt: skip
def test_a_task_or_a_value_that_does_not_exist_is_named_in_one_line(tmp_path, layers, line):
    assert refused(tmp_path, layers) == line


def test_a_layer_that_a_base_lacks_is_named_before_anything_runs(tmp_path):
    pretrained = {"pretrain": {"layers": 2}}
    docstrings = {"source": "docstrings", "train_packages": ["json"]}
    line = "layers.numbers [1, 5] holds 5; choose from 1 to 2 (base tiny)"
    assert refused(tmp_path, {"numbers": [1, 5]}, bases={"tiny": pretrained}, data=docstrings) == line
    folder = tmp_path / "model"
    folder.mkdir()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "vocab_size": 300}
    write_json(folder / "config.json", {"model_type": "mistral", "num_hidden_layers": 2, **sizes})
    assert refused(tmp_path, {"numbers": [1, 5]}, bases={"tiny": {"model": str(folder)}}) == line
    hub = {"tiny": {"model": "Qwen/Qwen2-0.5B"}}  # its config.json: 24 layers
    line = "layers.numbers [1, 25] holds 25; choose from 1 to 24 (base tiny)"
    assert refused(tmp_path, {"numbers": [1, 25]}, bases=hub) == line
    unknown = {"tiny": {"model": "someone/something"}}  # is checked when it is loaded
    assert load(tmp_path, {"numbers": [1, 25]}, bases=unknown)["layers"]["numbers"] == [1, 25]


def test_a_design_cannot_have_the_name_of_an_untrained_base(tmp_path):
    designs = deepcopy(small_study()["designs"])
    designs["untrained-causal"] = designs.pop("eos-causal")
    assert refused(tmp_path, {}, designs=designs).startswith("designs.untrained-causal: with layers, this is")
    assert "untrained-causal" in load(tmp_path, None, designs=designs)["designs"]


def test_a_study_that_starts_from_scores_has_no_layers(tmp_path):
    (tmp_path / "mine.yaml").write_text("{scores: {from: published}, layers: {}}", encoding="utf-8")
    with pytest.raises(BadInput, match="layers is not allowed in a study with scores"):
        load_study(tmp_path / "mine.yaml")


@pytest.mark.parametrize(("kept", "chosen"), [(["STS13"], ["STS13"]), (["STS14", "STS15"], 1)])
def test_tasks_that_an_override_leaves_out_are_left_out_here_too(tmp_path, kept, chosen):
    """If no chosen task is left, the default holds."""
    fewer = {"evaluation": {"tasks": {"STS": [*kept, "STS16"], "Retrieval": []}}}
    study = load(tmp_path, {"tasks": ["STS13", "NFCorpus"]}, fewer)
    assert study["layers"]["tasks"] == chosen
    with pytest.raises(BadInput, match=r"layers\.tasks NFCorpus is not a task of this study"):
        load(tmp_path, {"tasks": ["STS13"]}, {**fewer, "layers": {"tasks": ["NFCorpus"]}})
