"""Designs with the same attention and adaptation share one adapted base; what cannot be is refused."""

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.study.adaptation import adaptation_name, adaptations
from embedding_designs.study.memory import adaptation_mb, training_mb
from embedding_designs.study.run_configs import (
    adaptation_config,
    adapted,
    config,
    config_names,
    named_files,
    run_config,
)
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES

MNTP = {"kind": "mntp", "steps": 7}
MEAN = {"attention": "bidirectional", "pooling": {"kind": "mean"}}


def study(adaptation=MNTP, name="smoke", **keys):
    """Return a study with three more designs, two of which share an adaptation."""
    designs = {
        "mean": MEAN,
        "mean-mntp": {**MEAN, "adaptation": adaptation},
        "weighted-mntp": {"attention": "bidirectional", "pooling": {"kind": "weighted_mean"},
                          "adaptation": {**adaptation, "batch_size": 32}},
    }  # fmt: skip
    return load_study(STUDIES / f"{name}.yaml", {"designs": designs, **keys})


def test_designs_with_the_same_settings_share_an_adaptation():
    loaded = study()
    assert list(adaptations(loaded).values()) == [["mean-mntp", "weighted-mntp"]]  # 32 is the default
    assert list(adapted(loaded)) == [("tiny", next(iter(adaptations(loaded))))]


@pytest.mark.parametrize("changed", [{"attention": "another"}, {"adaptation": {"kind": "mntp", "steps": 8}}])
def test_another_attention_or_setting_is_another_adaptation(changed):
    design = {**MEAN, "adaptation": MNTP}
    assert adaptation_name(design) == adaptation_name({**design, "pooling": {"kind": "eos"}})
    assert adaptation_name(design) != adaptation_name({**design, **changed})


def test_an_adaptation_has_llm2vecs_settings_and_those_of_the_trainings_machine():
    loaded = study({"kind": "mntp"}, training={"steps": 3, "max_seq_length": 24, "heldout_steps": 5})
    (name,) = adaptations(loaded)
    recipe = adaptation_config(loaded, "tiny", name).training
    assert recipe == {
        "kind": "mntp", "steps": 1000, "batch_size": 32, "learning_rate": 5e-5, "warmup_steps": 0,
        "mask_share": 0.2, "gradient_accumulation_steps": 1, "weight_decay": 0.0, "max_grad_norm": 1.0,
        "shared_texts": "keep", "max_seq_length": 24, "precision": "fp32", "gradient_checkpointing": False,
        "checkpoint_steps": 5, "log_steps": 2, "heldout_steps": 5,
    }  # fmt: skip


def test_it_is_finetuned_as_its_base_is_and_its_adapter_is_merged():
    loaded = study(name="smollm2", bases={"smollm2": {"lora": {"save": "adapter"}}})
    (name,) = adaptations(loaded)
    content = adaptation_config(loaded, "smollm2", name)
    assert (content.base["finetuning"], content.lora["save"], content.lora["rank"]) == ("lora", "merged", 16)
    assert content.design["attention"] == "bidirectional"


def test_a_run_holds_its_adaptation_and_other_runs_are_as_they_were():
    loaded, without = study(), load_study(STUDIES / "smoke.yaml")
    assert run_config(loaded, "tiny", "mean-mntp", 1).design["adaptation"]["steps"] == 7
    assert config(loaded, "runs/tiny/eos-causal/seed1") == config(without, "runs/tiny/eos-causal/seed1")
    assert not [name for name in config_names(without) if name.startswith("adaptations")]
    (name,) = [name for name in config_names(loaded) if name.startswith("adaptations")]
    assert name == f"adaptations/tiny/{next(iter(adaptations(loaded)))}"
    assert config(loaded, name)["seed"] == 0


def test_another_length_of_the_runs_changes_no_adaptation():
    (name,) = adaptations(study())
    one, other = (study(training={"steps": steps}) for steps in (5, 6))
    assert config(one, f"adaptations/tiny/{name}") == config(other, f"adaptations/tiny/{name}")


def test_an_adaptation_depends_on_the_files_of_its_base(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    bases = {"bases": {"own": {"model": str(tmp_path)}}}
    assert named_files(bases, "adaptations/own/mntp-1") == [tmp_path]


@pytest.mark.parametrize(
    ("adaptation", "message"),
    [
        ({"kind": "mlm"}, 'adaptation.kind "mlm" is not known; .*mntp'),
        ({"steps": 7}, "adaptation.kind is missing"),
        ({**MNTP, "mask_share": 0}, "adaptation.mask_share 0 must be greater than 0"),
        ({**MNTP, "mask_share": 1}, "adaptation.mask_share 1 must be less than 1"),
        ({**MNTP, "steps": 0}, "adaptation.steps 0 must be at least 1"),
        ({**MNTP, "mask": 0.1}, "adaptation.mask is not known; .*mask_share"),
        ({**MNTP, "steps": 1, "warmup_steps": 2}, "adaptation.warmup_steps 2 must be 0 if .*steps is 1"),
    ],
)
def test_an_adaptation_that_cannot_be_is_refused_in_one_line(adaptation, message):
    designs = {"mean": {**MEAN, "adaptation": adaptation}}
    with pytest.raises(BadInput, match=rf"smoke\.yaml: designs\.mean\.{message}"):
        load_study(STUDIES / "smoke.yaml", {"designs": designs})


def test_causal_attention_is_refused():
    designs = {"eos-causal": {"adaptation": MNTP}}
    message = r"designs\.eos-causal\.adaptation mntp needs attention bidirectional, not causal"
    with pytest.raises(BadInput, match=message):
        load_study(STUDIES / "smoke.yaml", {"designs": designs})


def test_the_memory_of_an_adaptation_grows_with_its_batch():
    small, large = (study({**MNTP, "batch_size": size}, "smollm2") for size in (16, 512))
    sizes = [adaptation_mb(loaded, "smollm2", next(iter(adaptations(loaded)))) for loaded in (small, large)]
    assert sizes[0] < training_mb(small, "smollm2", "mean-mntp") < sizes[1]
