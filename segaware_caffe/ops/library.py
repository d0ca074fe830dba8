"""Our operators as PyTorch knows its own: masked convolutions, masked sums and window distances in `torch.library`.

Under these names PyTorch's compiler, `torch.export` and the flop counter see them whole, with the shapes and gradients
that they have; inside, the same functions run as everywhere. A call that nobody watches (`ops.watched`) goes to these
functions at once: dispatching takes longer than the smallest of them.

A geometry is given by its `numbers`.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op, register_autocast, register_autograd, register_fake
from torch.utils.flop_counter import register_flop_formula

from segaware_caffe.ops.distance import im2dist, im2dist_gradient
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_convolution_gradients, masked_sum, masked_sum_gradients


def _name(function: str) -> str:
    return f"segaware_caffe::{function}"


# -- masked convolution ------------------------------------------------------------------------


@custom_op(_name("masked_convolution"), mutates_args=())
def _convolution(x: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, window: list[int], groups: int) -> Tensor:
    with torch.no_grad():
        return masked_convolution(x, mask, weight, bias, Geometry.of_numbers(window), groups).contiguous()


@custom_op(_name("masked_convolution_backward"), mutates_args=())
def _convolution_backward(
    x: Tensor, mask: Tensor, weight: Tensor, gradient: Tensor, window: list[int], groups: int, wanted: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """What is not wanted is 0."""
    found = masked_convolution_gradients(x, mask, weight, gradient, Geometry.of_numbers(window), groups, wanted)
    first, second, third = (torch.zeros_like(t) if f is None else f.contiguous() for t, f in zip((x, mask, weight), found, strict=True))
    return first, second, third


@register_fake(_name("masked_convolution"))
def _(x: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, window: list[int], groups: int) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0], *mask.shape[2:])


@register_fake(_name("masked_convolution_backward"))
def _(x: Tensor, mask: Tensor, weight: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _like(x), _like(mask), _like(weight)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, mask, weight, _, ctx.window, ctx.groups = inputs
    ctx.save_for_backward(x, mask, weight)


def _convolution_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    wanted = list(ctx.needs_input_grad[:3])
    bias = gradient.sum((0, 2, 3)) if ctx.needs_input_grad[3] else None
    found = torch.ops.segaware_caffe.masked_convolution_backward(*ctx.saved_tensors, gradient, ctx.window, ctx.groups, wanted)
    return *_wanted(found, wanted), bias, None, None


# -- masked sum --------------------------------------------------------------------------------


@custom_op(_name("masked_sum"), mutates_args=())
def _sum(x: Tensor, mask: Tensor, window: list[int]) -> Tensor:
    with torch.no_grad():
        return masked_sum(x, mask, Geometry.of_numbers(window)).contiguous()


@custom_op(_name("masked_sum_backward"), mutates_args=())
def _sum_backward(x: Tensor, mask: Tensor, gradient: Tensor, window: list[int], wanted: list[bool]) -> tuple[Tensor, Tensor]:
    """What is not wanted is 0."""
    first, second = masked_sum_gradients(x, mask, gradient, Geometry.of_numbers(window), wanted)
    return first.contiguous(), second.contiguous()


@register_fake(_name("masked_sum"))
def _(x: Tensor, mask: Tensor, window: list[int]) -> Tensor:
    return x.new_empty(*x.shape[:2], *mask.shape[2:])


@register_fake(_name("masked_sum_backward"))
def _(x: Tensor, mask: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return _like(x), _like(mask)


def _keep_sum(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, mask, ctx.window = inputs
    ctx.save_for_backward(x, mask)


def _sum_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    wanted = list(ctx.needs_input_grad[:2])
    found = torch.ops.segaware_caffe.masked_sum_backward(*ctx.saved_tensors, gradient, ctx.window, wanted)
    return *_wanted(found, wanted), None


# -- window distances --------------------------------------------------------------------------


@custom_op(_name("im2dist"), mutates_args=())
def _distances(x: Tensor, window: list[int], l1: bool, remove_center: bool, remove_bounds: bool) -> Tensor:
    with torch.no_grad():
        return im2dist(x, Geometry.of_numbers(window), l1, remove_center, remove_bounds)


@custom_op(_name("im2dist_backward"), mutates_args=())
def _distances_backward(x: Tensor, gradient: Tensor, window: list[int], l1: bool) -> Tensor:
    return im2dist_gradient(x, gradient, Geometry.of_numbers(window), l1).contiguous()


@register_fake(_name("im2dist"))
def _(x: Tensor, window: list[int], *_: Any) -> Tensor:
    geometry = Geometry.of_numbers(window)
    return x.new_empty(x.shape[0], geometry.taps, *geometry.output(x.shape[2:]))


@register_fake(_name("im2dist_backward"))
def _(x: Tensor, *_: Any) -> Tensor:
    return _like(x)


def _keep_distances(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.window, ctx.l1, *_ = inputs
    ctx.save_for_backward(x)


def _distance_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    return torch.ops.segaware_caffe.im2dist_backward(*ctx.saved_tensors, gradient, ctx.window, ctx.l1), None, None, None, None


# -- all of them -------------------------------------------------------------------------------


def _like(value: Tensor) -> Tensor:
    return torch.empty_like(value, memory_format=torch.contiguous_format)


def _wanted(found: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor | None]:
    return [value if want else None for value, want in zip(found, wanted, strict=True)]


register_autograd(_name("masked_convolution"), _convolution_gradients, setup_context=_keep)
register_autograd(_name("masked_sum"), _sum_gradients, setup_context=_keep_sum)
register_autograd(_name("im2dist"), _distance_gradients, setup_context=_keep_distances)
for _function in ("masked_convolution", "masked_sum", "im2dist"):
    for _device in ("cpu", "cuda"):
        register_autocast(_name(_function), _device, torch.float32)  # their kernels take one type, and sums want all digits


@register_flop_formula(torch.ops.segaware_caffe.masked_convolution)
def _flops(x: Any, mask: Any, weight: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return int(2 * x[0] * math.prod(weight) * math.prod(mask[2:]))


@register_flop_formula(torch.ops.segaware_caffe.masked_convolution_backward)
def _backward_flops(x: Any, mask: Any, weight: Any, gradient: Any, window: Any, groups: Any, wanted: Any, **_: Any) -> int:
    """One product for the gradients of image and mask, which share it, and one for that of the weights."""
    return _flops(x, mask, weight) * (bool(wanted[0] or wanted[1]) + bool(wanted[2]))


@register_flop_formula(torch.ops.segaware_caffe.im2dist)
def _distance_flops(x: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """A difference and a sum for each channel."""
    return int(2 * x[1] * math.prod(out_shape))
