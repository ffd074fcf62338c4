"""What a design may be: the schema says it, and the classes agree with it; layers by name or number."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from embedding_designs.modules.poolings import POOLINGS, TOKEN_POOLINGS
from embedding_designs.study import designs
from embedding_designs.study.design_checks import check_design, pooling_settings
from embedding_designs.study.designs import (
    TRAINED_POOLINGS,
    attention_name,
    embedding_dimensions,
    is_trained,
    layer_numbers,
    trained_dimensions,
)
from embedding_designs.study.schema import defaults, part_schema, schema_problems, study_schema, typed

SIZES = {"layers": 4, "hidden_size": 32, "intermediate_size": 64, "heads": 2, "vocabulary": 300}
BASES = {"mini": {"finetuning": "full", "pretrain": SIZES}}


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
    return clause["then"]["properties"].get("tokens", {"enum": []})["enum"]


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
    assert is_trained({"kind": kind, **settings}) == (kind in TRAINED_POOLINGS)
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
        ("max", "max", "max"),
        ("last_k", "all", "all"),
        ("learned_query", "all", "all"),
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


@pytest.mark.parametrize("attention", ["causal", "bidirectional", {"bidirectional": [2]}])
def test_the_parts_of_a_concatenation_are_completed_like_a_pooling(attention):
    parts = {"first": {"kind": "last_layer"}, "second": {"kind": "multi_layer", "latents": 3}}
    got = completed({"kind": "concat", **parts}, attention)["pooling"]
    assert got == {"kind": "concat"} | {
        name: completed(part, attention)["pooling"] for name, part in parts.items()
    }
    assert got["first"]["tokens"] == ("last" if attention == "causal" else "all")


def test_a_concatenation_is_of_eos_and_mean_unless_it_says_otherwise():
    got = completed({"kind": "concat"})["pooling"]
    assert got == {
        "kind": "concat",
        "first": {"kind": "eos", "tokens": "last"},
        "second": {"kind": "mean", "tokens": "mean"},
    }


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        (
            {"attention": "both"},
            '.attention "both" is not known; choose from causal, bidirectional, or {bidirectional: layers}',
        ),
        (
            {"attention": {"bidirectional": "odd"}},
            '.attention.bidirectional "odd" is not known; choose from first_third, middle_third, '
            "last_third or a list of layer numbers",
        ),
        (
            {"attention": {"bidirectional": [4, 5]}},
            ".attention.bidirectional [4, 5] holds 5; choose from 1 to 4 (base mini)",
        ),
        (
            {"attention": {"bidirectional": [4, 2, 3, 1]}},
            ".attention.bidirectional [4, 2, 3, 1] holds all 4 layers; write attention: bidirectional "
            "(base mini)",
        ),
        ({"dimensions": 33}, ".dimensions 33 exceeds the 32 dimensions of its embeddings (base mini)"),
        (
            {"matryoshka": [8, 64]},
            ".matryoshka [8, 64] exceeds the 32 dimensions of its embeddings (base mini)",
        ),
        ({"matryoshka": [8, 32], "dimensions": 9}, ".dimensions 9 is not in designs.mine.matryoshka [8, 32]"),
        (
            {"dimensions": 65, "pooling": {"kind": "concat"}},
            ".dimensions 65 exceeds the 64 dimensions of its embeddings (base mini)",
        ),
        (
            {"pooling": {"kind": "concat", "first": {"kind": "concat"}}},
            ".pooling.first.kind concat is not allowed within a concat; choose another kind",
        ),
        (
            {
                "pooling": {
                    "kind": "concat", "first": {"kind": "mean_layers"}, "second": {"kind": "multi_layer"},
                }
            },
            ".pooling: first and second both read layers; at most one of them can",
        ),
        (
            {"pooling": {"kind": "concat", "second": {"kind": "mean", "k": 2}}},
            ".pooling.second.k 2 does not fit mean; allowed: kind, tokens",
        ),
        (
            {"pooling": {"kind": "concat", "second": {"kind": "mean_layers", "layers": [9]}}},
            ".pooling.second.layers [9] holds 9; choose from 1 to 4 (base mini)",
        ),
    ],
)  # fmt: skip
def test_a_design_that_cannot_be_is_refused_in_one_line(design, problem):
    whole = defaults("design", {"attention": "bidirectional", "pooling": {"kind": "mean"}, **design})
    assert list(schema_problems(whole, "design")) == []
    assert list(check_design("mine", whole, BASES)) == [f"designs.mine{problem}"]


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        ({"attention": {"last": [1]}}, "design.attention.last is not known; choose from bidirectional"),
        ({"attention": {}}, "design.attention.bidirectional is missing"),
        ({"attention": {"bidirectional": []}}, "design.attention.bidirectional [] must not be empty"),
        ({"attention": {"bidirectional": [0]}}, "design.attention.bidirectional.0 0 must be at least 1"),
        ({"attention": {"bidirectional": [2, 2]}}, "design.attention.bidirectional has 2 twice"),
        ({"attention": [1]}, "design.attention [1] must be text or a mapping"),
        ({"dimensions": 0}, "design.dimensions 0 must be at least 1"),
        ({"matryoshka": [8]}, "design.matryoshka [8] has too few items; at least 2"),
        (
            {"pooling": {"kind": "last_k", "k": 2.5}},
            "design.pooling.k 2.5 must be an integer",
        ),
        ({"pooling": {"kind": "last_k", "k": 0}}, "design.pooling.k 0 must be at least 1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_one_line(design, problem):
    whole = {"attention": "causal", "pooling": {"kind": "mean"}, **design}
    assert next(schema_problems(whole, "design")) == problem


def test_numbers_in_overrides_are_numbers():
    """Snakemake passes nested values of --config as text."""
    text = {"attention": {"bidirectional": ["1", "3"]}, "dimensions": "8", "matryoshka": ["8", "16"]}
    numbers = {"attention": {"bidirectional": [1, 3]}, "dimensions": 8, "matryoshka": [8, 16]}
    assert typed({"designs": {"mine": text}}, study_schema()) == {"designs": {"mine": numbers}}
    assert typed({"attention": "causal"}, part_schema("design")) == {"attention": "causal"}


@pytest.mark.parametrize(
    ("attention", "name"),
    [
        ("causal", "causal"),
        ({"bidirectional": "last_third"}, "bidirectional (last_third)"),
        ({"bidirectional": [8, 3, 1, 2, 9, 5]}, "bidirectional (1-3, 5, 8-9)"),
    ],
)
def test_an_attention_has_a_name(attention, name):
    assert attention_name(attention) == name


@pytest.mark.parametrize(
    ("design", "trained", "size"),
    [
        ({}, [], 32),
        ({"dimensions": 8}, [8], 8),
        ({"matryoshka": [8, 32, 16]}, [32, 16, 8], 32),
        ({"matryoshka": [8, 16], "dimensions": 8}, [16, 8], 8),
    ],
)
def test_the_size_of_embeddings(design, trained, size):
    whole = {"pooling": {"kind": "mean"}, **design}
    assert trained_dimensions(whole) == trained
    assert embedding_dimensions(whole, 32) == size


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
