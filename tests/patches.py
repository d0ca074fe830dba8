"""Operators on windows, stated plainly: every tap of every position is looked up by itself.

These are what the tests compare the package's operators with. They follow spec/layers.md 3 word by
word, on tensors that hold every patch, and get their gradients from autograd.
"""

from dataclasses import dataclass

import torch
from hypothesis import strategies as st

from segaware_caffe.ops.geometry import Geometry

SENTINEL = 3.4028234663852886e36


@dataclass
class Patches:
    """What every tap reads: values (N, C, P, H', W'), 0 outside; rows, columns and `inside` (P, H', W')."""

    values: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    inside: torch.Tensor


def patches(x: torch.Tensor, geometry: Geometry) -> Patches:
    """Every patch of images x (N, C, H, W)."""
    height, width = x.shape[2:]
    shape = (geometry.taps, *geometry.output((height, width)))
    rows = torch.empty(shape, dtype=torch.long)
    columns = torch.empty(shape, dtype=torch.long)
    for i in range(geometry.kernel[0]):
        for j in range(geometry.kernel[1]):
            for r in range(shape[1]):
                for s in range(shape[2]):
                    place = i * geometry.kernel[1] + j, r, s
                    rows[place] = r * geometry.stride[0] - geometry.pad[0] + i * geometry.dilation[0]
                    columns[place] = s * geometry.stride[1] - geometry.pad[1] + j * geometry.dilation[1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = x[:, :, rows.clamp(0, height - 1), columns.clamp(0, width - 1)] * inside
    return Patches(values, rows, columns, inside)


def centre_tap(geometry: Geometry) -> int:
    """Of even kernels, the tap after the middle."""
    return (geometry.kernel[0] // 2) * geometry.kernel[1] + geometry.kernel[1] // 2


def im2dist(x: torch.Tensor, geometry: Geometry, l1: bool, remove_center: bool, remove_bounds: bool) -> torch.Tensor:
    """Im2dist by its table of cases."""
    p, c = patches(x, geometry), centre_tap(geometry)
    difference = p.values[:, :, c : c + 1] - p.values
    distance = (difference.abs() if l1 else difference**2 / 2).sum(1)
    same = (p.rows == p.rows[c]) & (p.columns == p.columns[c])
    distance = torch.where(p.inside, distance, SENTINEL if remove_bounds else 0.0)
    if remove_center:
        distance = torch.where(same, SENTINEL, distance)
    return torch.where(p.inside[c], distance, 0.0)


def im2parity(labels: torch.Tensor, geometry: Geometry, ignore: int | None) -> torch.Tensor:
    """Im2parity by its table of cases."""
    p, c = patches(labels[:, -1:].trunc(), geometry), centre_tap(geometry)
    here = p.values[:, 0]
    centre = here[:, c : c + 1]
    parity = (here == centre).to(labels.dtype)
    if ignore is not None:
        parity = torch.where((here == ignore) | (centre == ignore), float(ignore), parity)
    return torch.where(p.inside[c], parity, 0.0 if ignore is None else float(ignore))


def masked_convolution(x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, geometry: Geometry, groups: int = 1) -> torch.Tensor:
    """Convolution of masked patches, group by group."""
    masked = patches(x, geometry).values * mask[:, None]
    pieces = [
        torch.einsum("ncphw,ocp->nohw", part, w.flatten(2))
        for part, w in zip(masked.chunk(groups, 1), weight.chunk(groups, 0), strict=True)
    ]
    return torch.cat(pieces, 1)


@st.composite
def geometries(draw: st.DrawFn) -> tuple[Geometry, tuple[int, int]]:
    """A geometry and an image size that it fits: any kernel to 4, stride to 3, pad to 5, dilation from 0 to 3."""

    def pair(least: int, most: int) -> tuple[int, int]:
        return draw(st.integers(least, most)), draw(st.integers(least, most))

    geometry = Geometry(pair(1, 4), pair(1, 3), pair(0, 5), pair(0, 3))
    size = pair(1, 7)
    needed = [d * (k - 1) + 1 - 2 * p for k, p, d in zip(geometry.kernel, geometry.pad, geometry.dilation, strict=True)]
    return geometry, (max(size[0], needed[0]), max(size[1], needed[1]))
