"""What a design may be: one table, which the classes and the schema agree with; layers by name or number."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from embedding_designs.modules.poolings import POOLINGS, TOKEN_POOLINGS
from embedding_designs.study import designs
from embedding_designs.study.designs import POOLING_KINDS, complete_design, layer_numbers
from embedding_designs.study.study import study_schema

BASES = {"mini": {"finetuning": "full", "pretrain": {"layers": 4}}}


@pytest.mark.parametrize("count", range(3, 100))
def test_thirds_part_the_layers_in_order(count):
    parts = [layer_numbers(f"{third}_third", count) for third in ("first", "middle", "last")]
    assert parts[0] + parts[1] + parts[2] == list(range(1, count + 1))
    sizes = [len(part) for part in parts]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


def test_layers_are_numbered_from_one():
    assert layer_numbers("all", 3) == [1, 2, 3]
    assert layer_numbers([4, 2], 4) == [2, 4]
    assert [layer_numbers(f"{third}_third", 4) for third in ("first", "middle", "last")] == [[1], [2, 3], [4]]
    assert layer_numbers("middle_third", 32) == list(range(12, 22))


@pytest.mark.parametrize(
    ("layers", "count", "message"),
    [
        ("first_third", 2, "first_third needs 3 layers or more, and there are 2"),
        ([1, 5], 4, r"\[1, 5\] holds 5; choose from 1 to 4"),
        ([0], 4, r"\[0\] holds 0; choose from 1 to 4"),
    ],
)
def test_layers_that_a_base_has_not_are_refused(layers, count, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        layer_numbers(layers, count)


def test_schema_table_and_classes_know_the_same_poolings():
    pooling = study_schema()["$defs"]["pooling"]["properties"]
    assert set(pooling["kind"]["enum"]) == set(POOLING_KINDS) == set(POOLINGS)
    read = {token for kind in POOLING_KINDS.values() for token in [*kind.causal, *kind.bidirectional]}
    assert set(pooling["tokens"]["enum"]) == read == {*TOKEN_POOLINGS, "all"}
    assert {key for kind in POOLING_KINDS.values() for key in kind.settings} == set(pooling) - {
        "kind",
        "tokens",
    }


@pytest.mark.parametrize("kind", POOLING_KINDS)
def test_the_table_says_what_a_class_takes_reads_and_trains(kind):
    row, pooling = POOLING_KINDS[kind], POOLINGS[kind]
    takes = set(inspect.signature(pooling).parameters)
    assert takes == {"dimension", "tokens", *row.settings} == set(pooling.config_keys)
    assert pooling.reads_layers == ("layers" in row.settings)
    small = {"latents": 2, "heads": 1, "head_dim": 2, "layers": [1, 2], "layer_weights": True}
    built = pooling(dimension=4, tokens=row.causal[0], **{key: small[key] for key in row.settings})
    assert bool(list(built.parameters())) == row.trained


@pytest.mark.parametrize("kind", POOLING_KINDS)
@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_every_pooling_goes_with_either_attention_and_is_completed(kind, attention):
    design = {"attention": attention, "pooling": {"kind": kind}}
    assert list(complete_design("mine", design, BASES)) == []
    assert design["pooling"].keys() == {"kind", "tokens", *POOLING_KINDS[kind].settings}


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        ({"kind": "mean", "layers": "all"}, "pooling.layers all does not fit mean; allowed: kind, tokens"),
        (
            {"kind": "last_layer", "layer_weights": False},
            "pooling.layer_weights False does not fit last_layer; "
            "allowed: kind, tokens, latents, heads, head_dim",
        ),
        ({"kind": "layer_mix", "heads": 2}, "heads 2 does not fit layer_mix; allowed: kind, tokens, layers"),
        ({"kind": "mean", "tokens": "last"}, '"last" does not fit mean; choose from mean'),
        ({"kind": "mean_layers", "tokens": "all"}, '"all" does not fit mean_layers; choose from mean, last'),
    ],
)  # fmt: skip
def test_a_setting_that_does_not_fit_is_named(pooling, message):
    problems = list(complete_design("mine", {"attention": "bidirectional", "pooling": pooling}, BASES))
    assert len(problems) == 1
    assert problems[0].startswith("designs.mine.pooling.")
    assert message in problems[0]


def test_checking_a_study_needs_no_torch():
    """It runs while Snakemake reads the workflow, before any environment is there."""
    code = "import sys, embedding_designs.study.show_study; sys.exit('torch' in sys.modules)"
    package = Path(designs.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=package, check=False).returncode == 0
