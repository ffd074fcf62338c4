"""What a design may be: the schema says it, and the classes agree with it; layers by name or number."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from embedding_designs.modules.poolings import POOLINGS, TOKEN_POOLINGS
from embedding_designs.study import designs
from embedding_designs.study.design_checks import check_design, pooling_settings
from embedding_designs.study.designs import TRAINED_POOLINGS, layer_numbers
from embedding_designs.study.schema import defaults, schema_problems, study_schema

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


POOLING = study_schema()["$defs"]["pooling"]
DESIGN = {"attention": "bidirectional"}


def completed(pooling, attention="bidirectional"):
    return defaults("design", {"attention": attention, "pooling": pooling})


def tokens_of(kind):
    """Return the token states that the schema lets a kind of pooling read."""
    (clause,) = [part for part in POOLING["allOf"] if part["if"]["properties"]["kind"]["const"] == kind]
    return clause["then"]["properties"]["tokens"]["enum"]


def test_schema_and_classes_know_the_same_poolings():
    kinds = POOLING["properties"]["kind"]["enum"]
    assert set(kinds) == set(POOLINGS)
    assert set(kinds) >= TRAINED_POOLINGS
    read = {token for kind in kinds for token in tokens_of(kind)}
    assert set(POOLING["properties"]["tokens"]["enum"]) == read == {*TOKEN_POOLINGS, "all"}
    assert {key for kind in kinds for key in pooling_settings(kind)} == {*POOLING["properties"]} - {"kind"}


@pytest.mark.parametrize("kind", POOLINGS)
def test_the_schema_says_what_a_class_takes_reads_and_trains(kind):
    settings, pooling = pooling_settings(kind), POOLINGS[kind]
    takes = set(inspect.signature(pooling).parameters)
    assert takes == {"dimension", *settings} == set(pooling.config_keys)
    assert pooling.reads_layers == ("layers" in settings)
    small = {"latents": 2, "heads": 1, "head_dim": 2, "layers": [1, 2]}
    built = pooling(dimension=4, **settings | {key: small[key] for key in small if key in settings})
    assert bool(list(built.parameters())) == (kind in TRAINED_POOLINGS)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_every_pooling_goes_with_either_attention_and_is_completed(kind, attention):
    design = completed({"kind": kind}, attention)
    assert list(schema_problems(design, "design")) == list(check_design("mine", design, BASES)) == []
    assert design["pooling"].keys() == {"kind", *pooling_settings(kind)}


@pytest.mark.parametrize(
    ("kind", "causal", "bidirectional"),
    [
        ("eos", "last", "last"),
        ("mean", "mean", "mean"),
        ("weighted_mean", "weighted_mean", "weighted_mean"),
        ("last_layer", "last", "all"),  # from here the paper's, but for latent_attention and layer_mix
        ("latent_attention", "all", "all"),
        ("mean_layers", "last", "mean"),
        ("layer_mix", "last", "mean"),
        ("multi_layer", "last", "mean"),
    ],
)
def test_the_token_states_that_are_read_depend_on_the_attention(kind, causal, bidirectional):
    assert completed({"kind": kind}, "causal")["pooling"]["tokens"] == causal
    assert completed({"kind": kind}, "bidirectional")["pooling"]["tokens"] == bidirectional
    given = {"kind": kind, "tokens": tokens_of(kind)[-1]}
    assert completed(given, "causal")["pooling"]["tokens"] == given["tokens"]


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
    ],
)  # fmt: skip
def test_a_setting_that_does_not_fit_is_named(pooling, message):
    problems = list(check_design("mine", completed(pooling), BASES))
    assert len(problems) == 1
    assert problems[0].startswith("designs.mine.pooling.")
    assert message in problems[0]


@pytest.mark.parametrize(
    ("kind", "tokens", "allowed"), [("mean", "last", "mean"), ("mean_layers", "all", "mean, last")]
)
def test_token_states_that_a_pooling_does_not_read_are_refused(kind, tokens, allowed):
    design = DESIGN | {"pooling": {"kind": kind, "tokens": tokens}}
    (problem,) = schema_problems(design, "design")
    assert (
        problem == f'design.pooling.tokens "{tokens}" does not fit the keys beside it; choose from {allowed}'
    )


def test_checking_a_study_needs_no_torch():
    """It runs while Snakemake reads the workflow, before any environment is there."""
    code = "import sys, embedding_designs.study.show_study; sys.exit('torch' in sys.modules)"
    package = Path(designs.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=package, check=False).returncode == 0
