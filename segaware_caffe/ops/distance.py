"""Distances of each pixel's vector to its neighbours', and the loss that trains them (spec/layers.md 3.1 to 3.3)."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from segaware_caffe.ops import native
from segaware_caffe.ops.columns import im2col
from segaware_caffe.ops.device import few_launches
from segaware_caffe.ops.geometry import Geometry, bands, centred, coincident, pairs
from segaware_caffe.ops.layout import planar
from segaware_caffe.ops.losses import total
from segaware_caffe.ops.substitute import substitute
from segaware_caffe.ops.watched import is_watched


def sentinel(dtype: torch.dtype) -> float:
    """The distance of a removed tap: the reference's FLT_MAX / 100, as far as the type reaches."""
    return min(3.4028234663852886e36, torch.finfo(dtype).max)


class _Im2dist(torch.autograd.Function):
    """Tap by tap, in bands of rows: no pass holds more than a band of differences, and backward makes them anew.

    With d = z - t, centre minus tap, the distance |d| or d^2 / 2 has the derivative sign(d) or d
    to z and its negative to t. Sentinels and taps outside the image have none, nor has a tap that
    is the centre's own pixel.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, geometry: Geometry, l1: bool, remove_center: bool, remove_bounds: bool) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.geometry, ctx.l1 = geometry, l1
        if kernels := few_launches(x):
            filled = (sentinel(x.dtype) if removed else 0.0 for removed in (remove_center, remove_bounds))
            return kernels.distances(x, geometry, l1, *filled)
        count, channels, *spatial = x.shape
        height, width = geometry.output(spatial)
        result = x.new_zeros(count, geometry.taps, height, width)
        inside = centred(geometry, spatial)
        if inside:
            result[inside] = sentinel(x.dtype) if remove_bounds else 0
            for index in coincident(geometry):
                result[:, index][inside] = sentinel(x.dtype) if remove_center else 0
        if native.why_not(geometry, x) is None:
            native.write_distances(planar(x), result, geometry, l1)
            return result
        for rows in bands(height, count * channels * width):
            band = result[:, :, rows]
            for index, at, reads, centre in pairs(geometry, spatial, rows):
                difference = x[centre] - x[reads]
                terms = difference.abs_() if l1 else difference.square_().mul_(0.5)
                band[:, index][at] = terms.sum(1)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        return im2dist_gradient(x, gradient, ctx.geometry, ctx.l1), None, None, None, None


def im2dist_gradient(x: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, l1: bool) -> torch.Tensor:
    """The gradient of x from that of its distances."""
    if native.why_not(geometry, x, gradient) is None:
        return native.distance_gradients(x, gradient, geometry, l1)
    if kernels := few_launches(x):
        return kernels.distance_gradient(x, gradient, geometry, l1)
    count, channels, *spatial = x.shape
    height, width = gradient.shape[2:]
    result = torch.zeros_like(x)
    for rows in bands(height, count * channels * width):
        band = gradient[:, :, rows]
        for index, at, reads, centre in pairs(geometry, spatial, rows):
            slope = x[centre] - x[reads]
            if l1:
                slope.sign_()
            slope *= band[:, index : index + 1][at]
            result[centre] += slope
            result[reads] -= slope
    return result


def im2dist(
    x: torch.Tensor, geometry: Geometry, l1: bool = False, remove_center: bool = False, remove_bounds: bool = False
) -> torch.Tensor:
    """How far each tap of a patch is from the patch's centre.

    x (N, C, H, W) -> (N, taps, H', W'), over the channels the sum of |z - t|, or of (z - t)^2 / 2
    without `l1`. A tap outside the image has distance 0, or `sentinel` with `remove_bounds`; the
    centre itself `sentinel` with `remove_center`. A patch whose centre is outside has zeros throughout.
    """
    if x.dtype in (torch.float16, torch.bfloat16):  # squares leave the range of halves, and sums over channels their precision
        distances = im2dist(x.float(), geometry, l1, remove_center, remove_bounds)
        return distances.clamp(max=sentinel(x.dtype)).to(x.dtype)
    if is_watched():
        return torch.ops.segaware_caffe.im2dist(x, geometry.numbers, l1, remove_center, remove_bounds)
    return _Im2dist.apply(x, geometry, l1, remove_center, remove_bounds)


def im2parity(labels: torch.Tensor, geometry: Geometry, ignore_label: int | None = None) -> torch.Tensor:
    """Whether each tap of a patch has the label of the patch's centre.

    labels (N, C, H, W), of which the last channel counts, truncated to integers -> (N, taps, H', W')
    of 1 (the same) and 0; ignore_label where either label is ignore_label. Taps outside the
    image have label 0. A patch whose centre is outside is ignore_label throughout, or 0.
    """
    labels = labels[:, -1:].trunc()
    here = im2col(labels, geometry)
    centre = here[:, geometry.centre_tap, None]
    parity = (here == centre).to(labels.dtype)
    if ignore_label is not None:
        parity[(here == ignore_label) | (centre == ignore_label)] = ignore_label
    outside = im2col(torch.ones_like(labels), geometry)[:, geometry.centre_tap, None] == 0
    return parity.masked_fill_(outside, 0 if ignore_label is None else ignore_label)


def dist_loss(distances: torch.Tensor, parity: torch.Tensor, alpha: float, beta: float, ignore_label: int | None = None) -> torch.Tensor:
    """Pairs of one label should be nearer than alpha, others farther apart than beta.

    distances and parity have one shape; the mean over all elements, ignored ones included, of
    the violation: max(D - alpha, 0) where parity is not 0, max(beta - D, 0) where it is.

    The gradient is the violation / count, signed: that of the squared violation's half. The
    reference has it so, and embeddings were trained by it.
    """
    parity = parity.trunc()
    violation = torch.where(parity != 0, distances - alpha, beta - distances).clamp(min=0)
    if ignore_label is not None:
        violation = violation.masked_fill(parity == ignore_label, 0)
    return substitute(total(violation.square()) / 2 / violation.numel(), total(violation) / violation.numel())
