"""Sums over a window whose taps are weighted by a mask of their own at every position.

A mask (N, taps, H', W') is common to all channels, so a masked convolution is
out[o, q] = sum over taps p of mask[p, q] * sum over c of weight[o, c, p] * x[c, q + offset of p].
Written out in layers (Im2col, Tile, Eltwise, Convolution or ChannelReduce) it takes matrices of
the taps times the image's size; here no more than a band of rows of them exists at a time, in
either pass. So it is on the CPU; elsewhere `ops.device` says who does it in few launches.
Gradients are the true ones. Where a call is watched, it is an operator of `ops.library`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from segaware_caffe.ops import native
from segaware_caffe.ops.device import few_launches
from segaware_caffe.ops.geometry import Geometry, bands, taps
from segaware_caffe.ops.layout import planar
from segaware_caffe.ops.watched import is_watched

#: which of several gradients are asked for
Wanted = Sequence[bool]


class _MaskedSum(torch.autograd.Function):
    """One fused multiply-add of a shifted view for each tap: so cheap that bands would not pay."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, mask: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        ctx.save_for_backward(x, mask)
        ctx.geometry = geometry
        if native.why_not(geometry, x, mask) is None:
            return native.masked_sum(planar(x), planar(mask), geometry)
        if kernels := few_launches(x):
            return kernels.masked_sum(x, mask, geometry)
        result = x.new_zeros(*x.shape[:2], *mask.shape[2:], dtype=_dtype_of_sums(x))
        for index, at, reads in taps(geometry, x.shape[2:]):
            result[at].addcmul_(x[reads], mask[:, index : index + 1][at])
        return result.to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, mask = ctx.saved_tensors
        return *masked_sum_gradients(x, mask, gradient, ctx.geometry, ctx.needs_input_grad[:2]), None


