"""The fully connected CRF by mean field: Potts, with Gaussian kernels of position and colour.

Sources: spec/layers.md 4.8, spec/pipeline.md 8.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from segaware_caffe.ops.permutohedral import build_lattice, gaussian_filter

#: a class this far below the best one has probability 0 exactly
NEGLIGIBLE = 20


@dataclass(frozen=True)
class Kernel:
    """How much alike labels are wanted of pixels that are near, and of like colour where `colour_std` is given.

    Attributes:
        weight: what full agreement adds to a class' score.
        x_std, y_std: standard deviations in pixels.
        colour_std: one standard deviation for each channel of the image, in its units.
    """

    weight: float
    x_std: float
    y_std: float
    colour_std: tuple[float, ...] = ()


@torch.no_grad()
def dense_crf(scores: torch.Tensor, image: torch.Tensor, kernels: Sequence[Kernel], iterations: int) -> torch.Tensor:
    """Class probabilities (K, H, W) after mean-field iterations, from scores (K, H, W) and an image (C, H, W).

    Scores are negative energies (log probabilities will do). Q <- softmax(scores), then in each
    iteration Q <- softmax(scores + sum over kernels of weight * filtered Q / filtered 1). The
    filter includes the pixel itself. All is computed in float32, as the lattice's rounding is
    part of the result. There is no gradient.
    """
    classes, height, width = scores.shape
    unary = scores.float().flatten(1).T.contiguous()
    image = image.float()
    ones = unary.new_ones(len(unary), 1)
    filters = []
    for kernel in kernels:
        lattice = build_lattice(pixel_features(kernel, image))
        filters.append((lattice, kernel.weight / (gaussian_filter(lattice, ones) + 1e-20)))
    probabilities = _softmax(unary)
    for _ in range(iterations):
        energies = unary.clone()
        for lattice, factor in filters:
            energies.addcmul_(factor, gaussian_filter(lattice, probabilities))
        probabilities = _softmax(energies)
    return probabilities.T.reshape(classes, height, width).to(scores.dtype)


def pixel_features(kernel: Kernel, image: torch.Tensor) -> torch.Tensor:
    """The pixels as points (H * W, 2 or 2 + C): column, row and colours over their standard deviations."""
    height, width = image.shape[1:]
    rows = torch.arange(height, device=image.device, dtype=image.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=image.device, dtype=image.dtype).expand(height, width)
    planes = [columns / kernel.x_std, rows / kernel.y_std]
    planes += [plane / std for plane, std in zip(image if kernel.colour_std else (), kernel.colour_std, strict=True)]
    return torch.stack(planes, -1).flatten(0, 1)


def _softmax(scores: torch.Tensor) -> torch.Tensor:
    """Over the last axis, with exactly 0 for what is negligible beside the largest."""
    below = scores - scores.amax(-1, keepdim=True)
    exponentials = below.exp().masked_fill_(below < -NEGLIGIBLE, 0)
    return exponentials / exponentials.sum(-1, keepdim=True)
