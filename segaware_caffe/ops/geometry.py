"""Sliding kernels: the positions of an output, and what each tap of the kernel reads there.

The operators of this package loop over taps and read shifted views of the image, where the
reference builds a column matrix `taps` times the image's size (spec/layers.md 2.1).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from types import EllipsisType
from typing import NamedTuple

#: An index of the last two axes of a tensor.
Window = tuple[EllipsisType, slice, slice]

#: Work is cut into bands of rows of about this many elements, so that a band's workspace stays in the cache.
BAND_ELEMENTS = 2**20


@dataclass(frozen=True)
class Geometry:
    """Kernel, stride, padding and dilation, one value per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def taps(self) -> int:
        """Number of elements of the kernel."""
        return math.prod(self.kernel)

    @property
    def centre(self) -> tuple[int, ...]:
        """The kernel's centre: of an even kernel, the element after the middle."""
        return tuple(k // 2 for k in self.kernel)

    @property
    def centre_tap(self) -> int:
        """The index of the centre among the taps, counted row by row."""
        index = 0
        for size, middle in zip(self.kernel, self.centre, strict=True):
            index = index * size + middle
        return index

    def offset(self, tap: tuple[int, ...]) -> tuple[int, ...]:
        """What the kernel's element `tap` reads at output position 0: it reads position * stride + offset."""
        return tuple(t * d - p for t, d, p in zip(tap, self.dilation, self.pad, strict=True))

    def output(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """The spatial shape that the kernel's positions form; not positive where it does not fit."""
        return tuple(
            _truncated(size + 2 * p - (d * (k - 1) + 1), s) + 1
            for size, k, s, p, d in zip(spatial, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        )

    def shortfall(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """By how much the kernel exceeds the padded image; `output` has a position all the same where that is less than the stride."""
        return tuple(
            max(d * (k - 1) + 1 - size - 2 * p, 0) for size, k, p, d in zip(spatial, self.kernel, self.pad, self.dilation, strict=True)
        )

    def transposed(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """The spatial shape of which `output` makes `spatial` (Deconvolution)."""
        return tuple(
            s * (size - 1) + d * (k - 1) + 1 - 2 * p
            for size, k, s, p, d in zip(spatial, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        )

    @property
    def numbers(self) -> list[int]:
        """All of it in one list, as an operator of `torch.library` takes it."""
        return [*self.kernel, *self.stride, *self.pad, *self.dilation]

    @classmethod
    def of_numbers(cls, numbers: Sequence[int]) -> "Geometry":
        """The geometry with these `numbers`."""
        axes = len(numbers) // 4
        return cls(*(tuple(numbers[start : start + axes]) for start in range(0, len(numbers), axes)))


class Tap(NamedTuple):
    """A tap: its number, the output positions `at` which it is inside the image, and the pixels it `reads` there."""

    number: int
    at: Window
    reads: Window


class Pair(NamedTuple):
    """A tap and the centre: the output positions `at` which both are inside, and the pixels that each reads there."""

    number: int
    at: Window
    reads: Window
    centre: Window


def taps(geometry: Geometry, spatial: Sequence[int], rows: slice | None = None) -> Iterator[Tap]:
    """The taps of a two-dimensional kernel that read inside an image of size `spatial` at all.

    With `rows`, only these rows of the output are covered, and `at` counts from their first.
    """
    for number, tap in _elements(geometry):
        window = _window(geometry, spatial, rows, geometry.offset(tap))
        if window:
            yield Tap(number, *window)


def pairs(geometry: Geometry, spatial: Sequence[int], rows: slice | None = None) -> Iterator[Pair]:
    """As `taps`, each with the centre, and only taps that read another pixel than the centre."""
    centre = geometry.offset(geometry.centre)
    for number, tap in _elements(geometry):
        offset = geometry.offset(tap)
        window = _window(geometry, spatial, rows, offset, centre)
        if window and offset != centre:
            yield Pair(number, *window)


def coincident(geometry: Geometry) -> list[int]:
    """The taps that read the centre's pixel: the centre and, along axes of dilation 0, all others."""
    centre = geometry.offset(geometry.centre)
    return [number for number, tap in _elements(geometry) if geometry.offset(tap) == centre]


def centred(geometry: Geometry, spatial: Sequence[int]) -> Window | None:
    """The output positions whose centre is inside the image."""
    window = _window(geometry, spatial, None, geometry.offset(geometry.centre))
    return window[0] if window else None


def bands(rows: int, elements: int) -> Iterator[slice]:
    """Cut `rows` rows of `elements` workspace elements each into bands that fit the cache."""
    step = max(1, BAND_ELEMENTS // elements)
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def _truncated(number: int, divisor: int) -> int:
    """number / divisor, rounded towards 0; both may be symbols."""
    return number // divisor if number >= 0 else -(-number // divisor)


def _elements(geometry: Geometry) -> Iterator[tuple[int, tuple[int, ...]]]:
    return enumerate(product(*map(range, geometry.kernel)))


def _window(geometry: Geometry, spatial: Sequence[int], rows: slice | None, *offsets: tuple[int, ...]) -> list[Window] | None:
    """The output positions at which every offset is inside the image, then what each reads; None without any."""
    height, width = geometry.output(spatial)
    limits = rows or slice(0, height), slice(0, width)
    axes = [
        _along(size, stride, limit, along)
        for size, stride, limit, along in zip(spatial, geometry.stride, limits, zip(*offsets, strict=True), strict=True)
    ]
    if not all(axes):
        return None
    return [(..., vertical, horizontal) for vertical, horizontal in zip(*axes, strict=True)]


def _along(size: int, stride: int, limit: slice, offsets: tuple[int, ...]) -> list[slice]:
    first, end = limit.start, limit.stop
    for offset in offsets:
        first = max(first, -(offset // stride))
        end = min(end, (size - 1 - offset) // stride + 1)
    if first >= end:
        return []
    reads = [slice(first * stride + offset, (end - 1) * stride + offset + 1, stride) for offset in offsets]
    return [slice(first - limit.start, end - limit.start), *reads]
