"""Functions that exported modules take along, each as it stands here, where they use it.

So each needs nothing but torch, math and the functions that it names with `needs`.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


def needs(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: these helpers are taken along too."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        every = dict.fromkeys(deeper for f in functions for deeper in (*getattr(f, "needs", ()), f))
        function.needs = tuple(every)  # type: ignore[attr-defined]
        return function

    return add


def windows(x, kernel, stride, pad, ceil, fill):
    """x, padded with `fill` or cropped so that Caffe's pooling windows tile it without padding."""
    margins = []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        span = size + 2 * p - k
        count = (-(-span // s) if ceil else span // s) + 1
        if any(pad) and (count - 1) * s >= size + p:
            count -= 1  # Caffe drops a window that would start in the padding
        margins = [p, (count - 1) * s + k - size - p, *margins]
    return functional.pad(x, margins, value=fill)


@needs(windows)
def max_pool(x, kernel, stride, pad, ceil):
    """The largest element of every window, for padding wider than torch's pooling takes."""
    return functional.max_pool2d(windows(x, kernel, stride, pad, ceil, torch.finfo(x.dtype).min), kernel, stride)


@needs(windows)
def average_pool(x, kernel, stride, pad, ceil):
    """Means of windows, for padding wider than torch's pooling takes; padding counts as zeros, overhang does not."""
    inside = functional.pad(torch.ones_like(x[:1, :1]), [pad[1], pad[1], pad[0], pad[0]], value=1.0)
    sums, counts = (
        functional.avg_pool2d(value, kernel, stride, divisor_override=1)
        for value in (windows(x, kernel, stride, pad, ceil, 0.0), windows(inside, kernel, stride, (0, 0), ceil, 0.0))
    )
    return sums / counts[..., : sums.shape[2], : sums.shape[3]]


@needs(windows)
def stochastic_mean(x, kernel, stride, ceil):
    """What stochastic pooling draws on average: the sum of squares over the sum; 0 where the sum is not positive."""
    tiled = (windows(value, kernel, stride, (0, 0), ceil, 0.0) for value in (x, x * x))
    sums, squares = (functional.avg_pool2d(value, kernel, stride) for value in tiled)
    return torch.where(sums > 0, squares / torch.where(sums > 0, sums, 1), 0)


def within_channel_norm(x, size, alpha, beta):
    """x / (1 + alpha * mean of squares of the size x size neighbours) ^ beta."""
    return x * (1 + alpha * functional.avg_pool2d(x * x, size, 1, size // 2)) ** -beta


def batch_statistics_norm(x, eps):
    """(x - mean) / sqrt(variance + eps) with the statistics of this batch."""
    return functional.batch_norm(x, None, None, training=True, eps=eps)


def mean_variance_norm(x, first_axis, normalize_variance, eps):
    """Subtract the mean over the axes from `first_axis` on, and divide by the standard deviation + eps."""
    values = x.reshape(*x.shape[:first_axis], -1)
    values = values - values.mean(-1, keepdim=True)
    if normalize_variance:
        values = values / (values.square().mean(-1, keepdim=True).sqrt() + eps)
    return values.reshape(x.shape)


def unit_norm(x, axes, eps, scale):
    """x divided by its Euclidean norm over some axes, times a scale a channel."""
    norm = (x.square().sum(axes, keepdim=True) + eps).sqrt()
    return x / norm * scale.view(-1, *[1] * (x.ndim - 2))


def along_axis(x, operand, axis):
    """`operand` with axes of size 1 behind its own, so that its first is x's `axis`."""
    return operand.reshape(*operand.shape, *[1] * (x.ndim - axis - operand.ndim))


def resize(x, shrink, zoom):
    """Bilinear, corners on corners, to every shrink-th pixel and zoom pixels for each of these (DeepLab's Interp)."""
    size = [(size - 1) // shrink * zoom + 1 for size in x.shape[2:]]
    return functional.interpolate(x, size, mode="bilinear", align_corners=True)


def crop(x, reference, axis, offsets):
    """The part of x from `offsets` on that has the reference's size, in the axes from `axis` on."""
    for index, start in enumerate(offsets, axis):
        x = x.narrow(index, start, reference.shape[index])
    return x


def channel_maxima(x, groups):
    """The largest of each group of neighbouring channels."""
    return x.unflatten(1, (groups, -1)).amax(2)


def shuffle_channels(x, groups):
    """Deal out the channels of the groups in turn."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def unpool(x, mask, height, width):
    """Every element of x (N, C, h, w) where the mask says in a plane of height x width; the rest is 0."""
    plane = x.new_zeros(*x.shape[:2], height * width)
    return plane.scatter(2, mask.long().flatten(2), x.flatten(2)).unflatten(2, (height, width))


def largest(x, count, axis):
    """The `count` largest elements of an axis and their indices; of equal ones the larger index comes first."""
    mirrored = x.flip(axis)
    places = mirrored.argsort(dim=axis, descending=True, stable=True).narrow(axis, 0, count)
    return mirrored.gather(axis, places), (x.shape[axis] - 1 - places).to(x.dtype)


def im2col(x, kernel, stride, pad, dilation):
    """The taps of every window as channels: (N, C, H, W) -> (N, C * taps, H', W')."""
    sides = zip(x.shape[2:], kernel, stride, pad, dilation, strict=True)
    size = [(side + 2 * p - d * (k - 1) - 1) // s + 1 for side, k, s, p, d in sides]
    return functional.unfold(x, kernel, dilation, pad, stride).unflatten(2, size)


@needs(im2col)
def im2dist(x, kernel, stride, pad, dilation, l1=False, remove_center=False, remove_bounds=False):
    """How far each tap of a window is from its centre: (N, C, H, W) -> (N, taps, H', W').

    The sum over channels of (centre - tap)^2 / 2, or |centre - tap|; 0 for taps outside the image, 3.4e36 if removed.
    """
    centre = kernel[0] // 2 * kernel[1] + kernel[1] // 2
    columns = im2col(x, kernel, stride, pad, dilation).unflatten(1, (x.shape[1], -1))
    inside = im2col(torch.ones_like(x[:1, :1]), kernel, stride, pad, dilation)
    there = inside[:, centre : centre + 1]
    difference = columns[:, :, centre : centre + 1] - columns
    distances = (difference.abs() if l1 else difference.square() / 2).sum(1) * inside * there
    if remove_bounds:
        distances = distances + 3.4028234663852886e36 * there * (1 - inside)
    if remove_center:
        removed = torch.zeros_like(inside)
        removed[:, centre] = 3.4028234663852886e36
        distances = distances + removed * there
    return distances


@needs(im2col)
def masked_columns(x, mask, kernel, stride, pad, dilation):
    """The taps of every window, weighted by a mask (N, taps, H', W') that all channels share: (N, C, taps, H', W')."""
    return im2col(x, kernel, stride, pad, dilation).unflatten(1, (x.shape[1], -1)) * mask[:, None]


@needs(masked_columns)
def masked_convolution(x, mask, weight, bias, groups, kernel, stride, pad, dilation):
    """A convolution whose taps are weighted by a mask of their own at every position (the segmentation-aware one)."""
    columns = masked_columns(x, mask, kernel, stride, pad, dilation).flatten(1, 2)
    return functional.conv2d(columns, weight.flatten(1)[:, :, None, None], bias, groups=groups)


@needs(masked_columns)
def masked_sum(x, mask, kernel, stride, pad, dilation):
    """The sum of the taps of every window under a mask: (N, C, H, W) -> (N, C, H', W')."""
    return masked_columns(x, mask, kernel, stride, pad, dilation).sum(2)


@needs(im2dist)
def softmax_mask(embedding, scale, kernel, stride, pad, dilation, l1=False, remove_center=False, remove_bounds=False):
    """The softmax over the taps of minus `scale` times their distances in an embedding."""
    distances = im2dist(embedding, kernel, stride, pad, dilation, l1, remove_center, remove_bounds)
    return torch.softmax(-scale * distances, 1)


@needs(masked_sum)
def mean_field(unary, scores, masks, windows, weights, compatibility, iterations):
    """Mean-field iterations of a CRF whose kernels are masks: scores (N, K, H, W) -> the same.

    q <- unary - compatibility * (sum over kernels of weight * average of softmax(q) under the mask).
    """
    for _ in range(iterations):
        probabilities = scores.softmax(1)
        averages = (masked_sum(probabilities, mask, *window) for mask, window in zip(masks, windows, strict=True))
        mixed = zip(weights, averages, strict=True)
        message = sum(torch.einsum("kj,njhw->nkhw", weight, average) for weight, average in mixed)
        scores = unary - torch.einsum("kj,njhw->nkhw", compatibility, message)
    return scores


def lstm_unit(cell, gates, cont):
    """The next cell and hidden state; `cont` is 0 where a sequence begins."""
    i, f, o, g = gates.chunk(4, -1)
    cell = cont * f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return cell, o.sigmoid() * cell.tanh()


@needs(lstm_unit)
def lstm(drive, cont, recurrent, hidden=None, cell=None):
    """All steps of an LSTM: drive (T, N, 4D), cont (T, N) -> outputs (T, N, D), last states (1, N, D)."""
    start = drive.new_zeros(drive.shape[1], drive.shape[2] // 4)
    hidden, cell = (start if state is None else state[0] for state in (hidden, cell))
    outputs = []
    for now, going_on in zip(drive, cont[..., None], strict=True):
        cell, hidden = lstm_unit(cell, now + functional.linear(going_on * hidden, recurrent), going_on)
        outputs.append(hidden)
    return torch.stack(outputs), hidden[None], cell[None]


def rnn(drive, cont, recurrent, output_weight, output_bias, hidden=None):
    """All steps of a simple recurrent net: drive (T, N, D), cont (T, N) -> outputs (T, N, D), last state (1, N, D)."""
    hidden = drive.new_zeros(drive.shape[1:]) if hidden is None else hidden[0]
    outputs = []
    for now, going_on in zip(drive, cont[..., None], strict=True):
        hidden = torch.tanh(now + functional.linear(going_on * hidden, recurrent))
        outputs.append(torch.tanh(functional.linear(hidden, output_weight, output_bias)))
    return torch.stack(outputs), hidden[None]


def softmax_loss(scores, labels, axis, ignored, divide_by):
    """The mean of -log softmax at the labels; `divide_by`: VALID, FULL, BATCH_SIZE or NONE."""
    outer, classes = math.prod(scores.shape[:axis]), scores.shape[axis]
    labels = labels.reshape(outer, -1).long()
    valid = torch.ones_like(labels, dtype=torch.bool)
    for label in ignored:
        valid = valid & (labels != label)
    values = functional.cross_entropy(scores.reshape(outer, classes, -1), labels.where(valid, 0), reduction="none")
    count = {"VALID": valid.sum(), "FULL": valid.numel(), "BATCH_SIZE": outer, "NONE": 1}[divide_by]
    return (values * valid).sum() / max(1, count)
