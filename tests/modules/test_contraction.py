"""A product of several tensors is right whatever its order, and the order is the one that costs least."""

import pytest
import torch

from embedding_designs.modules.contraction import Contraction, Product
from embedding_designs.modules.trainable_pooling import OUTPUT, SCORES

PAPER = {"h": 32, "m": 768, "a": 2048}


def sizes(batch, states, dimension, **pool):
    return {"b": batch, "e": states} | {index: (PAPER | pool).get(index, dimension) for index in "jhmaic"}


@pytest.mark.parametrize("equation", [SCORES, OUTPUT, "bj,haj,hac->bc", "ab,bc,cd->ad"])
@pytest.mark.parametrize("free", [True, False])
def test_any_order_gives_what_einsum_gives(equation, free):
    generator = torch.Generator().manual_seed(0)
    indices = sorted(set(equation) - set(",->"))
    for _ in range(5):
        numbers = torch.randint(1, 9, (len(indices),), generator=generator).tolist()
        drawn = dict(zip(indices, numbers, strict=True))
        terms = [
            torch.randn([drawn[index] for index in labels], dtype=torch.float64, requires_grad=True)
            for labels in equation.split("->")[0].split(",")
        ]
        contraction = Contraction(equation, drawn, frozenset({1, 2}), free)
        (got,) = contraction.multiply(dict(enumerate(terms))).values()
        expected = torch.einsum(equation, *terms)
        torch.testing.assert_close(got, expected)
        ours, theirs = (torch.autograd.grad(product.square().sum(), terms) for product in (got, expected))
        torch.testing.assert_close(ours, theirs)


def test_a_chain_of_matrices_costs_what_the_textbook_says():
    """Cormen et al., Introduction to Algorithms, section 15.2: 10x100, 100x5, 5x50 cost 7,500 or 75,000."""
    contraction = Contraction("ab,bc,cd->ad", {"a": 10, "b": 100, "c": 5, "d": 50}, frozenset(), False)
    assert contraction.multiplications == 7500


def test_few_states_take_the_keys_to_the_latents_and_many_the_latents_to_the_keys():
    """Counted by hand, in units of a x j x h: (keys Wk) Wq costs 2 x states, (latents Wq) Wk 2 x latents."""
    few = Contraction(SCORES, sizes(8, 24, 4096), frozenset({0, 1, 2}), False)
    many = Contraction(SCORES, sizes(8, 512, 4096), frozenset({0, 1, 2}), False)
    block = 2048 * 32 * 4096
    assert few.multiplications == 2 * 8 * 24 * block + 8 * 24 * 768 * 32 * 4096
    assert many.multiplications == 2 * 768 * block + 8 * 512 * 768 * 32 * 4096


def test_products_of_weights_are_free_where_they_are_kept():
    """By hand: states x folded Wv Wo per head, then attention x that, summed over heads and states."""
    kept = Contraction(OUTPUT, sizes(8, 24, 896), frozenset({2, 3}), True)
    assert kept.multiplications == 8 * 24 * 32 * 896 * 896 + 8 * 24 * 32 * 768 * 896


def test_gradients_lie_in_memory_like_their_terms():
    """Otherwise autograd copies each, and they are as large as the weights."""
    left = torch.randn(3, 4, 5, requires_grad=True)
    right = torch.randn(3, 4, 6, requires_grad=True)
    product = Product.apply("haj,hac->hjc", left, right)
    for gradient in torch.autograd.grad(product.sum(), [left, right]):
        assert gradient.is_contiguous()
