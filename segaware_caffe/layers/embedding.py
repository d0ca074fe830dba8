"""Layers that train and use pixel embeddings: distances in a window, agreement of labels, and their loss."""

import math
from collections.abc import Sequence

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.geometry import checked_output, read_geometry
from segaware_caffe.layers.losses import LossLayer
from segaware_caffe.layers.registry import register
from segaware_caffe.ops import native
from segaware_caffe.ops.distance import dist_loss, im2dist, im2parity
from segaware_caffe.ops.geometry import Geometry


def read_image_geometry(layer: Layer, bottom: Shape) -> Geometry:
    """`read_geometry` for layers that slide over images (N, C, H, W) only."""
    layer.check(len(bottom) == 4, f"the bottom must have shape (N, C, H, W), not {dims(bottom)}", ShapeError)
    axis, geometry = read_geometry(layer, bottom)
    layer.check(axis == 1, f"axis must be 1, the channels, not {axis}: two spatial axes are needed")
    return geometry


class WindowLayer(Layer):
    """1 -> 1, bottom (N, C, H, W) -> top (N, P, H', W') with a channel for each of the P taps, row by row."""

    def setup(self, bottom: Shape) -> None:
        self.geometry = read_image_geometry(self, bottom)

    def reshape(self, bottom: Shape) -> Shape:
        self.check(len(bottom) == 4, f"the bottom must have shape (N, C, H, W), not {dims(bottom)}")
        return bottom[0], self.geometry.taps, *checked_output(self, self.geometry, bottom[2:])


@register("Im2dist", source="spec/layers.md 3.1")
class Im2dist(WindowLayer):
    """How far each pixel of a window is from the window's centre.

    bottom (N, C, H, W) -> top (N, P, H', W'), P taps of the kernel in `convolution_param`, each the
    sum over channels of (centre - tap)^2 / 2 (`norm` L2), without a root, or of |centre - tap| (L1).
    A tap outside the image has distance 0, the nearest there is; remove_bounds gives it, and
    remove_center the centre itself, 3.4e36. A window whose centre is outside has zeros. The centre
    of an even kernel is the pixel after the middle.

    differs: the gradient of L1 is the reference's GPU one: sign(0) = 0, and taps outside give none.
    """

    param_field = "im2dist_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        options = self.options
        return im2dist(bottom, self.geometry, options.norm == options.L1, options.remove_center, options.remove_bounds)

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * bottoms[0][1] * math.prod(tops[0])  # a difference and a sum for each channel

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return native.why_not(self.geometry, *bottoms)


@register("Im2parity", source="spec/layers.md 3.2")
class Im2parity(WindowLayer):
    """Whether each pixel of a window has the label of the window's centre.

    bottom labels (N, C, H, W), the last channel cut to integers -> top (N, P, H', W') of 1 (the same)
    and 0 (another), with ignore_label where either is ignore_label. Taps outside the image have
    label 0. A window whose centre is outside holds ignore_label. No gradient.

    differs: without ignore_label such a window holds 0, not uninitialised memory.
    """

    differentiable = False
    param_field = "im2parity_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        ignore_label = self.options.ignore_label if self.options.HasField("ignore_label") else None
        return im2parity(bottom.detach(), self.geometry, ignore_label)


@register("DistLoss", source="spec/layers.md 3.3")
class DistLoss(LossLayer):
    """Embeddings of one label should be nearer than alpha, others farther apart than beta.

    bottoms: distances (Im2dist's top), parity (Im2parity's) of as many elements -> a scalar, the
    mean over all elements of max(D - alpha, 0) where parity is not 0, and of max(beta - D, 0) where it
    is 0; ignore_label in the parity counts 0, but as an element. alpha > 0 and beta > alpha are
    required. `convolution_param` must hold the window's geometry, which nothing depends on.

    The gradient is violation / count, as in the reference: that of half the squared violation.

    differs: that gradient is multiplied by the top's diff, so a loss_weight has effect; ignored
    elements have none (in the release, a stale one); all samples of a batch count (on its GPU path, the first).
    """

    param_field = "dist_loss_param"

    def setup(self, distances: Shape, parity: Shape) -> None:
        read_geometry(self, distances)
        alpha, beta = self.options.alpha, self.options.beta
        self.check(alpha > 0, f"alpha must be positive, not {alpha:g}")
        self.check(beta > alpha, f"beta {beta:g} must be greater than alpha {alpha:g}")

    def reshape(self, distances: Shape, parity: Shape) -> Shape:
        self.check(
            math.prod(distances) == math.prod(parity),
            f"distances and parity must have the same count, not shapes {dims(distances)} and {dims(parity)}",
        )
        super().reshape(distances, parity)
        return ()

    def forward(self, distances: torch.Tensor, parity: torch.Tensor) -> torch.Tensor:
        options = self.options
        ignore_label = options.ignore_label if options.HasField("ignore_label") else None
        return dist_loss(distances, parity.detach().reshape(distances.shape), options.alpha, options.beta, ignore_label)
