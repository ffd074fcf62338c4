"""A study is checked before anything runs: one line that names file, key, value and what is allowed."""

from pathlib import Path

import pytest
import yaml

from embedding_designs.common.errors import BadInput
from embedding_designs.study.run_configs import config, task_batches
from embedding_designs.study.schema import RENAMED, study_schema
from embedding_designs.study.study import load_study, missing_files
from helpers.paths import STUDIES
from helpers.small_study import small_study

PRETRAINED = {"pretrain": {"layers": 2}}
DOCSTRINGS = {"data": {"source": "docstrings", "train_packages": ["json"]}}


@pytest.fixture
def check(tmp_path):
    """Return a function that loads the small study with some keys replaced: {"a.b": value}."""

    def load(changes: dict | None = None):
        study = small_study()
        for path, value in (changes or {}).items():
            *parents, last = path.split("/")
            target = study
            for key in parents:
                target = target.setdefault(key, {})
            target[last] = value
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump(study))
        return load_study(file)

    return load


def test_defaults_are_the_papers(check):
    study = check()
    assert study["name"] == "mine"
    assert study["training"]["scale"] == 20
    assert study["training"]["batch_size"] * study["training"]["gradient_accumulation_steps"] == 2048
    assert study["training"]["warmup_steps"] == 100
    assert study["designs"]["multi"]["pooling"] == {
        "kind": "multi_layer", "tokens": "mean", "latents": 768, "heads": 32, "head_dim": 2048,
        "layers": "all", "layer_weights": True,
    }  # fmt: skip
    assert study["statistics"] == {
        "alpha": 0.05, "correction": "holm", "missing": "refuse", "rope": 0.01, "control": "eos-causal",
    }  # fmt: skip


def test_renamed_keys_are_none_of_the_schema_and_their_new_names_are():
    def at(path):
        schema = study_schema()
        for key in path.split("."):
            schema = schema["properties"].get(key)
            if schema and "$ref" in schema:
                schema = study_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    for old, new in RENAMED.items():
        assert at(old) is None
        assert at(new) is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainin": {}}, "trainin is not known; did you mean training? allowed: description, scores, "),
        ({"training/step": 5}, "training.step is not known; did you mean steps?"),
        ({"training/steps": 0}, "training.steps 0 must be at least 1"),
        ({"training/steps": "many"}, 'training.steps "many" must be an integer'),
        ({"training/learning_rate": 0}, "training.learning_rate 0 must be greater than 0"),
        (
            {"designs/multi/pooling/kind": "multilayer"},
            'designs.multi.pooling.kind "multilayer" is not known; '
            "did you mean multi_layer? allowed: eos, mean, weighted_mean, max, last_k, learned_query, "
            "last_layer, latent_attention, mean_layers, layer_mix, multi_layer, concat, contextual",
        ),
        ({"designs/multi/attention": "both"}, "choose from causal, bidirectional"),
        (
            {"designs": {"eos-causal": {"attention": "causal", "pooling": {"kind": "eos"}}}},
            "designs has only eos-causal; a comparison needs two or more",
        ),
        ({"evaluation/tasks": {"STS": ["STS12"]}}, "evaluation has only the task STS12; a comparison"),
        ({"designs/multi/pooling/tokens": "all"}, '"all" does not fit the keys beside it; choose from mean,'),
        ({"designs/eos-causal/pooling/heads": 4}, "heads 4 does not fit eos; allowed: kind, tokens"),
        ({"designs/multi/pooling/layers": "middle"}, '"middle" is not known; did you mean middle_third?'),
        ({"designs/multi/pooling/layers": []}, "layers [] must not be empty"),
        ({"designs/multi/pooling/layers": [2, 2]}, "layers has 2 twice"),
        ({"designs/multi/pooling/layers": [0, 2]}, "layers.0 0 must be at least 1"),
        (
            {"bases/own": PRETRAINED, "designs/multi/pooling/layers": [1, 5], **DOCSTRINGS},
            "designs.multi.pooling.layers [1, 5] holds 5; choose from 1 to 2 (base own)",
        ),
        (
            {"bases/own": PRETRAINED, "designs/multi/pooling/layers": "last_third", **DOCSTRINGS},
            "designs.multi.pooling.layers last_third needs 3 layers or more, and there are 2 (base own)",
        ),
        ({"designs/multi/lora": {"rank": 4}}, "designs.multi.lora needs designs.multi.finetuning lora"),
        ({"designs/multi/lora": {"ranks": 4}}, "designs.multi.lora.ranks is not known; did you mean rank?"),
        ({"designs/multi/finetuning": "no"}, 'multi.finetuning "no" is not known; choose from full, lora'),
        ({"designs/a b": {"attention": "causal", "pooling": {"kind": "eos"}}}, '"a b" may contain only '),
        ({"data/path": None}, "data.path null must be text"),
        ({"data/source": "hub"}, 'data.dataset is missing: data.source "hub" needs it'),
        ({"seeds": [1, 1]}, "seeds has 1 twice"),
        ({"bases/tiny/pretrain": {}}, "bases.tiny must have exactly one of model, pretrain, and package"),
        ({"bases/tiny/trust_remote_code": True}, "trust_remote_code true needs a pinned revision"),
        (
            {"bases/tiny/trust_remote_code": True, "bases/tiny/revision": "main"},
            'a commit of 40 hexadecimal digits, not "main"',
        ),
        ({"evaluation/prompts": {"STS1": "x"}}, "prompts.STS1 is not a task or category of this study"),
        ({"evaluation/tasks/STS": ["STS12", "STS12"]}, 'evaluation.tasks.STS has "STS12" twice'),
        ({"evaluation/tasks": {}}, "evaluation needs docstring_tasks, tasks, or benchmark"),
        ({"statistics/missing": "impute"}, '"impute" is not known; choose from refuse, drop_tasks'),
        ({"statistics/rope": -0.1}, "statistics.rope -0.1 must be at least 0"),
        ({"scores": {"from": "published"}}, "bases is not allowed in a study with scores; allowed: d"),
        ({"references": ["bm25"]}, "references is not known; it is now called baselines"),
        ({"statistics/baseline": "multi"}, "statistics.baseline is not known; it is now called statistics.c"),
        ({"training/max_tokens": 64}, "training.max_tokens is not known; it is now called training.max_seq"),
        ({"evaluation/max_tokens": 64}, "max_tokens is not known; it is now called evaluation.max_seq_len"),
        ({"training/accumulation": 4}, "it is now called training.gradient_accumulation_steps"),
        ({"training/cached_chunk": 4}, "it is now called training.mini_batch_size"),
        ({"data/columns": {"query": "positive"}}, 'columns: query and positive both name the column "positi'),
        ({"statistics/control": "eos"}, '"eos" is not a design of this study; choose from eos-caus'),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_named_in_one_line(check, changes, message):
    with pytest.raises(BadInput) as error:
        check(changes)
    assert message in str(error.value)
    assert "mine.yaml: " in str(error.value)
    assert "\n" not in str(error.value)


