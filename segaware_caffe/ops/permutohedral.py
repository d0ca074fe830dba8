"""Gaussian filtering of points with many coordinates, on a permutohedral lattice (spec/layers.md 4.8).

After A. Adams, J. Baek, M. A. Davis, "Fast high-dimensional filtering using the permutohedral lattice",
Eurographics 2010, with the choices of the dense CRF inside the reference: coordinates round half to even,
the axes are blurred in their order, and lattice coordinates are 16 bits wide. The lattice is coarse, so
these choices show in the result, which is not symmetric.

Every step is a sparse matrix product whose rows are weighted sums of rows, an `embedding_bag`; the
matrices depend on the points alone and are made once, for any number of values and iterations.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional


@dataclass(frozen=True)
class WeightedRows:
    """A sparse matrix: row i of its product sums the rows indices[starts[i] : starts[i + 1]], weighted."""

    indices: torch.Tensor
    starts: torch.Tensor
    weights: torch.Tensor

    def __matmul__(self, values: torch.Tensor) -> torch.Tensor:
        return functional.embedding_bag(self.indices, values, self.starts, mode="sum", per_sample_weights=self.weights)


@dataclass(frozen=True)
class Lattice:
    """What filtering needs to know of n points: `splat` to the vertices, blur along each axis, `slice` back."""

    splat: WeightedRows
    blurs: tuple[WeightedRows, ...]
    slice: WeightedRows

    @property
    def vertices(self) -> int:
        """Number of lattice vertices in use."""
        return len(self.splat.starts)

    @property
    def transposed(self) -> "Lattice":
        """What filters as the transposed matrix: a blur is symmetric, and `slice` the transposed `splat` but for a factor."""
        return replace(self, blurs=self.blurs[::-1])


def gaussian_filter(lattice: Lattice, values: torch.Tensor) -> torch.Tensor:
    """At each point about the sum over all, itself included, of exp(-distance^2 / 2) * value: (n, M) -> (n, M)."""
    return _Filter.apply(values, lattice) if values.requires_grad else _filtered(lattice, values)


class _Filter(torch.autograd.Function):
    """Linear, so that its gradient is filtered too, with the blurs in the opposite order (autograd's own is slow)."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, lattice: Lattice) -> torch.Tensor:
        ctx.lattice = lattice
        return _filtered(lattice, values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gaussian_filter(ctx.lattice.transposed, gradient.contiguous()), None


def _filtered(lattice: Lattice, values: torch.Tensor) -> torch.Tensor:
    values = lattice.splat @ values
    for blur in lattice.blurs:
        values = blur @ values
    return lattice.slice @ values


def build_lattice(features: torch.Tensor) -> Lattice:
    """The lattice of points (n, d), d >= 1; a distance of 1 between features is one standard deviation.

    The reference takes points in fours and fills the last four up with points at 0. They carry no
    value, but their vertices exist and pass on what is blurred into them; so it is here.
    """
    points, d = features.shape
    keys, weights = _simplices(functional.pad(features, (0, 0, 0, -points % 4)))
    numbers = _number(keys)
    vertices = _bound(numbers)
    vertex_keys = keys.new_zeros(vertices, d)
    vertex_keys[numbers] = keys
    corners, weights = numbers[: points * (d + 1)], weights[: points * (d + 1)]
    order = corners.argsort(stable=True).int()
    first = torch.searchsorted(corners[order], torch.arange(vertices, device=features.device))
    return Lattice(
        splat=WeightedRows(order // (d + 1), first.int(), weights[order]),
        blurs=_blurs(vertex_keys, numbers.max() + 1, weights.dtype),
        slice=WeightedRows(corners.int(), _starts(points, d + 1, corners), weights / (1 + 2.0**-d)),
    )


def _simplices(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The d + 1 vertices around each point: keys (n * (d + 1), d) of 16 bits, barycentric weights (n * (d + 1),)."""
    d = features.shape[1]
    elevated = _elevate(features)
    nearest = torch.round(elevated * (1 / (d + 1)))
    rank = (elevated - nearest * (d + 1)).argsort(dim=1, descending=True, stable=True).argsort(1)
    rank += nearest.sum(1, keepdim=True).long()
    back = (rank < 0).int() - (rank > d).int()
    rank += back * (d + 1)
    origin = (nearest + back) * (d + 1)

    remainder = torch.arange(d + 1, device=features.device, dtype=torch.int32)[:, None]
    keys = origin[:, None, :d].int() + remainder - (d + 1) * (rank[:, None, :d] > d - remainder)
    descending = torch.empty_like(elevated).scatter_(1, d - rank, (elevated - origin) * (1 / (d + 1)))
    weights = torch.cat([descending[:, :1] + (1 - descending[:, d:]), descending.diff(dim=1)], 1)
    return keys.flatten(0, 1).to(torch.int16), weights.flatten()


def _elevate(features: torch.Tensor) -> torch.Tensor:
    """Points (n, d) on the hyperplane of d + 1 coordinates that sum to 0, scaled to the blur's standard deviation."""
    d = features.shape[1]
    total = torch.zeros_like(features[:, 0])
    coordinates = []
    for j in range(d, 0, -1):
        scaled = features[:, j - 1] * (math.sqrt(2 / 3) * (d + 1) / math.sqrt(j * (j + 1)))
        coordinates.append(total - j * scaled)
        total = total + scaled
    return torch.stack([total, *reversed(coordinates)], 1)


def _number(keys: torch.Tensor) -> torch.Tensor:
    """A number from 0 up for each row of keys (m, d), the same for equal rows; exact, for keys of any range."""
    if keys.device.type != "cpu":
        return _number_unread(keys)
    numbers, size = keys.new_zeros(len(keys), dtype=torch.int64), 1
    for column in keys.long().unbind(1):
        low = int(column.min())
        span = int(column.max()) - low + 1
        if size * span > 2**62:
            numbers = numbers.unique(return_inverse=True)[1]
            size = len(keys)
        numbers = numbers * span + (column - low)
        size *= span
    return numbers.unique(return_inverse=True)[1]


def _number_unread(keys: torch.Tensor) -> torch.Tensor:
    """`_number` on a device that nobody waits for: 16 bits of each coordinate, as many at a time as 64 bits hold, by sorting."""
    numbers = keys.new_zeros(len(keys), dtype=torch.int64)
    columns = list((keys.long() & 0xFFFF).unbind(1))
    taken = 4
    while columns:
        for column in columns[:taken]:
            numbers = (numbers << 16) | column
        columns, taken = columns[taken:], 2  # numbers of rows take half of the bits from now on
        found, order = numbers.sort()
        places = functional.pad((found.diff() != 0).cumsum(0), (1, 0))
        numbers = torch.empty_like(numbers).scatter_(0, order, places)
    return numbers


def _bound(numbers: torch.Tensor) -> int:
    """How many numbers there are; on a device that nobody waits for, how many there can be: what is left over takes part in nothing."""
    return int(numbers.max()) + 1 if numbers.device.type == "cpu" else len(numbers)


def _blurs(keys: torch.Tensor, used: torch.Tensor, dtype: torch.dtype) -> tuple[WeightedRows, ...]:
    """For each of the d + 1 axes, each vertex plus half its two neighbours along the axis; absent ones count 0.

    Of the keys the first `used` (a scalar tensor) are of vertices.
    """
    vertices, d = keys.shape
    steps = torch.ones(d + 1, d, dtype=keys.dtype, device=keys.device)
    steps[:d].fill_diagonal_(-d)
    numbers = _number(torch.cat([keys, *(keys + side * step for step in steps for side in (-1, 1))]))
    place = torch.full((_bound(numbers) + 1,), -1, dtype=torch.int32, device=keys.device)
    own = torch.arange(vertices, dtype=torch.int32, device=keys.device)
    place[torch.where(own < used, numbers[:vertices], -1)] = own
    rows = place[numbers].view(-1, vertices)
    starts = _starts(vertices, 3, keys)
    result = []
    for before, after in rows[1:].view(d + 1, 2, vertices):
        indices = torch.stack([rows[0], before, after], 1)
        weights = (indices >= 0).to(dtype)
        weights[:, 1:] *= 0.5
        result.append(WeightedRows(indices.clamp(min=0).flatten(), starts, weights.flatten()))
    return tuple(result)


def _starts(rows: int, length: int, like: torch.Tensor) -> torch.Tensor:
    return torch.arange(0, rows * length, length, dtype=torch.int32, device=like.device)
