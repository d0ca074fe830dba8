"""The part of each image that is not padding, as a bottom of heights and widths says."""

import math

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.ops.device import stops


def check_sizes_shape(layer: Layer, image: Shape, sizes: Shape) -> None:
    """The bottom of sizes needs two or more values for each image of (N, C, H, W)."""
    layer.check(len(image) == 4, f"bottom 0 must have shape (N, C, H, W), not {dims(image)}")
    layer.check(
        sizes[:1] == image[:1] and math.prod(sizes[1:]) >= 2,
        f"the sizes must be height and width for each of {image[0]} images, not a blob of shape {dims(sizes)}",
    )


def read_sizes(layer: Layer, sizes: torch.Tensor) -> list[tuple[int, int]]:
    """Height and width of each image."""
    values = sizes.detach().reshape(len(sizes), -1)[:, :2].tolist()
    layer.check(all(math.isfinite(value) for row in values for value in row), f"the sizes must be heights and widths, not {values}")
    return [(int(height), int(width)) for height, width in values]


def check_finite(layer: Layer, image: torch.Tensor) -> None:
    """A NaN or infinity lies nowhere among the colours; a GPU stops at one by itself, later (`ops.device.stops`)."""
    words = "the image has NaN or infinity"
    layer.check(not stops(~image.isfinite().all(), layer.message(words)), words)
