"""Products of several tensors in the order that needs the fewest multiplications.

A product is written as for `torch.einsum`: "mi,hai,haj,bej->behm". Its terms are multiplied two at a time.
The order can change the cost a hundredfold and depends on the sizes alone, so every order is counted.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations
from math import prod

import torch
from torch import Tensor
from torch.autograd import Function

Step = tuple[int, int, str, int]  # two terms, the einsum of their product, the number that the product gets


class Contraction:
    """A product in its cheapest order. Terms are numbered from 0; the products of two continue the numbering.

    sizes: the size of each index, in the order in which products lie in memory; constant: the terms that are
    the same in every call; free: whether products of constant terms cost nothing, because they are kept from
    call to call.
    """

    def __init__(self, equation: str, sizes: Mapping[str, int], constant: frozenset[int], free: bool):
        self.sizes = dict(sizes)
        self.labels = dict(enumerate(equation.split("->")[0].split(",")))
        self.multiplications, self.steps = _cheapest(equation, tuple(sizes.items()), constant, free)
        self.labels |= {product: written.split("->")[1] for _, _, written, product in self.steps}

    def numbers(self, index: str) -> int:
        """Return how many numbers all products hold that have an index."""
        products = [equation.split("->")[1] for _, _, equation, _ in self.steps]
        return sum(prod(self.sizes[label] for label in labels) for labels in products if index in labels)

    def multiply(self, terms: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Return what is left of `terms` after every product of the order whose two terms are among them.

        Given the constant terms alone this folds them; given the rest as well it leaves one tensor.
        """
        terms = dict(terms)
        for first, second, equation, product in self.steps:
            if first in terms and second in terms:
                left, right = (term.to(product_dtype(term)) for term in (terms.pop(first), terms.pop(second)))
                terms[product] = Product.apply(equation, left, right)
        return terms

    def rows(self, terms: Mapping[int, Tensor], index: str, part: slice) -> dict[int, Tensor]:
        """Return the terms with a part of an index that comes first in those that have it."""
        return {n: term[part] if self.labels[n].startswith(index) else term for n, term in terms.items()}

    def fold(self, terms: Mapping[int, Tensor], index: str) -> dict[int, Tensor]:
        """Return what `multiply` does, computed for one value of an index at a time, without gradients.

        Intermediate products, which may be larger than the result, are never in memory all at once.
        """
        folded: dict[int, Tensor] = {}
        for value in range(self.sizes[index]):
            one = {
                number: term.narrow(self.labels[number].index(index), value, 1)
                if index in self.labels[number]
                else term
                for number, term in terms.items()
            }
            for number, product in self.multiply(one).items():
                if number in terms:
                    folded[number] = terms[number]
                    continue
                axis = self.labels[number].index(index)
                if number not in folded:
                    folded[number] = product.repeat_interleave(self.sizes[index], dim=axis)
                folded[number].narrow(axis, value, 1).copy_(product)
        return folded


@lru_cache(maxsize=4096)
def _cheapest(
    equation: str, sizes: tuple[tuple[str, int], ...], constant: frozenset[int], free: bool
) -> tuple[int, tuple[Step, ...]]:
    terms, output = equation.split("->")
    numbered = tuple(enumerate(terms.split(",")))
    order = "".join(label for label, _ in sizes)
    return _search(numbered, output, dict(sizes), constant, free, len(numbered), order)


def _search(
    terms: tuple[tuple[int, str], ...],
    output: str,
    sizes: dict[str, int],
    constant: frozenset[int],
    free: bool,
    product: int,
    order: str,
) -> tuple[int, tuple[Step, ...]]:
    """Return the fewest multiplications and the steps that need them, by trying every order."""
    if len(terms) == 1:
        return 0, ()
    candidates = []
    for (first, left), (second, right) in combinations(terms, 2):
        others = tuple(term for term in terms if term[0] not in (first, second))
        wanted = set(output).union(*(labels for _, labels in others))
        labels = "".join(label for label in order if label in wanted.intersection(left + right))
        is_constant = first in constant and second in constant
        cost = 0 if free and is_constant else prod(sizes[label] for label in set(left + right))
        rest, steps = _search(
            ((product, labels), *others), output, sizes, constant | {product} if is_constant else constant,
            free, product + 1, order,
        )  # fmt: skip
        labels = labels if others else output
        step = (first, second, f"{left},{right}->{labels}", product)
        candidates.append((cost + rest, (step, *steps)))
    return min(candidates, key=lambda candidate: candidate[0])


class Product(Function):
    """What `torch.einsum` does for two terms if every index of a term is in the other or in the product.

    The product and the gradients lie in memory in the order of their indices. Those of einsum do not: a
    gradient as large as the weights would be copied before it is added up.
    """

    @staticmethod
    def forward(ctx, equation: str, left: Tensor, right: Tensor) -> Tensor:
        """Return the product."""
        ctx.equation = equation
        ctx.save_for_backward(left, right)
        return _product(equation, left, right)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        """Return the gradients of the two terms, products themselves."""
        left, right = ctx.saved_tensors
        terms, labels = ctx.equation.split("->")
        first, second = terms.split(",")
        of_left = f"{labels},{second}->{first}", gradient, right
        of_right = f"{labels},{first}->{second}", gradient, left
        _, left_needed, right_needed = ctx.needs_input_grad
        return (
            None,
            Product.apply(*of_left) if left_needed else None,
            Product.apply(*of_right) if right_needed else None,
        )


def _product(equation: str, left: Tensor, right: Tensor) -> Tensor:
    terms, labels = equation.split("->")
    first, second = terms.split(",")
    own = next((label for label in labels if (label in first) != (label in second)), first[0])
    if own not in first:  # the product's rows are those of the second term
        first, second, left, right = second, first, right, left
    batch = [label for label in labels if label in first and label in second]
    summed = [label for label in first if label not in labels]
    rows = [label for label in labels if label not in second]
    columns = [label for label in labels if label not in first]
    groups, other_groups = [rows, summed], [summed, columns]
    if batch:
        groups, other_groups = [batch, *groups], [batch, *other_groups]
    product = _matrices(left, first, groups) @ _matrices(right, second, other_groups)
    sizes = dict(zip(first + second, left.shape + right.shape, strict=True))
    found = batch + rows + columns
    product = product.view([sizes[label] for label in found])
    return product.permute([found.index(label) for label in labels]).contiguous()


def _matrices(term: Tensor, labels: str, groups: list[list[str]]) -> Tensor:
    """Return the term with its indices in groups, each group as one dimension."""
    permuted = term.permute([labels.index(label) for group in groups for label in group])
    return permuted.reshape([prod(term.shape[labels.index(label)] for label in group) for group in groups])


def product_dtype(states: Tensor) -> torch.dtype:
    """Return the type in which matrix products run: autocast's if it is on, otherwise that of `states`."""
    device = states.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
