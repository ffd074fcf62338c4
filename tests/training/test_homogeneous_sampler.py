"""Batches of one source each: the same for the same seed and epoch, in proportion to the sources' rows."""

from collections import Counter

import pandas as pd
import pytest
import torch
from datasets import Dataset

from embedding_designs.common.errors import BadInput
from embedding_designs.training.homogeneous_sampler import HomogeneousSampler
from embedding_designs.training.sampler import SAMPLERS
from embedding_designs.training.triplets import check_batches, read_sources, read_triplets
from helpers.toy import sentence
from helpers.training import same_weights, stop_at_once, stopped_in, train, weights_of

SOURCES = ["nli"] * 21 + ["qa"] * 9 + ["titles"] * 5


def dataset(rows: int, shared: bool = False) -> Dataset:
    """Return rows of texts; shared: two rows each, of all but the last source, have the same positive."""
    numbers = range(rows)
    return Dataset.from_dict({
        "query": [f"query {number}" for number in numbers],
        "positive": [f"positive {number // 2 if shared and number < 30 else number}" for number in numbers],
    })  # fmt: skip


def batches(kind: str = "keep", epoch: int = 0, seed: int = 3, size: int = 4, shared: bool = False):
    sampler = HomogeneousSampler(
        dataset(len(SOURCES), shared), SOURCES, SAMPLERS[kind],
        generator=torch.Generator(), seed=seed, batch_size=size,
    )  # fmt: skip
    sampler.set_epoch(epoch)
    drawn = list(sampler)
    assert len(drawn) == len(sampler)
    return drawn


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_batch_has_rows_of_one_source_and_no_row_is_in_two_batches(kind):
    drawn = batches(kind)
    assert all(len({SOURCES[row] for row in batch}) == 1 and len(batch) == 4 for batch in drawn)
    rows = [row for batch in drawn for row in batch]
    assert len(set(rows)) == len(rows)
    assert Counter(SOURCES[batch[0]] for batch in drawn) == {"nli": 5, "qa": 2, "titles": 1}  # 21, 9, 5 by 4


def test_batches_depend_on_seed_and_epoch_alone():
    assert batches() == batches() != batches(epoch=1)
    assert batches(epoch=2) == batches(epoch=2) != batches(epoch=2, seed=4)


def test_sources_take_turns_in_another_order_in_each_epoch():
    orders = {tuple(SOURCES[batch[0]] for batch in batches(epoch=epoch)) for epoch in range(20)}
    assert len(orders) > 10


def test_rows_that_share_a_text_are_in_different_batches():
    drawn = batches("separate", shared=True)
    for batch in drawn:
        assert max(batch) >= 30 or len({row // 2 for row in batch}) == 4


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "train.parquet"
    numbers = range(len(SOURCES))
    pd.DataFrame({
        "query": [f"{sentence(number, 4)} {number}" for number in numbers],
        "positive": [f"{sentence(number, 6)} {number}" for number in numbers],
        "source": SOURCES,
    }).to_parquet(path, index=False)  # fmt: skip
    return path


def test_the_source_is_not_a_text_of_a_row(table):
    assert read_triplets(table).column_names == ["query", "positive"]
    assert read_sources(table, {"batches": "homogeneous"}) == SOURCES
    assert read_sources(table, {}) is None


def test_a_source_that_fills_no_batch_is_named(table):
    recipe = {"batch_size": 8, "shared_texts": "separate", "batches": "homogeneous"}
    rows, sources = read_triplets(table), read_sources(table, recipe)
    with pytest.raises(
        BadInput, match=r"batch_size 8 is more than the 5 rows .*train\.parquet, source titles"
    ):
        check_batches(rows, recipe, 1, table, sources)
    check_batches(rows, recipe, 1, table)  # mixed batches are filled


def test_rows_without_a_source_give_no_batches_of_one(triplets):
    with pytest.raises(BadInput, match=r'no column "source"; data\.batches "homogeneous" needs it'):
        read_sources(triplets[0], {"batches": "homogeneous"})


def test_a_stopped_training_goes_on_with_the_same_batches(run_config, bases, triplets, table, tmp_path):
    """8 batches an epoch, 2 a step: it is stopped in the second epoch, after a checkpoint."""
    config = run_config(steps=8, batches="homogeneous")
    files = table, triplets[1]
    uninterrupted = weights_of(train(config, bases["mistral"], files, tmp_path / "one"))
    mixed = weights_of(train(run_config(steps=8), bases["mistral"], files, tmp_path / "mixed"))
    with stopped_in(16, stop_at_once), pytest.raises(Exception, match="by a test"):
        train(config, bases["mistral"], files, tmp_path / "two")
    resumed = weights_of(train(config, bases["mistral"], files, tmp_path / "two"))
    assert same_weights(uninterrupted, resumed)
    assert not same_weights(uninterrupted, mixed)
