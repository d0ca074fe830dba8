"""Edge-preserving smoothing by recursive filters along rows and columns (spec/layers.md 4.6, 4.7).

Every pass is one recurrence along an axis, up or down; only that axis is a loop, its steps cover
all channels and lines at once. Training keeps the image after each pass, for the weights' gradient.
"""

import math
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from segaware_caffe.ops.substitute import substitute


class _Recurrence(torch.autograd.Function):
    """Along the first axis of x (n, C, lines), with weights (n - 1, lines), one between each i and its neighbour j:

    y[i] = x[i] + w * (y[j] - x[i]), j before i, or after it if `reverse`; the first y of all is x.
    Let g[i] be the whole derivative of the loss to y[i]. Backward takes the steps from the last:
    g[j] += w * g[i]; then dx[i] = (1 - w) * g[i], and dw is the sum over channels of g[i] * (y[j] - x[i]).
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weights: torch.Tensor, reverse: bool) -> torch.Tensor:
        y = x.clone(memory_format=torch.contiguous_format)
        for i, j in _steps(len(y), reverse):
            y[i].lerp_(y[j], weights[min(i, j)])
        ctx.save_for_backward(x, weights, y)
        ctx.reverse = reverse
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        x, weights, y = ctx.saved_tensors
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        for i, j in reversed(_steps(len(y), ctx.reverse)):
            gradient[j].addcmul_(gradient[i], weights[min(i, j)])
        here, neighbour = slice(1, None), slice(None, -1)
        if ctx.reverse:
            here, neighbour = neighbour, here
        weights_gradient = (gradient[here] * (y[neighbour] - x[here])).sum(1)
        gradient[here] *= 1 - weights[:, None]
        return gradient, weights_gradient, None


def _steps(count: int, reverse: bool) -> list[tuple[int, int]]:
    """Every element that has a neighbour before it, or after it, and that neighbour, in the order of the recurrence."""
    if reverse:
        return [(i, i + 1) for i in range(count - 2, -1, -1)]
    return [(i, i - 1) for i in range(1, count)]


def domain_transform(
    x: torch.Tensor,
    edges: torch.Tensor,
    iterations: int,
    spatial_sigma: float,
    range_sigma: float,
    min_weight: float | None,
) -> torch.Tensor:
    """Smooth an image except across edges: x (C, H, W), edges (H, W) -> (C, H, W).

    Iteration i has sigma_i = spatial_sigma * sqrt(3) * 2^(K - i - 1) / sqrt(4^K - 1), K iterations in
    all, and the weights exp(-sqrt(2) / sigma_i * (1 + edges * spatial_sigma / range_sigma)), clamped
    to [min_weight, 1] unless `min_weight` is None.

    The gradient to the edges is -sqrt(2) / sigma_i * spatial_sigma / range_sigma * w * dw with the
    clamped weight w: as in the reference it passes through the clamp.
    """
    for index in range(iterations):
        sigma = spatial_sigma * math.sqrt(3) * 2.0 ** -(index + 1) / math.sqrt(1 - 4.0**-iterations)
        weights = _weights(edges, math.sqrt(2) / sigma, spatial_sigma / range_sigma, min_weight)
        x = _both_ways(x.permute(2, 0, 1), weights.T[1:])
        x = _both_ways(x.permute(2, 1, 0), weights[1:]).transpose(0, 1)
    return x


def _weights(edges: torch.Tensor, rate: float, ratio: float, min_weight: float | None) -> torch.Tensor:
    weights = torch.exp(-rate * (1 + edges * ratio))
    if min_weight is None:
        return weights
    weights = weights.detach().clamp(min_weight, 1)
    return substitute(edges * (-rate * ratio * weights), weights)


def _both_ways(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The recurrence up the first axis of x, then down."""
    return _Recurrence.apply(_Recurrence.apply(x, weights, False), weights, True)