def masked_sum_gradients(
    x: torch.Tensor, mask: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, wanted: Wanted
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of x and mask, 0 where they are not `wanted`, from that of their masked sum."""
    if kernels := few_launches(x):
        return kernels.masked_sum_gradients(x, mask, gradient, geometry, wanted)
    x_gradient, mask_gradient = torch.zeros_like(x, dtype=_dtype_of_sums(x)), torch.zeros_like(mask)
    for index, at, reads in taps(geometry, x.shape[2:]):
        if wanted[0]:
            x_gradient[reads].addcmul_(gradient[at], mask[:, index : index + 1][at])
        if wanted[1]:
            mask_gradient[:, index][at] = (gradient[at] * x[reads]).sum(1)
    return x_gradient.to(x.dtype), mask_gradient


class _MaskedConvolution(torch.autograd.Function):
    """Bands of masked columns, each one matrix product; backward makes the columns anew."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        mask: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        geometry: Geometry,
        groups: int,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, mask, weight)
        ctx.geometry, ctx.groups = geometry, groups
        if why_not_native(x, mask, weight, geometry, groups) is None:
            return native.masked_convolution(planar(x), planar(mask), weight, bias, geometry)
        if kernels := few_launches(x):
            return kernels.masked_convolution(x, mask, weight, bias, geometry, groups)
        matrix = _matrix(weight, groups)
        result = x.new_empty(len(x), len(weight), *mask.shape[2:])
        for sample, rows in _blocks(x, mask):
            columns = _columns(x[sample], mask[sample, :, rows], geometry, rows)
            band = result[sample, :, rows]
            band.copy_((matrix @ columns.view(groups, matrix.shape[2], -1)).view(band.shape))
        return result if bias is None else result.add_(bias[:, None, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, mask, weight = ctx.saved_tensors
        bias_gradient = gradient.sum((0, 2, 3)) if ctx.needs_input_grad[3] else None
        gradients = masked_convolution_gradients(x, mask, weight, gradient, ctx.geometry, ctx.groups, ctx.needs_input_grad[:3])
        return *gradients, bias_gradient, None, None


def masked_convolution_gradients(
    x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, groups: int, wanted: Wanted
) -> tuple[torch.Tensor | None, ...]:
    """The gradients of x, mask and weight, as far as they are `wanted`, from that of their masked convolution."""
    if why_not_native(x, mask, weight, geometry, groups) is None:
        return native.masked_gradients(x, mask, weight, gradient, geometry, wanted)
    if kernels := few_launches(x):
        return kernels.masked_convolution_gradients(x, mask, weight, gradient, geometry, groups, wanted)
    matrix = _matrix(weight, groups)
    x_gradient, mask_gradient, matrix_gradient = map(torch.zeros_like, (x, mask, matrix))
    for sample, rows in _blocks(x, mask):
        band = gradient[sample, :, rows].reshape(groups, matrix.shape[1], -1)
        if wanted[2]:
            columns = _columns(x[sample], mask[sample, :, rows], geometry, rows)
            matrix_gradient += band @ columns.view(groups, matrix.shape[2], -1).mT
        if wanted[0] or wanted[1]:
            columns = (matrix.mT @ band).view(x.shape[1], mask.shape[1], -1, mask.shape[3])
            _spread(columns, x[sample], mask[sample, :, rows], geometry, rows, x_gradient[sample], mask_gradient[sample, :, rows])
    return x_gradient, mask_gradient, matrix_gradient.view(weight.shape)


def _dtype_of_sums(x: torch.Tensor) -> torch.dtype:
    """Float32 for halves: a sum over many taps would lose their last digits one by one."""
    return torch.promote_types(x.dtype, torch.float32)


def _matrix(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """(O, C / groups, kh, kw) -> (groups, O / groups, C / groups * taps)."""
    return weight.reshape(groups, len(weight) // groups, -1)


def _blocks(x: torch.Tensor, mask: torch.Tensor) -> list[tuple[int, slice]]:
    """The pieces of work: a sample and a band of its output's rows each."""
    height, width = mask.shape[2:]
    rows = list(bands(height, x.shape[1] * mask.shape[1] * width))
    return [(sample, band) for sample in range(len(x)) for band in rows]


def _columns(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry, rows: slice) -> torch.Tensor:
    """What the taps read of one sample x (C, H, W), times their mask (taps, rows, W'): (C, taps, rows, W')."""
    columns = x.new_zeros(len(x), *mask.shape)
    for index, at, reads in taps(geometry, x.shape[1:], rows):
        torch.mul(x[reads], mask[index][at], out=columns[:, index][at])
    return columns


def _spread(
    columns: torch.Tensor,
    x: torch.Tensor,
    mask: torch.Tensor,
    geometry: Geometry,
    rows: slice,
    x_gradient: torch.Tensor,
    mask_gradient: torch.Tensor,
) -> None:
    """Carry the gradient of `_columns` to x (added) and to the mask (written)."""
    for index, at, reads in taps(geometry, x.shape[1:], rows):
        part = columns[:, index][at]
        x_gradient[reads].addcmul_(part, mask[index][at])
        mask_gradient[index][at] = (part * x[reads]).sum(0)


def masked_sum(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """Each channel's masked sum over the window: x (N, C, H, W), mask (N, taps, H', W') -> (N, C, H', W')."""
    if is_watched():
        return torch.ops.segaware_caffe.masked_sum(x, mask, geometry.numbers)
    if x.dtype != mask.dtype and x.device.type != "cpu":  # under autocast; kernels take one type, and sums want all digits
        x, mask = x.float(), mask.float()
    return _MaskedSum.apply(x, mask, geometry)


def masked_convolution(
    x: torch.Tensor,
    mask: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    geometry: Geometry,
    groups: int = 1,
    relu: bool = False,
) -> torch.Tensor:
    """Convolution of x (N, C, H, W) with weight (O, C / groups, kh, kw) and bias (O), its taps weighted by
    mask (N, taps, H', W') -> (N, O, H', W'); with `relu` max(0, that).
    """
    if is_watched():
        result = torch.ops.segaware_caffe.masked_convolution(x, mask, weight, bias, geometry.numbers, groups)
        return result.relu() if relu else result
    if _is_autocast(x.device.type):  # products in halves, as of PyTorch's own convolutions
        dtype = torch.get_autocast_dtype(x.device.type)
        x, mask, weight = x.to(dtype), mask.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    needs_gradient = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, mask, weight, bias))
    if not needs_gradient and why_not_native(x, mask, weight, geometry, groups) is None:
        return native.masked_convolution(planar(x), planar(mask), weight, bias, geometry, relu)
    result = _MaskedConvolution.apply(x, mask, weight, bias, geometry, groups)
    return result.relu_() if relu else result


def _is_autocast(device: str) -> bool:
    """Whether products on a device that is not the CPU are to be taken in another type."""
    return device != "cpu" and torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def why_not_native(x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, geometry: Geometry, groups: int = 1) -> str | None:
    """Why the compiled kernel does not run a masked convolution; None if it does."""
    if groups != 1:
        return "the compiled kernel has no groups"
    if geometry.taps > native.MAX_TAPS:
        return f"the compiled kernel has at most {native.MAX_TAPS} taps"
    return native.why_not(geometry, x, mask, weight)
