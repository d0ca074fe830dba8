"""Pooling over windows that may overhang the image, as Caffe defines it (spec/layers.md 5.33)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from segaware_caffe.ops import native
from segaware_caffe.ops.columns import im2col
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.losses import total
from segaware_caffe.ops.watched import is_watched

FLT_MAX = torch.finfo(torch.float32).max
FLT_MIN = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Windows:
    """The windows of a pooling: position o covers the `kernel` elements from o * stride - pad on.

    With `ceil` the last window may overhang the padded image. What lies outside the image does not
    count, except in averages, where padding counts as zeros. Where the stride exceeds the kernel the
    last window may be empty.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    ceil: bool = True

    def output(self, spatial: Sequence[int]) -> tuple[int, int]:
        """The number of windows per axis.

        With padding anywhere, a last window that would start beyond image and leading padding is
        dropped; without, it is not, though it be empty.
        """
        counts = []
        for size, k, s, p in zip(spatial, self.kernel, self.stride, self.pad, strict=True):
            span = size + 2 * p - k
            count = (-(-span // s) if self.ceil else span // s) + 1
            counts.append(count - 1 if any(self.pad) and (count - 1) * s >= size + p else count)
        return counts[0], counts[1]

    def empty(self, spatial: Sequence[int]) -> bool:
        """Whether the last window along an axis starts beyond the image, which takes a stride beyond the kernel."""
        if all(s <= k for s, k in zip(self.stride, self.kernel, strict=True)):
            return False
        starts = [(o - 1) * s - p for o, s, p in zip(self.output(spatial), self.stride, self.pad, strict=True)]
        return any(start >= size for start, size in zip(starts, spatial, strict=True))

    def native(self, spatial: Sequence[int]) -> bool:
        """Whether PyTorch's pooling accepts the padding and makes the same windows: it has no empty ones."""
        return all(2 * p <= k for k, p in zip(self.kernel, self.pad, strict=True)) and not self.empty(spatial)

    def tile(self, value: torch.Tensor, fill: float) -> torch.Tensor:
        """`value`, padded with `fill` or cropped so that the windows without padding tile it exactly."""
        margins: list[int] = []
        spatial = value.shape[2:]
        for size, o, k, s, p in zip(spatial, self.output(spatial), self.kernel, self.stride, self.pad, strict=True):
            margins = [p, (o - 1) * s + k - size - p, *margins]
        return functional.pad(value, margins, value=fill)


def least(value: torch.Tensor) -> float:
    """-FLT_MAX, with which a maximum starts, or the least number of a type that has none as small."""
    return max(-FLT_MAX, torch.finfo(value.dtype).min)


def max_pool(value: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """The maximum of every window, and where it is.

    `value` (N, C, H, W) -> maxima (N, C, H', W') and indices into the plane of H * W elements. The
    first of equal maxima in row-major order wins and gets the gradient. NaN and -inf never win: a
    window of nothing else, or of nothing, is -FLT_MAX, its index -1.
    """
    lowest = least(value)
    if windows.native(value.shape[2:]):
        top, index = _maxima(value, windows)
    else:
        tiled = windows.tile(value, lowest)
        top, index = _maxima(tiled, Windows(windows.kernel, windows.stride, (0, 0), ceil=False))
        rows = index // tiled.shape[3] - windows.pad[0]
        columns = index % tiled.shape[3] - windows.pad[1]
        index = rows * value.shape[3] + columns
    return top, torch.where(top > lowest, index, -1)


def _maxima(value: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """`max_pool` in windows that PyTorch's pooling has too; an index means nothing where NaN and -inf are all."""
    contenders = torch.where(value > least(value), value, least(value))
    return functional.max_pool2d(contenders, windows.kernel, windows.stride, windows.pad, ceil_mode=windows.ceil, return_indices=True)


def max_pool_values(value: torch.Tensor, windows: Windows) -> torch.Tensor:
    """`max_pool`'s maxima alone: there are faster ways to them."""
    has_gradient = value.requires_grad and torch.is_grad_enabled()
    if not has_gradient and value.is_contiguous() and native.why_not_tensors(value) is None:
        return native.max_pool(value, windows.output(value.shape[2:]), windows.kernel, windows.stride, windows.pad)
    if not has_gradient and _native_by_pixels(value, windows):
        return native.pool(value, windows.output(value.shape[2:]), windows.kernel, windows.stride, windows.pad, mean=False)
    if not windows.native(value.shape[2:]):
        return max_pool(value, windows)[0]
    if value.device.type == "cpu" and not is_watched():  # elsewhere the question would wait for the device
        top = functional.max_pool2d(value, windows.kernel, windows.stride, windows.pad, ceil_mode=windows.ceil)
        if total(top.detach()).isfinite():  # else there may be a NaN, which wins in PyTorch
            return top
    return _maxima(value, windows)[0]


def _native_by_pixels(value: torch.Tensor, windows: Windows) -> bool:
    """Whether the compiled kernel pools an image whose channels lie innermost."""
    innermost = value.is_contiguous(memory_format=torch.channels_last) and not value.is_contiguous()
    return innermost and native.why_not_tensors(value) is None and not windows.empty(value.shape[2:])


def average_pool(value: torch.Tensor, windows: Windows) -> torch.Tensor:
    """The mean of every window (N, C, H, W) -> (N, C, H', W'); padding counts as zeros, overhang beyond it does not.

    That count of an empty window is 0, and the mean NaN, or negative, and the mean 0.
    """
    if not (value.requires_grad and torch.is_grad_enabled()) and _native_by_pixels(value, windows):
        return native.pool(value, windows.output(value.shape[2:]), windows.kernel, windows.stride, windows.pad, mean=True)
    if windows.native(value.shape[2:]):
        return functional.avg_pool2d(value, windows.kernel, windows.stride, windows.pad, windows.ceil)
    spatial = value.shape[2:]
    heights, widths = (
        (size + 2 * p - s * torch.arange(count, device=value.device)).clamp(max=k).to(value.dtype)
        for size, count, k, s, p in zip(spatial, windows.output(spatial), windows.kernel, windows.stride, windows.pad, strict=True)
    )
    return _sums(value, windows) / torch.outer(heights, widths)


def stochastic_pool(value: torch.Tensor, windows: Windows) -> torch.Tensor:
    """One element of every window, drawn with a probability proportional to its value (>= 0); it gets the gradient.

    The element is the first, in row-major order, at which the running sum reaches a uniform draw
    times the window's sum. Without padding only.
    """
    geometry = Geometry(windows.kernel, windows.stride, (0, 0), (1, 1))
    columns = im2col(windows.tile(value, 0), geometry).unflatten(1, (value.shape[1], geometry.taps))
    running = columns.detach().cumsum(2)
    total = running[:, :, -1:]
    taps = torch.arange(geometry.taps, device=value.device).view(-1, 1, 1)
    reached = torch.where(running >= torch.rand_like(total) * total, taps, geometry.taps - 1)
    return columns.gather(2, reached.amin(2, keepdim=True)).squeeze(2)


def stochastic_mean(value: torch.Tensor, windows: Windows) -> torch.Tensor:
    """What `stochastic_pool` draws on average: the sum of squares over the sum; 0 where the sum is not positive."""
    total = _sums(value, windows)
    positive = total > 0
    return torch.where(positive, _sums(value * value, windows) / torch.where(positive, total + FLT_MIN, 1), 0)


def _sums(value: torch.Tensor, windows: Windows) -> torch.Tensor:
    return functional.avg_pool2d(windows.tile(value, 0), windows.kernel, windows.stride, divisor_override=1)
