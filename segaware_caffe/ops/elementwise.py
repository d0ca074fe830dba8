"""Elementwise functions whose gradient or cost a plain expression would not have."""

from typing import Any

import torch


def affine(bottom: torch.Tensor, scale: float, shift: float) -> torch.Tensor:
    """scale * bottom + shift, without the steps that change nothing."""
    scaled = bottom if scale == 1 else bottom * scale
    return scaled if shift == 0 else scaled + shift


class _Power(torch.autograd.Function):
    """y = b ^ p, where the reference's dy/db is p * y / b and not p * b ^ (p - 1).

    They are equal except at b = 0, where the quotient is NaN for p > 0.
    """

    @staticmethod
    def forward(base: torch.Tensor, exponent: float) -> torch.Tensor:
        return base**exponent

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, float], output: torch.Tensor) -> None:
        base, ctx.exponent = inputs
        ctx.save_for_backward(base, output)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        base, result = ctx.saved_tensors
        return gradient * (result / base * ctx.exponent), None


def power(bottom: torch.Tensor, exponent: float, scale: float, shift: float) -> torch.Tensor:
    """(shift + scale * bottom) ^ exponent, with the reference's gradient (spec/layers.md 5.34).

    That is exponent * scale * y / (shift + scale * x), in particular exponent * y / x where shift
    is 0; for exponents 1 and 2 the true one; and none where exponent * scale is 0, since y is
    then constant.
    """
    if exponent * scale == 0:
        return torch.full_like(bottom, shift) ** exponent
    base = affine(bottom, scale, shift)
    if exponent == 1:
        return base
    return base.square() if exponent == 2 else _Power.apply(base, exponent)
