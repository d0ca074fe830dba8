"""Products and maxima of several tensors with the reference's gradients (spec/layers.md 5.16)."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch


class _Product(torch.autograd.Function):
    """The product of all factors; the gradient of each is product / factor, NaN where the factor is 0.

    The reference's `stable_prod_grad: false`. The true gradient is the product of the other
    factors, which costs more when there are many.
    """

    @staticmethod
    def forward(ctx: Any, *factors: torch.Tensor) -> torch.Tensor:
        product = reduce(torch.mul, factors)
        ctx.save_for_backward(product, *factors)
        return product

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, ...]:
        product, *factors = ctx.saved_tensors
        return tuple(product / factor * gradient for factor in factors)


def product(factors: Sequence[torch.Tensor], stable_gradient: bool = True) -> torch.Tensor:
    """The elementwise product; its gradient is the true one, or with `stable_gradient` False product / factor."""
    return reduce(torch.mul, factors) if stable_gradient else _Product.apply(*factors)


def maximum(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """The elementwise maximum. Of two equal first values the second wins, a later one only if it is greater.

    The winner gets the whole gradient. A NaN in the second value wins, in any other it loses.
    """
    first, second, *others = values
    top = torch.where(first > second, first, second)
    for value in others:
        top = torch.where(value > top, value, top)
    return top
