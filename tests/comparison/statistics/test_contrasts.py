"""Which contrasts a set of designs allows, by hand."""

import numpy as np
import pandas as pd
import pytest

from embedding_designs.comparison.statistics.contrasts import (
    crossed_effects,
    group_cells,
    largest_cross,
    refusals,
    simple_effects,
    why_no_cross,
)


def label(*designs: str) -> pd.DataFrame:
    """Return the labels of designs named pooling-attention, with a number where a cell is held twice."""
    parts = [name.split("-") for name in designs]
    return pd.DataFrame({"pooling": [p[0] for p in parts], "attention": [p[1] for p in parts]}, list(designs))


def test_the_largest_cross_is_found_among_smaller_ones():
    labels = label("eos-causal", "mean-causal", "mean-bi", "last-causal", "last-bi", "multi-bi", "eos-bi")
    cross = largest_cross(group_cells(labels))
    assert (cross.poolings, cross.attentions) == (["eos", "mean", "last"], ["causal", "bi"])
    assert cross.designs == ["eos-causal", "eos-bi", "mean-causal", "mean-bi", "last-causal", "last-bi"]


def test_three_attentions_can_be_crossed():
    labels = label("a-x", "a-y", "a-z", "b-x", "b-y", "b-z", "c-x")
    cross = largest_cross(group_cells(labels))
    assert (cross.poolings, cross.attentions) == (["a", "b"], ["x", "y", "z"])
    effects = [effect.effect for effect in crossed_effects(cross)]
    assert [effects.count(name) for name in ("pooling", "attention", "interaction")] == [1, 3, 3]


def test_a_cell_with_two_designs_is_excluded_from_all_contrasts():
    labels = label("a-x", "a-y", "b-x", "b-y", "b-y-2", "c-x", "c-y")
    cells = group_cells(labels)
    cross = largest_cross(cells)
    assert cross.poolings == ["a", "c"]
    (sentence,) = refusals(labels, cells, cross)
    assert "b with y attention was run as b-y and b-y-2" in sentence
    assert [(c.plus, c.minus) for c in simple_effects(cells, cross)] == [
        (["b-x"], ["a-x"]),
        (["c-x"], ["b-x"]),
    ]


def test_an_attention_not_run_with_every_pooling_is_named():
    labels = label("a-x", "a-y", "b-x", "b-y", "a-z")
    cells = group_cells(labels)
    (sentence,) = refusals(labels, cells, largest_cross(cells))
    assert sentence.startswith("z attention with b is not compared,")


def test_unknown_labels_are_excluded_from_all_contrasts_and_named():
    labels = label("a-x", "a-y", "b-x", "b-y", "c-unknown")
    cells = group_cells(labels)
    (sentence,) = refusals(labels, cells, largest_cross(cells))
    assert sentence == "Excluded from all contrasts because the pooling or attention is unknown: c-unknown."


@pytest.mark.parametrize(
    ("designs", "reason"),
    [
        (["a-unknown"], "unknown"),
        (["a-x", "a-y"], "The only pooling is a"),
        (["a-x", "b-x"], "The only attention is x"),
        (["a-x", "b-x", "c-y"], "No two poolings"),
        (["a-x", "a-y", "b-x", "b-y", "b-y-2"], "No two poolings"),
    ],
)
def test_without_a_cross_the_reason_is_given(designs, reason):
    cells = group_cells(label(*designs))
    assert largest_cross(cells) is None and crossed_effects(None) == []
    assert reason in why_no_cross(cells)


def test_a_contrast_weights_both_sides_equally():
    designs = ["a-x", "a-y", "b-x", "b-y"]
    pooling, attention, interaction = crossed_effects(largest_cross(group_cells(label(*designs))))
    assert pooling.name == "b - a, averaged over x and y"
    assert pooling.weights(designs).tolist() == [-0.5, -0.5, 0.5, 0.5]
    assert attention.weights(designs).tolist() == [-0.5, 0.5, -0.5, 0.5]
    assert interaction.name == "y - x in b, minus the same in a"
    assert interaction.weights(designs).tolist() == [1, -1, -1, 1]
    assert np.sum(interaction.weights(["z", *designs])) == 0
