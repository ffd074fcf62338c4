"""The batches of an epoch: a different order for each epoch, and no text twice in a batch."""

import itertools

import torch
from datasets import Dataset
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedding_designs.training.sampler import EpochSampler, SeparatingSampler, separated, shared_texts

COLUMNS = ("query", "positive", "negative")


def sampler(kind, dataset, size: int, epoch: int = 0, seed: int = 3):
    made = kind(
        dataset,
        generator=torch.Generator(),
        seed=seed,
        batch_size=size,
        drop_last=True,
        valid_label_columns=[],
    )
    made.set_epoch(epoch)
    return made


def rows(*texts: str) -> Dataset:
    """Return rows of one-letter texts: rows("qpn", ...) has query q, positive p and negative n."""
    return Dataset.from_dict(
        {name: list(column) for name, column in zip(COLUMNS, zip(*texts, strict=True), strict=True)}
    )


def test_an_epoch_has_its_own_order_whether_or_not_the_ones_before_were_seen():
    def batches(*epochs):
        sampler = EpochSampler(
            range(10),
            generator=torch.Generator(),
            seed=3,
            batch_size=4,
            drop_last=True,
            valid_label_columns=[],
        )
        for epoch in epochs:
            sampler.set_epoch(epoch)
            order = list(sampler)
        return order

    assert batches(0, 1, 2) == batches(2) != batches(1) != batches(0)
    first = torch.randperm(10, generator=torch.Generator().manual_seed(3)).tolist()
    assert batches(0) == [first[:4], first[4:8]]


def test_where_no_text_is_shared_the_batches_are_those_of_the_plain_order():
    dataset = Dataset.from_dict({name: [f"{name} {row}" for row in range(30)] for name in COLUMNS})
    for epoch in range(3):
        plain, separating = (
            list(sampler(kind, dataset, 4, epoch)) for kind in (EpochSampler, SeparatingSampler)
        )
        assert separating == plain


def test_a_row_waits_for_the_batch_after_those_that_hold_its_texts():
    assert separated([0, 1, 2, 3], {0: [7], 1: [7]}, size=2) == [[0, 2], [1, 3]]
    assert separated([0, 1, 2, 3, 4], {0: [7], 1: [7], 2: [7, 8], 4: [8]}, size=2) == [[0, 3], [1], [2], [4]]


def test_a_text_is_compared_across_columns():
    dataset = rows("abc", "dca", "efg", "hij")  # "a" and "c" are in two rows
    shared = shared_texts(dataset)
    assert shared.keys() == {0, 1}
    assert len(set(shared[0]) & set(shared[1])) == 2


def test_rows_are_drawn_again_where_too_few_batches_fill():
    dataset = rows("abc", "dbe", "fbg", "hij")  # at most one of three shares a batch with the fourth
    batches = list(sampler(SeparatingSampler, dataset, 2))
    assert len(batches) == 2
    assert all(3 in batch for batch in batches)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=3), min_size=4, max_size=25),
    st.integers(2, 4),
    st.integers(0, 2),
)
@example(["aab", "ddd", "aac", "ccc", "bbb", "aab", "aab", "aaa"], 4, 0)  # few orders fill a batch
def test_no_batch_has_a_text_in_two_rows_and_an_epoch_has_its_length(texts, size, epoch):
    dataset = rows(*texts)
    batches = list(sampler(SeparatingSampler, dataset, size, epoch))
    assert batches == list(sampler(SeparatingSampler, dataset, size, epoch))
    for batch in batches:
        assert len(batch) == size
        for one, other in itertools.combinations(batch, 2):
            assert not set(texts[one]) & set(texts[other])
    assert len(batches) in (0, len(texts) // size)