def test_overrides_given_as_text_are_numbers_and_booleans_again(check, tmp_path):
    check()
    overrides = {
        "training": {"steps": "7", "warmup_steps": "2", "learning_rate": "1e-5"},
        "data": {"drop_empty": "true"},
    }
    study = load_study(tmp_path / "mine.yaml", overrides)
    assert (study["training"]["steps"], study["training"]["learning_rate"]) == (7, 1e-5)
    assert study["data"]["drop_empty"] is True


def test_a_rate_may_be_written_as_people_write_it(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(small_study()) + "training: {learning_rate: 2e-5}\n")
    assert load_study(file)["training"]["learning_rate"] == 2e-5


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"absent\.yaml: no such study; studies in that folder: none"):
        load_study(tmp_path / "absent.yaml")
    (tmp_path / "broken.yaml").write_text("bases: [")
    with pytest.raises(BadInput, match=r"broken\.yaml:1: not YAML: expected the node content"):
        load_study(tmp_path / "broken.yaml")


def test_a_package_is_trained_on_or_evaluated_on_but_not_both(check):
    changes = {
        "data": {"source": "docstrings", "train_packages": ["json", "scipy"]},
        "evaluation/docstring_tasks": {"packages": ["scipy"]},
    }
    with pytest.raises(BadInput, match="train_packages scipy is also in"):
        check(changes)


def test_the_prompts_of_tasks_that_an_override_leaves_out_are_left_out_too(tmp_path):
    study = small_study()
    study["evaluation"]["prompts"] = {"STS12": "similar: ", "NFCorpus": "find: ", "STS": "alike: "}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    fewer = {"tasks": {"STS": ["STS13", "STS14"], "Retrieval": []}}
    kept = load_study(tmp_path / "mine.yaml", {"evaluation": fewer})["evaluation"]
    assert (kept["prompts"], kept["tasks"]) == ({"STS": "alike: "}, fewer["tasks"])
    with pytest.raises(BadInput, match=r"prompts\.STS12 is not a task or category of this study"):
        load_study(tmp_path / "mine.yaml", {"evaluation": {**fewer, "prompts": {"STS12": "x"}}})


def load_text(folder: Path, text: str) -> dict:
    (folder / "mine.yaml").write_text(text)
    return load_study(folder / "mine.yaml")


