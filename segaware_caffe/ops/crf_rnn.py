"""The mean-field network of CRF-RNN: a fully connected CRF whose iterations have gradients.

After S. Zheng and others, "Conditional random fields as recurrent neural networks", ICCV 2015, with the choices of
its authors' Caffe layer. The image gets no gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from segaware_caffe.ops.densecrf import Kernel, pixel_features
from segaware_caffe.ops.permutohedral import Lattice, build_lattice, gaussian_filter


@dataclass(frozen=True)
class Averaging:
    """A Gaussian filter over pixels, normalised: each pixel's own average of all."""

    lattice: Lattice
    inverse: torch.Tensor

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(pixels, K) -> (pixels, K)."""
        return gaussian_filter(self.lattice, values) * self.inverse


def averaging(kernel: Kernel, image: torch.Tensor) -> Averaging:
    """The filter over the pixels of an image (C, H, W) that are near, and of like colour where the kernel says so."""
    features = pixel_features(kernel, image)
    lattice = build_lattice(features)
    return Averaging(lattice, 1 / (gaussian_filter(lattice, features.new_ones(len(features), 1)) + 1e-20))


def mean_field_network(
    unary: torch.Tensor,
    initial: torch.Tensor,
    filters: Sequence[tuple[Averaging, torch.Tensor]],
    compatibility: torch.Tensor,
    iterations: int,
) -> torch.Tensor:
    """Scores after mean-field iterations: unary and initial scores (K, H, W) -> (K, H, W).

    Each iteration is q <- unary - compatibility @ (sum over filters of weights @ filtered softmax(q)), with
    matrices (K, K). The result is scores, not probabilities.
    """
    energies, scores = unary.flatten(1), initial.flatten(1)
    for _ in range(iterations):
        probabilities = scores.softmax(0).T.contiguous()
        message = sum(weights @ average(probabilities).T for average, weights in filters)
        scores = energies - compatibility @ message
    return scores.view_as(unary)
