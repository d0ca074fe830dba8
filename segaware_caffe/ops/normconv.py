"""Convolution under a normalised mask, and the mean field made of it (spec/layers.md 3.7 to 3.9)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from segaware_caffe.ops.distance import im2dist, sentinel
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_sum


def softmax_mask(
    embedding: torch.Tensor,
    geometry: Geometry,
    scale: torch.Tensor | float,
    l1: bool = False,
    remove_center: bool = False,
    remove_bounds: bool = False,
) -> torch.Tensor:
    """The softmax over the taps of -scale * Im2dist: embedding (N, E, H, W) -> (N, taps, H', W').

    All taps take part: those outside the image with distance 0, unless removed. Removed taps give the
    scale no gradient: it is 0 for a scale above 0, and else 3.4e36 times what rounding leaves of 0.
    """
    distances = im2dist(embedding, geometry, l1, remove_center, remove_bounds)
    learns = isinstance(scale, torch.Tensor) and scale.requires_grad
    if not (torch.is_grad_enabled() and (learns or distances.requires_grad)):
        return torch.softmax(distances.mul_(-scale), 1)
    logits = distances * -scale
    if learns:
        logits = torch.where(distances < sentinel(distances.dtype), logits, logits.detach())
    return torch.softmax(logits, 1)


@dataclass(frozen=True)
class Filter:
    """One kernel of a mean field: its mask (N, taps, H, W), the mask's geometry, and its class weights (K, K)."""

    mask: torch.Tensor
    geometry: Geometry
    weight: torch.Tensor


def mean_field(
    unary: torch.Tensor, initial: torch.Tensor, filters: Sequence[Filter], compatibility: torch.Tensor, iterations: int
) -> torch.Tensor:
    """Mean-field iterations of a CRF whose kernels are masks: scores unary and initial (N, K, H, W) -> (N, K, H, W).

    Each iteration is q <- unary - compatibility @ (sum over filters of weight @ masked average of softmax(q)).
    The result is scores, not probabilities. The masks do not depend on q: they are given, made once.
    """
    scores = initial
    for _ in range(iterations):
        probabilities = torch.softmax(scores, 1)
        message = torch.zeros_like(scores)
        for kernel in filters:
            message = message + _mix(kernel.weight, masked_sum(probabilities, kernel.mask, kernel.geometry))
        scores = unary - _mix(compatibility, message)
    return scores


def _mix(weight: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """weight (K, K) times the classes of (N, K, H, W)."""
    return (weight @ classes.flatten(2)).view(classes.shape)
