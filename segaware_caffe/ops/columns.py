"""The column matrix of a sliding kernel (im2col), for any number of spatial axes."""

import torch
from torch.nn import functional

from segaware_caffe.ops.geometry import Geometry


def reaching(value: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """`value` (N, C, *spatial), with zeros behind it where the kernel exceeds the padded image (`Geometry.shortfall`)."""
    missing = geometry.shortfall(value.shape[2:]) if geometry.kernel else ()
    return functional.pad(value, [p for size in reversed(missing) for p in (0, size)]) if any(missing) else value


def im2col(value: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """Every tap of every kernel position as a channel (spec/layers.md 2.1).

    `value` (N, C, *spatial) -> (N, C * P, *positions), P = elements of the kernel; channel c * P + p
    holds tap p of channel c, taps in row-major order. Taps outside the image are 0. The gradient is
    the exact adjoint (col2im): every element gets the sum over the taps that read it.

    A dilation of 0 makes all taps of an axis read the same element.
    """
    value = reaching(value, geometry)
    kernel, stride, pad, dilation = geometry.kernel, geometry.stride, geometry.pad, geometry.dilation
    if len(kernel) == 2 and all(dilation):
        columns = functional.unfold(value, kernel, dilation, pad, stride)
        return columns.view(*columns.shape[:2], *geometry.output(tuple(value.shape[2:])))
    windows = functional.pad(value, [p for size in reversed(pad) for p in (size, size)])
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation, strict=True), start=2):
        windows = windows.unfold(axis, d * (k - 1) + 1, s)
        windows = windows[..., ::d] if d else windows.expand(*windows.shape[:-1], k)
    axes = len(kernel)
    taps_first = (0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))
    return windows.permute(taps_first).flatten(1, 1 + axes)
