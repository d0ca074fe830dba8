"""A value with the gradient of another: for layers whose stated gradient is not the derivative of their forward."""

import inspect
from typing import Any

import torch


class _Substitute(torch.autograd.Function):
    @staticmethod
    def forward(source: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return value.view_as(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None


#: PyTorch looks at it at every call, and would find it out anew
_Substitute.forward.__signature__ = inspect.signature(_Substitute.forward)  # type: ignore[attr-defined]


def substitute(source: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`value` in the forward pass, the gradient of `source` in the backward pass. Both have one shape.

    A clamp through which the gradient passes is `substitute(x, x.clamp(max=limit))`.
    """
    return _Substitute.apply(source, value.detach())
