"""Normalisation by statistics of a batch, of a sample, or of a neighbourhood (spec/layers.md 5.4, 5.29, 5.32)."""

from typing import Any

import torch
from torch.nn import functional


def batch_norm(value: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(value - mean) / sqrt(variance + eps) with the batch's own statistics, and these, without gradient.

    `value` (N, C, ...) -> the same shape, mean (C) and biased variance (C).
    """
    # A pass of its own for the statistics: torch.batch_norm computes them too, but keeps them to itself.
    variance, mean = torch.var_mean(value.detach(), [axis for axis in range(value.ndim) if axis != 1], correction=0)
    return torch.batch_norm(value, None, None, None, None, True, 0.0, eps, torch.backends.cudnn.enabled), mean, variance


def fixed_norm(value: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, eps: float) -> torch.Tensor:
    """(value - mean) / sqrt(variance + eps) with given statistics (C) of `value` (N, C, ...), computed in their type."""
    return functional.batch_norm(value.to(mean.dtype), mean, variance, eps=eps).to(value.dtype)


def mean_square_around(value: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """The mean of (value - mean) ^ 2 over all axes but 1, without gradient: `value` (N, C, ...), `mean` (C) -> (C)."""
    difference = value.detach().transpose(1, -1) - mean
    return difference.square().flatten(0, -2).mean(0)


class _MeanVarianceNorm(torch.autograd.Function):
    """y = (x - m) / (sqrt(v) + eps) over the last axis.

    The reference's gradient, (dy - mean(dy) - y * mean(dy * y)) / (sqrt(v) + eps), is that of eps = 0:
    the true one has y * (sqrt(v) + eps) / sqrt(v) in its last term (spec/layers.md 10).
    """

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, eps: float) -> torch.Tensor:
        centred = value - value.mean(-1, keepdim=True)
        divisor = centred.square().mean(-1, keepdim=True).sqrt() + eps
        top = centred / divisor
        ctx.save_for_backward(top, divisor)
        return top

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        top, divisor = ctx.saved_tensors
        mean, slope = gradient.mean(-1, keepdim=True), (gradient * top).mean(-1, keepdim=True)
        return (gradient - mean - top * slope) / divisor, None


def mean_variance_norm(value: torch.Tensor, eps: float) -> torch.Tensor:
    """(value - mean) / (standard deviation + eps) over the last axis, with the reference's gradient."""
    return _MeanVarianceNorm.apply(value, eps)


def across_channels_norm(value: torch.Tensor, size: int, alpha: float, beta: float, k: float) -> torch.Tensor:
    """value / (k + alpha / size * sum of squares over the `size` nearest channels) ^ beta.

    `value` (N, C, H, W) -> the same; `size` is odd, channels that do not exist count as 0.
    """
    half, channels = size // 2, value.shape[1]
    if value.requires_grad and torch.is_grad_enabled():
        squares = functional.pad(value.square(), (0, 0, 0, 0, half, half))
        total = sum(squares[:, first : first + channels] for first in range(size))
        return value * (k + alpha / size * total) ** -beta
    squares = value.square()
    total = squares.clone()
    for distance in range(1, min(half, channels - 1) + 1):
        total[:, distance:] += squares[:, :-distance]
        total[:, :-distance] += squares[:, distance:]
    total.mul_(alpha / size).add_(k)
    if beta == 0.75:  # what everybody uses, and two square roots are much faster than a power
        total.rsqrt_()
        return total.mul_(total.sqrt()).mul_(value)
    return total.pow_(-beta).mul_(value)


def within_channel_norm(value: torch.Tensor, size: int, alpha: float, beta: float) -> torch.Tensor:
    """value / (1 + alpha * mean of squares in the `size` x `size` neighbourhood) ^ beta.

    `value` (N, C, H, W) -> the same; `size` is odd, pixels beyond the image count as 0.
    """
    mean = functional.avg_pool2d(value.square(), size, 1, size // 2)
    return value * (1 + alpha * mean) ** -beta