def test_a_study_that_begins_at_scores_has_nothing_to_train(tmp_path):
    study = load_text(tmp_path, "scores: {from: published, benchmark: 'MTEB(eng, v2)'}")
    assert (study["bases"], study["designs"], study["seeds"], study["baselines"]) == ({}, {}, [], [])
    assert study["scores"]["path"] == "resources/published/mteb-english-scores.csv.gz"
    assert "training" not in study
    assert "control" not in study["statistics"]  # any model may be one; the comparison knows them
    assert task_batches(study) == {}
    assert config(study, "scores") == study["scores"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("description: nothing", "bases is missing"),
        ("bases: {mine: {model: some/model}}", "data is missing"),
        ("scores: {}", "scores.from is missing"),
        ("scores: {from: leaderboard}", 'scores.from "leaderboard" is not known; choose from publish'),
        ("scores: {from: mteb_results}", 'scores.path is missing: scores.from "mteb_results" needs it'),
        ("scores: {from: published, pool: {}}", "scores.pool is not known; did you mean pools?"),
        ("scores: {from: published, pools: {mine: {}}}", "scores.pools.mine {} must not be empty"),
        ("scores: {from: published, pools: {a/b: {complete: true}}}", 'pools "a/b" may contain only'),
        ("scores: {from: published, pools: {mine: {models: [one]}}}", 'models ["one"] has too few items; at'),
        ("scores: {from: published, pools: {mine: {where: {backbone: x}}}}", "where needs scores.labels"),
        ("scores: {from: published}\nseeds: [1]", "seeds is not allowed in a study with scores; allowed"),
    ],
)  # fmt: skip
def test_a_study_of_scores_is_checked_too(tmp_path, text, message):
    with pytest.raises(BadInput) as error:
        load_text(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_study_begins_at_and_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load_text(tmp_path, "scores: {from: mteb_results, path: my/results, labels: labels.csv}")
    (tmp_path / "labels.csv").write_text("model\n")
    assert list(missing_files(study)) == ["scores.path my/results: no such file or folder"]


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_studies_are_valid(file):
    study = load_study(file)
    assert study["description"]
    for batch in task_batches(study):
        assert config(study, f"tasks/{batch}")["tasks"]


def test_changing_a_design_changes_its_own_configs_only(check):
    before, after = check(), check({"designs/multi/pooling/latents": 5})
    names = ["tasks/STS", "data", "bases/tiny", "runs/tiny/eos-causal/seed1", "runs/tiny/multi/seed1"]
    changed = [name for name in names if config(before, name) != config(after, name)]
    assert changed == ["runs/tiny/multi/seed1"]


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_design_overrides_the_finetuning_of_its_own_runs_only(check, mode):
    """The base's LoRA has alpha 8; the design's own keys are laid over it, the schema's defaults below it."""
    base = {"bases/tiny/finetuning": mode, "bases/tiny/lora": {"alpha": 8}}
    before = check(base)
    after = check(
        {**base, "designs/multi/finetuning": "lora", "designs/multi/lora": {"rank": 2, "dropout": 0}}
    )
    names = ["tasks/STS", "data", "bases/tiny", "runs/tiny/eos-causal/seed1", "runs/tiny/multi/seed1"]
    assert [name for name in names if config(before, name) != config(after, name)] == [
        "runs/tiny/multi/seed1"
    ]
    run = config(after, "runs/tiny/multi/seed1")
    assert run["base"]["finetuning"] == "lora"
    assert {key: run["base"]["lora"][key] for key in ("rank", "alpha", "dropout")} == {
        "rank": 2, "alpha": 8, "dropout": 0,
    }  # fmt: skip
    assert "v_proj" in run["base"]["lora"]["target_modules"]
    assert run["design"] == config(before, "runs/tiny/multi/seed1")["design"]
    assert "lora" not in config(check({"bases/tiny/finetuning": "full"}), "runs/tiny/multi/seed1")["base"]


def test_a_design_may_be_finetuned_in_full_on_a_base_with_lora(check):
    study = check({"bases/tiny/finetuning": "lora", "designs/multi/finetuning": "full"})
    assert "lora" not in config(study, "runs/tiny/multi/seed1")["base"]
    assert config(study, "runs/tiny/eos-causal/seed1")["base"]["lora"]["rank"] == 16


def test_batches_hold_each_task_once(check):
    for batch_by, batches in [("run", 1), ("category", 2), ("task", 3)]:
        study = check({"evaluation/batch_by": batch_by})
        tasks = [name for batch in task_batches(study).values() for names in batch.values() for name in names]
        assert sorted(tasks) == ["NFCorpus", "STS12", "STS13"]
        assert len(task_batches(study)) == batches


def test_every_key_of_the_schema_says_what_it_means():
    def undescribed(schema, path):
        for key, sub in schema.get("properties", {}).items():
            if not {"$ref", "description", "properties"} & set(sub):
                yield f"{path}.{key}"
            yield from undescribed(sub, f"{path}.{key}")

    schema = study_schema()
    parts = {"study": schema, **schema["$defs"]}
    assert [key for name, part in parts.items() for key in undescribed(part, name)] == []


def test_the_large_batch_study_is_the_main_study_but_for_the_pool():
    main, large = (load_study(STUDIES / f"paper-{name}.yaml") for name in ("mistral-7b", "large-batch"))
    recipe = large["training"]
    assert (
        recipe["batch_size"]
        == 2048
        == main["training"]["batch_size"] * main["training"]["gradient_accumulation_steps"]
    )
    assert recipe["gradient_accumulation_steps"] == 1
    assert recipe["batch_size"] <= large["data"]["heldout_rows"]
    for key in ("batch_size", "gradient_accumulation_steps", "mini_batch_size"):
        recipe[key] = main["training"].get(key)
    recipe.pop("mini_batch_size")
    large["data"]["heldout_rows"] = main["data"]["heldout_rows"]
    for key in main.keys() - {"name", "description", "layers"}:
        assert large[key] == main[key], key
