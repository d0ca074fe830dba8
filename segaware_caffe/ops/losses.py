"""Losses element by element, before they are summed and divided; where a gradient is stated, it is the reference's.

Class scores come as (outer, classes, inner), where inner counts the positions after the class
axis; class indices as (outer, 1, inner).
"""

import math

import torch
from torch.nn import functional

from segaware_caffe.ops.substitute import substitute

#: the reference's FLT_MIN and kLOG_THRESHOLD: what the arguments of its logarithms are clamped at
SMALLEST_FLOAT = 1.17549435e-38
LOG_THRESHOLD = 1e-20


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum as a scalar, in float32 for halves: a loss summed over an image exceeds their range."""
    return values.sum(dtype=torch.promote_types(values.dtype, torch.float32))


def softmax_loss(log_probabilities: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """-log(max(p[class], FLT_MIN)), shape (outer, 1, inner).

    The gradient by the scores is p - onehot, also where the logarithm is clamped.
    """
    loss = -log_probabilities.gather(1, classes)
    return substitute(loss, loss.clamp(max=-math.log(SMALLEST_FLOAT)))


def infogain_loss(log_probabilities: torch.Tensor, classes: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """-sum over j of gain[class, j] * log(max(p[j], 1e-20)), shape (outer, 1, inner); `gain` is (classes, classes).

    The gradient by the scores is p * rowsum(gain[class]) - gain[class], also where the logarithm is clamped.
    """
    rows = gain[classes.squeeze(1)].movedim(-1, 1)
    logs = substitute(log_probabilities, log_probabilities.clamp(min=math.log(LOG_THRESHOLD)))
    return -(rows * logs).sum(1, keepdim=True)


def multinomial_loss(probabilities: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """-log(max(p[class], 1e-20)) with the gradient -1 / max(p[class], 1e-20), also where it is clamped."""
    chosen = probabilities.gather(1, classes)
    return -substitute(chosen, chosen.clamp(min=LOG_THRESHOLD)).log()


def hinge_loss(scores: torch.Tensor, classes: torch.Tensor, squared: bool) -> torch.Tensor:
    """max(0, 1 - x) at the class, max(0, 1 + x) at the others, or their squares; of the scores' shape.

    The gradient is 0 where the margin is met exactly.
    """
    signs = torch.ones_like(scores).scatter_(1, classes, -1)
    violation = (1 + signs * scores).relu()
    return violation.square() if squared else violation


def contrastive_loss(first: torch.Tensor, second: torch.Tensor, similar: torch.Tensor, margin: float, legacy: bool) -> torch.Tensor:
    """For (N, C) pairs: d^2 if similar, else max(margin - d, 0)^2, or max(margin - d^2, 0) in the legacy version. (N).

    d = |a - b|, whose gradient is taken as (a - b) / (d + 1e-4).
    """
    squares = (first - second).square().sum(1)
    if legacy:
        apart = (margin - squares).relu()
    else:
        value = squares.detach().sqrt()
        distance = substitute(squares / (2 * (value + 1e-4)), value)
        apart = (margin - distance).relu().square()
    return torch.where(similar, squares, apart)


def l1_loss(difference: torch.Tensor, plateau: float) -> torch.Tensor:
    """|d| for each element, 0 where d is NaN or |d| < plateau. The gradient at an unmasked 0 is -1."""
    kept = difference.abs() >= plateau  # false for NaN
    difference = torch.where(kept, difference, 0)
    return torch.where(difference > 0, difference, -difference)


def l2_loss_per_location(difference: torch.Tensor, plateau: float, epsilon: float, mean: bool) -> torch.Tensor:
    """sqrt(q + epsilon) for each location of (N, C, ...), where q is the sum (or mean) of d^2 over the channels.

    NaN elements count as 0, and so does a q below plateau^2; such locations still give sqrt(epsilon).
    """
    squares = torch.where(difference.isnan(), 0, difference).square()
    energy = squares.mean(1) if mean else squares.sum(1)
    return (torch.where(energy < plateau**2, 0, energy) + epsilon).sqrt()


def smooth_l1_loss(difference: torch.Tensor, sigma: float = 1.0) -> torch.Tensor:
    """(sigma * d)^2 / 2 where |d| < 1 / sigma^2, else |d| - 1 / (2 sigma^2); of the difference's shape."""
    return functional.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="none", beta=1 / sigma**2)
