"""Expected numbers come from hand arithmetic with Demsar's critical values, and from testing every pool."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from embedding_designs.comparison.statistics import pools
from embedding_designs.comparison.statistics.ranks import nemenyi
from helpers.literature import DEMSAR, UNTESTABLE, random_scores
from helpers.published_table import mteb_english


def by_pair(scores: pd.DataFrame, alpha: float = 0.05, **options) -> dict:
    return {(pair["first"], pair["second"]): pair for pair in pools.pool_dependence(scores, alpha, **options)}


def test_a_pair_with_others_between_is_significant_only_among_them():
    # On three tasks always a > c > d > b. By Demsar's table 5 the critical differences are
    # 1.960 sqrt(6/18) = 1.13 among two, 2.343 sqrt(12/18) = 1.91 among three, 2.569 sqrt(20/18) = 2.71 among
    # all four; a and b lie 3 apart among all four, 2 with c or d alone, and 1 by themselves.
    scores = pd.DataFrame({"a": [0.9] * 3, "b": [0.1] * 3, "c": [0.6] * 3, "d": [0.5] * 3})
    pairs = by_pair(scores)
    assert pairs["a", "b"] == {
        "first": "a", "second": "b", "sub_pools": 3, "flips": pytest.approx(1 / 3),
        "called": pytest.approx(2 / 3), "exhaustive": True,
    }  # fmt: skip
    assert pairs["c", "d"]["flips"] == 0  # 1 apart, never enough
    assert pairs["a", "d"]["flips"] == pytest.approx(1 / 3)  # 2 apart with c: called; among all four not


def called_by_nemenyi(scores: pd.DataFrame, pair: tuple[str, str]) -> bool:
    return {(p["first"], p["second"]): p["significant"] for p in nemenyi(scores, 0.05)["pairs"]}[pair]


@pytest.mark.parametrize("others", [None, 0, 2, 3])
@pytest.mark.parametrize("decimals", [6, 1])  # without ties and with
def test_flips_are_those_found_by_testing_every_sub_pool(others, decimals):
    scores = random_scores(11, 7, seed=8, decimals=decimals) + np.linspace(0, 0.2, 7).round(1)
    sizes = range(5) if others is None else [others]
    flipped = []
    for pair, result in by_pair(scores, others=others).items():
        rest = [name for name in scores if name not in pair]
        whole = called_by_nemenyi(scores, pair)
        called = [
            called_by_nemenyi(scores[[name for name in scores if name in {*pair, *chosen}]], pair)
            for size in sizes
            for chosen in combinations(rest, size)
        ]
        assert result["sub_pools"] == len(called) and result["exhaustive"]
        assert result["called"] == pytest.approx(np.mean(called))
        assert result["flips"] == pytest.approx(np.mean([verdict != whole for verdict in called]))
        flipped.append(result["flips"])
    assert any(flipped)


@pytest.mark.parametrize("others", [None, 3])
def test_drawn_sub_pools_give_about_the_shares_of_all(monkeypatch, others):
    scores = random_scores(20, 9, seed=9) + np.linspace(0, 0.1, 9)
    every = by_pair(scores, others=others)
    monkeypatch.setattr(pools, "MOST_SUB_POOLS", 10)
    drawn = by_pair(scores, others=others)
    assert any(0.05 < pair["flips"] < 0.95 for pair in every.values())
    for pair, result in drawn.items():
        assert result["sub_pools"] == pools.DRAWS and not result["exhaustive"]
        assert result["flips"] == pytest.approx(every[pair]["flips"], abs=0.025)  # 5 standard errors
    assert drawn == by_pair(scores, others=others)  # seeded


def test_two_designs_have_no_sub_pools():
    (pair,) = pools.pool_dependence(DEMSAR[["C4.5", "C4.5+m"]], 0.05)
    assert (pair["sub_pools"], pair["flips"]) == (0, None)
    assert "no smaller pools" in pair["reason"]


def test_so_many_others_need_one_design_more():
    four = pools.pool_dependence(
        DEMSAR, 0.05, others=2
    )  # the only pool of a pair and two others is the whole
    assert {pair["flips"] for pair in four} == {None}
    assert {pair["sub_pools"] for pair in pools.pool_dependence(DEMSAR, 0.05, others=1)} == {2}


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_flips_are_none_with_a_reason(scores, reason):
    for pair in pools.pool_dependence(scores, 0.05):
        assert pair["flips"] is None and reason in pair["reason"]


def test_published_scores_of_20_models():
    scores = mteb_english(20)
    results = pools.pool_dependence(scores, 0.05)
    assert [(pair["first"], pair["second"]) for pair in results] == list(combinations(scores.columns, 2))
    assert {pair["sub_pools"] for pair in results} == {2**18 - 1}
    with_three = pools.pool_dependence(scores, 0.05, others=3)
    assert {pair["sub_pools"] for pair in with_three} == {18 * 17 * 16 // 6}
    assert any(0 < pair["called"] < 1 for pair in with_three)
    json.dumps(results + with_three, allow_nan=False)
