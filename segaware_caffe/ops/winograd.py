"""3x3 convolutions by Winograd's algorithm F(4x4, 3x3): a quarter of the products (Lavin and Gray, 2015).

A tile of 4x4 outputs is a product of polynomials, computed in 6x6 points. The rounding depends on
the points: with 0, +-45/64, +-45/32 and infinity the largest error of a convolution was measured at
four to five times that of the direct sum, with the usual 0, +-1, +-2 at twenty times; over all of
VGG-16 it is twice that of the direct sums (1e-6 of the largest value).
An infinity or NaN in the image would spread over its whole tile: the kernel notices, and the direct sum is taken.
"""

from collections.abc import Sequence

import torch

from segaware_caffe.ops import native
from segaware_caffe.ops.geometry import Geometry

#: the finite points of the algorithm, as winograd.inl has them
POINTS = (0.0, 45 / 64, -45 / 64, 45 / 32, -45 / 32)

#: tiles of an image, and channels, from which on it is faster: the weights in the points, four times as many, must be read too
LEAST_TILES, LEAST_CHANNELS = 48, 32


def why_not(geometry: Geometry, weight_shape: tuple[int, ...]) -> str | None:
    """Why a convolution with weights (O, C / group, kh, kw) gains on no image; None if it does on large ones."""
    if geometry.kernel != (3, 3):
        return "their kernel is not 3x3"
    if geometry.stride != (1, 1):
        return "their stride is not 1"
    return f"they have fewer than {LEAST_CHANNELS} channels" if min(weight_shape[:2]) < LEAST_CHANNELS else None


def why_not_image(geometry: Geometry, spatial: Sequence[int]) -> str | None:
    """Why the convolution does not gain on an image (H, W); None if it does."""
    output = geometry.output(spatial)
    tiles = native.winograd_tiles(output, geometry.dilation)
    if tiles < LEAST_TILES:
        return f"the image has fewer than {LEAST_TILES} tiles of 4x4"
    return "most of the tiles lie beyond the image's edges" if 36 * tiles > 9 * output[0] * output[1] / 2 else None


def pack(weight: torch.Tensor, instruction_set: int | None = None) -> torch.Tensor:
    """Weights (O, C, 3, 3) in the 36 points: (O / P, 36, C, P), zeros beyond the last of O; P is `native.winograd_outputs`."""
    outputs, channels = weight.shape[:2]
    step = native.winograd_outputs(instruction_set)
    matrix = _weight_matrix()
    packed = weight.new_zeros(-(-outputs // step), 36, channels, step)
    for group, part in zip(packed, weight.split(step), strict=True):
        points = torch.einsum("ij,ocjk,lk->ilco", matrix, part.double(), matrix)
        group[:, :, : len(part)] = points.flatten(0, 1)
    return packed


def _weight_matrix() -> torch.Tensor:
    """(6, 3): a row of weights, as a polynomial, in the points, divided by what the transform of the image leaves out."""
    rows = []
    for point in POINTS:
        scale = 1.0
        for other in POINTS:
            scale *= (point - other) if other != point else 1
        rows.append([1 / scale, point / scale, point * point / scale])
    return torch.tensor([*rows, [0.0, 0.0, 1.0]], dtype=torch.float64)
