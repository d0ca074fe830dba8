"""Masked convolutions, masked sums and window distances in few operators, for devices where each launch is dear.

The image is padded once, and all taps of a window are read through one view of it, strided over the kernel too. What
the taps read is written out as a column matrix where that fits `WORKSPACE`, else in pieces: samples first, then bands of
rows. A piece takes no more operators whatever the kernel's size, the host reads nothing back, and shapes follow from
shapes alone, so that CUDA graphs can hold them.

No GPU was at hand when this was written: operators were counted on the meta device, and numbers compared on the CPU.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

from segaware_caffe.ops.geometry import Geometry, centred, coincident

#: bytes that a column matrix may take; beyond it the work is done in pieces
WORKSPACE = 2**29

#: which of several gradients are asked for
Wanted = Sequence[bool]


def masked_sum(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W') -> (N, C, H', W')."""
    windows, result = _Windows(x, geometry), _Pieces(len(x), mask.shape[2])
    for at in windows.pieces():
        result.add((_taps(mask, at, geometry) * windows.read(at)).sum((2, 3)), at)
    return result.value


def masked_sum_gradients(
    x: torch.Tensor, mask: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, wanted: Wanted
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of x and mask, 0 where they are not `wanted`, from that of their masked sum."""
    windows, of_mask = _Windows(x, geometry), _Pieces(len(x), mask.shape[2])
    spread = _Spread(windows)
    for at in windows.pieces():
        given = _piece(gradient, at)[:, :, None, None]
        if wanted[0]:
            spread.add(given * _taps(mask, at, geometry), at)
        if wanted[1]:
            of_mask.add((given * windows.read(at)).sum(1).flatten(1, 2), at)
    return spread.image() if wanted[0] else torch.zeros_like(x), of_mask.value if wanted[1] else torch.zeros_like(mask)


def masked_convolution(
    x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, geometry: Geometry, groups: int
) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W'), weight (O, C / groups, kh, kw), bias (O) -> (N, O, H', W')."""
    windows, result = _Windows(x, geometry), _Pieces(len(x), mask.shape[2])
    matrix = _matrix(weight)
    for at in windows.pieces():
        columns = (_taps(mask, at, geometry) * windows.read(at)).flatten(1, 3)
        result.add(functional.conv2d(columns, matrix, bias, groups=groups), at)
    return result.value


def masked_convolution_gradients(
    x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, groups: int, wanted: Wanted
) -> tuple[torch.Tensor | None, ...]:
    """The gradients of x, mask and weight, as far as they are `wanted`, from that of their masked convolution."""
    windows, of_mask = _Windows(x, geometry), _Pieces(len(x), mask.shape[2])
    spread, matrix, of_matrix = _Spread(windows), _matrix(weight), None
    asked = [wanted[0] or wanted[1], wanted[2], False]
    for at in windows.pieces():
        taps, read = _taps(mask, at, geometry), windows.read(at)
        columns, given = (taps * read).flatten(1, 3), _piece(gradient, at)
        of_columns, more, _ = torch.ops.aten.convolution_backward(
            given, columns, matrix, None, [1, 1], [0, 0], [1, 1], False, [0, 0], groups, asked
        )
        if wanted[2]:
            of_matrix = more if of_matrix is None else of_matrix.add_(more)
        if wanted[1]:
            of_mask.add((of_columns.view(read.shape) * read).sum(1).flatten(1, 2), at)
        if wanted[0]:
            spread.add(of_columns.view(read.shape).mul_(taps), at)
    return (
        spread.image() if wanted[0] else None,
        of_mask.value if wanted[1] else None,
        None if of_matrix is None else of_matrix.view(weight.shape),
    )


def distances(x: torch.Tensor, geometry: Geometry, l1: bool, centre: float, bounds: float) -> torch.Tensor:
    """x (N, C, H, W) -> (N, taps, H', W'): `centre` where a tap reads the centre's pixel, `bounds` where it is outside the image."""
    windows, result = _Windows(x, geometry), _Pieces(len(x), geometry.output(x.shape[2:])[0])
    for at in windows.pieces():
        read = windows.read(at)
        difference = read[_centre(geometry)] - read
        terms = difference.abs_().sum(1) if l1 else difference.square_().sum(1).mul_(0.5)
        result.add(terms.flatten(1, 2), at)
    outside, centre_outside = _outside(x, geometry)
    found = result.value
    if outside is not None:
        found.masked_fill_(outside, bounds)
    for tap in coincident(geometry):
        found[:, tap] = centre
    return found if centre_outside is None else found.masked_fill_(centre_outside, 0)


def distance_gradient(x: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, l1: bool) -> torch.Tensor:
    """The gradient of x from that of its distances."""
    for outside in _outside(x, geometry):
        gradient = gradient if outside is None else gradient.masked_fill(outside, 0)
    windows = _Windows(x, geometry)
    spread = _Spread(windows)
    for at in windows.pieces():
        read = windows.read(at)
        slope = read - read[_centre(geometry)]
        slope = (slope.sign_() if l1 else slope).mul_(_taps(gradient, at, geometry))
        slope[_centre(geometry)] -= slope.sum((2, 3), keepdim=True)
        spread.add(slope, at)
    return spread.image()


# -- pieces ------------------------------------------------------------------------------------


class _At(NamedTuple):
    """A piece of the output: some samples, some rows, and whether that is all."""

    samples: slice
    rows: slice
    is_all: bool


class _Windows:
    """What the taps of a kernel read of an image x (N, C, H, W), padded, with zeros behind it as far as the kernel reaches."""

    def __init__(self, x: torch.Tensor, geometry: Geometry):
        self.geometry, self.image = geometry, x
        self.output = geometry.output(x.shape[2:])
        (top, left), (below, right) = geometry.pad, (p + m for p, m in zip(geometry.pad, geometry.shortfall(x.shape[2:]), strict=True))
        self.padded = functional.pad(x, (left, right, top, below)) if any((top, left, below, right)) else x.contiguous()

    def pieces(self) -> Iterator[_At]:
        """Pieces whose columns take at most WORKSPACE bytes: as many whole samples as fit, or else as many rows of one."""
        (height, width), samples = self.output, len(self.image)
        row = self.image.shape[1] * self.geometry.taps * width * self.image.element_size()
        together = max(1, min(samples, WORKSPACE // (row * height)))
        rows = max(1, min(height, WORKSPACE // row))
        for sample in range(0, samples, together):
            for first in range(0, height, rows):
                yield _At(
                    slice(sample, min(sample + together, samples)),
                    slice(first, min(first + rows, height)),
                    together == samples and rows == height,
                )

    def read(self, at: _At) -> torch.Tensor:
        """What the taps read there: a view (n, C, kh, kw, rows, W') of the padded image."""
        n, c, h, w = self.padded.stride()
        (down, right), (along, across) = self.geometry.stride, self.geometry.dilation
        samples, rows = at.samples.stop - at.samples.start, at.rows.stop - at.rows.start
        size = (samples, self.padded.shape[1], *self.geometry.kernel, rows, self.output[1])
        start = self.padded.storage_offset() + at.samples.start * n + at.rows.start * down * h
        return self.padded.as_strided(size, (n, c, along * h, across * w, down * h, right * w), start)


class _Spread:
    """The adjoint of `_Windows`: carries columns back to the pixels that they were read from, and adds them up there."""

    def __init__(self, windows: _Windows):
        self._windows = windows
        self._padded: torch.Tensor | None = None

    def add(self, columns: torch.Tensor, at: _At) -> None:
        """Columns (n, C, kh, kw, rows, W')."""
        windows, geometry = self._windows, self._windows.geometry
        flat = [axis for axis, dilation in enumerate(geometry.dilation, 2) if not dilation]  # along it, all taps read one pixel
        columns = columns.sum(flat, keepdim=True) if flat else columns
        kernel, dilation = tuple(columns.shape[2:4]), tuple(max(1, d) for d in geometry.dilation)
        first, count = at.rows.start * geometry.stride[0], windows.padded.shape[2]
        if not at.is_all:
            count = (columns.shape[4] - 1) * geometry.stride[0] + dilation[0] * (kernel[0] - 1) + 1
        size = (count, windows.padded.shape[3])
        image = functional.fold(columns.flatten(1, 3).flatten(2), size, kernel, dilation, 0, geometry.stride)
        if at.is_all:
            self._padded = image
            return
        if self._padded is None:
            self._padded = torch.zeros_like(windows.padded)
        self._padded[at.samples, :, first : first + count] += image

    def image(self) -> torch.Tensor:
        """The sums, without the padding."""
        assert self._padded is not None, "nothing was added"
        (top, left), (height, width) = self._windows.geometry.pad, self._windows.image.shape[2:]
        if (height, width) == self._padded.shape[2:]:
            return self._padded
        return self._padded[:, :, top : top + height, left : left + width].contiguous()


class _Pieces:
    """Puts pieces of (N, C, H', W') together; one that is all is taken as it is."""

    def __init__(self, samples: int, height: int):
        self._size = samples, height
        self._value: torch.Tensor | None = None

    def add(self, part: torch.Tensor, at: _At) -> None:
        """A piece (n, C, rows, W')."""
        if at.is_all:
            self._value = part
            return
        if self._value is None:
            self._value = part.new_empty(self._size[0], part.shape[1], self._size[1], part.shape[3])
        self._value[at.samples, :, at.rows] = part

    @property
    def value(self) -> torch.Tensor:
        """All of them."""
        assert self._value is not None, "nothing was added"
        return self._value


def _piece(value: torch.Tensor, at: _At) -> torch.Tensor:
    """A piece of (N, C, H', W')."""
    return value if at.is_all else value[at.samples, :, at.rows]


def _taps(mask: torch.Tensor, at: _At, geometry: Geometry) -> torch.Tensor:
    """A piece of a mask (N, taps, H', W'), as it goes with what the taps read: (n, 1, kh, kw, rows, W')."""
    return _piece(mask, at).unflatten(1, (1, *geometry.kernel))


def _matrix(weight: torch.Tensor) -> torch.Tensor:
    """(O, C / groups, kh, kw) as weights of columns: (O, C / groups * taps, 1, 1)."""
    return weight.reshape(len(weight), -1, 1, 1)


def _centre(geometry: Geometry) -> tuple[slice, ...]:
    """The index of the kernel's centre in (n, C, kh, kw, rows, W')."""
    return (slice(None), slice(None), *(slice(middle, middle + 1) for middle in geometry.centre))


def _outside(x: torch.Tensor, geometry: Geometry) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Where taps are outside the image, (1, taps, H', W'), and where the centre is, (1, 1, H', W'); None for nowhere."""
    if not any(geometry.pad) and not any(geometry.shortfall(x.shape[2:])):
        return None, None
    windows = _Windows(x.new_ones(1, 1, *x.shape[2:]), geometry)
    height, width = windows.output
    read = windows.read(_At(slice(0, 1), slice(0, height), True))
    window = centred(geometry, x.shape[2:])
    everywhere = window is not None and window[1:] == (slice(0, height), slice(0, width))
    return read.flatten(1, 3) == 0, None if everywhere else read[_centre(geometry)].flatten(1, 3) == 0
