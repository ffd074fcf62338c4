"""Tuning gives every design the same grid, and a study without it has the configs that it always had."""

import json
from dataclasses import asdict

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.study.run_config import RunConfig
from embedding_designs.study.run_configs import config, config_names, point_config, run_config
from embedding_designs.study.study import load_study
from embedding_designs.study.tuning import Choice, Point, read_choice, tuning_points, tuning_recipe
from helpers.paths import STUDIES

GRID = {"learning_rate": [0.001, 1e-05], "pooling_learning_rate": [0.005, 0.01]}
TUNING = {"grid": GRID, "steps": 5, "seed": 9}
EOS, MULTI = {"pooling": {"kind": "eos"}}, {"pooling": {"kind": "multi_layer"}}
CHOICE = Choice({"learning_rate": 0.5, "warmup_steps": 3}, 2.5, steps=5, seed=9, documents=32, points=[
    Point({"learning_rate": 0.5, "warmup_steps": 3}, 2.5, collapsed=False),
    Point({"learning_rate": 9.0, "warmup_steps": 3}, None, collapsed=False),
])  # fmt: skip


def smoke(**keys) -> dict:
    return load_study(STUDIES / "smoke.yaml", keys)


def test_each_combination_of_the_grid_is_a_point():
    assert list(tuning_points(TUNING, MULTI).values()) == [
        {"learning_rate": 0.001, "pooling_learning_rate": 0.005},
        {"learning_rate": 0.001, "pooling_learning_rate": 0.01},
        {"learning_rate": 1e-05, "pooling_learning_rate": 0.005},
        {"learning_rate": 1e-05, "pooling_learning_rate": 0.01},
    ]


def test_a_pooling_without_weights_has_no_rate_of_its_own_to_tune():
    assert tuning_points(TUNING, EOS) == {
        "learning_rate-0.001": {"learning_rate": 0.001},
        "learning_rate-1e-05": {"learning_rate": 1e-05},
    }


def test_the_warmup_is_shortened_in_proportion_and_leaves_a_step():
    training = {"steps": 1000, "warmup_steps": 100, "learning_rate": 1e-5, "batch_size": 8}
    recipe = tuning_recipe(training, {"steps": 50}, {"learning_rate": 0.1})
    assert recipe == {"steps": 50, "warmup_steps": 5, "learning_rate": 0.1, "batch_size": 8}
    assert tuning_recipe(training, {"steps": 1}, {})["warmup_steps"] == 0
    assert tuning_recipe(training, {"steps": 500}, {"warmup_steps": 10})["warmup_steps"] == 5


def test_a_tuning_run_differs_from_a_run_only_in_its_recipe_and_seed():
    study = smoke(tuning=TUNING)
    point = point_config(study, "tiny", "eos-causal", "learning_rate-1e-05")
    run = run_config(study, "tiny", "eos-causal", 1)
    assert (point.base, point.design, point.seed) == (run.base, run.design, 9)
    changed = {key for key in run.training if point.training[key] != run.training[key]}
    assert changed == {"learning_rate", "steps", "warmup_steps"}


def test_a_tuning_run_draws_its_batches_as_a_run_does():
    study = smoke(tuning=TUNING, data={"batches": "homogeneous"})
    point = point_config(study, "tiny", "eos-causal", "learning_rate-1e-05")
    assert point.training["batches"] == "homogeneous"


def test_each_tuning_run_and_each_choice_has_a_config():
    names = set(config_names(smoke(tuning=TUNING))) - set(config_names(smoke()))
    multi = "points/tiny/multi-layer-bidirectional/learning_rate"
    assert names == {
        "tuning/tiny/eos-causal",
        "tuning/tiny/multi-layer-bidirectional",
        "points/tiny/eos-causal/learning_rate-0.001",
        "points/tiny/eos-causal/learning_rate-1e-05",
        *(f"{multi}-{rate}_pooling_learning_rate-{own}" for rate in (0.001, 1e-05) for own in (0.005, 0.01)),
    }


def test_a_study_without_tuning_has_the_configs_that_it_had():
    study = smoke()
    assert "tuning" not in study
    assert config_names(study) == [
        "study", "data", "tasks/all", "docstring_tasks", "bases/tiny",
        "runs/tiny/eos-causal/seed1", "runs/tiny/eos-causal/seed2",
        "runs/tiny/multi-layer-bidirectional/seed1", "runs/tiny/multi-layer-bidirectional/seed2",
    ]  # fmt: skip
    assert list(config(study, "runs/tiny/eos-causal/seed1")) == ["base", "design", "seed", "training"]


def test_tuning_changes_no_config_of_a_run():
    name = "runs/tiny/eos-causal/seed1"
    assert config(smoke(tuning=TUNING), name) == config(smoke(), name)


def test_the_choice_becomes_part_of_the_run_config():
    run = run_config(smoke(), "tiny", "eos-causal", 1)
    chosen = run.with_choice(CHOICE)
    assert chosen.training == run.training | {"learning_rate": 0.5, "warmup_steps": 3}
    content = json.loads(json.dumps(chosen.to_json()))
    assert content["tuning"]["points"][1] == {
        "settings": {"learning_rate": 9.0, "warmup_steps": 3}, "heldout_loss": None, "collapsed": False
    }  # fmt: skip
    assert RunConfig.from_json(content) == chosen
    assert type(content["training"]["warmup_steps"]) is int


def test_a_choice_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "choice.json"
    file.write_text(json.dumps(asdict(CHOICE)))
    assert read_choice(file) == CHOICE
    file.write_text(json.dumps(asdict(CHOICE) | {"points": [{"settings": {}}]}))
    with pytest.raises(BadInput, match=r"choice.json: points.0: heldout_loss is missing"):
        read_choice(file)


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"steps": 5}, "tuning.grid is missing"),
        ({"grid": GRID}, "tuning.steps is missing"),
        ({"grid": {"weight_decay": [0.1]}, "steps": 5}, "tuning.grid.learning_rate is missing"),
        ({"grid": {"learning_rate": []}, "steps": 5}, "tuning.grid.learning_rate [] must not be empty"),
        (
            {"grid": {"learning_rate": [0]}, "steps": 5},
            "tuning.grid.learning_rate.0 0 must be greater than 0",
        ),
        ({"grid": {"learning_rate": [1, 1]}, "steps": 5}, "tuning.grid.learning_rate has 1 twice"),
        ({"grid": GRID | {"scale": [1]}, "steps": 5}, "tuning.grid.scale is not known; choose from learning"),
        (TUNING | {"seed": 2}, "tuning.seed 2 is also in seeds; choose a seed that no run uses"),
    ],
)
def test_wrong_tuning_is_one_line(tuning, message):
    with pytest.raises(BadInput) as error:
        smoke(tuning=tuning)
    assert message in str(error.value)


def test_tuning_needs_a_held_out_loss():
    with pytest.raises(BadInput, match=r"tuning needs data\.heldout_rows 2 or more, not 1"):
        smoke(tuning=TUNING, data={"heldout_rows": 1})
