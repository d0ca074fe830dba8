"""A photograph in tiles: where they lie, which pixels each answers for, and its scores at the photograph's resolution.

Tiles overlap, and each answers for what lies nearer to its middle than to its neighbours', so that every pixel is seen with
what is around it. They begin at multiples of a power of two: the grids of pools and strides then agree from tile to tile, and
where no pixel depends on others farther off than half the overlap, the tiles' scores are those of the whole photograph.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch

#: tiles begin at multiples of up to this, and overlap by about this share of their side
ALIGNED, OVERLAP = 32, 1 / 4
#: elements of scores that are held at the photograph's resolution at once
ELEMENTS = 2**23


class Span(NamedTuple):
    """One axis of a tile, in a photograph of `whole` pixels that was fitted to `fitted`.

    The tile has `valid` of the fitted pixels from `start` on, and answers for the photograph's from `first` up to `last`.
    """

    whole: int
    fitted: int
    start: int
    valid: int
    first: int
    last: int


def spans(whole: int, fitted: int, tile: int) -> list[Span]:
    """The tiles of one axis.

    >>> [(span.start, span.first, span.last) for span in spans(1000, 1000, 481)]
    [(0, 0, 376), (272, 376, 640), (528, 640, 1000)]
    """
    if fitted <= tile:
        return [Span(whole, fitted, 0, fitted, 0, whole)]
    aligned = min(ALIGNED, 2 ** max(0, (tile // 16).bit_length() - 1))
    overlap = int(tile * OVERLAP)
    count = max(2, -(-(fitted - overlap) // (tile - overlap)))
    last = -(-(fitted - tile) // aligned)
    starts = [round(index * last / (count - 1)) * aligned for index in range(count)]
    middles = [(left + tile + right) // 2 for left, right in pairwise(starts)]
    ends = [0, *(round(middle * whole / fitted) for middle in middles), whole]
    return [
        Span(whole, fitted, start, min(tile, fitted - start), first, last)
        for start, first, last in zip(starts, ends, ends[1:], strict=False)
    ]


def resampled(scores: torch.Tensor, rows: Span, columns: Span) -> Iterator[tuple[int, torch.Tensor]]:
    """Scores (K, h, w) of a tile at the photograph's resolution, bilinearly between centres of pixels: strips (K, r, c) of the
    rows that it answers for, from the top down, each with the photograph's row that it begins at."""
    left, right, across = _positions(columns, columns.first, columns.last, scores.device)
    step = max(1, ELEMENTS // (len(scores) * (columns.last - columns.first)))
    for first in range(rows.first, rows.last, step):
        above, below, down = _positions(rows, first, min(first + step, rows.last), scores.device)
        if rows.whole == rows.fitted and columns.whole == columns.fitted:
            yield first, scores[:, above[0] : above[-1] + 1, left[0] : left[-1] + 1].float()
            continue
        strip = scores[:, above[0] : below[-1] + 1].float()
        strip = torch.lerp(strip[:, :, left], strip[:, :, right], across)
        yield first, torch.lerp(strip[:, above - above[0]], strip[:, below - above[0]], down[:, None])


def _positions(span: Span, first: int, last: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Between which pixels of the tile the photograph's from `first` up to `last` lie, and how near to the second."""
    places = (torch.arange(first, last, dtype=torch.float64) + 0.5) * (span.fitted / span.whole) - 0.5 - span.start
    places = places.clamp(0, span.valid - 1)
    low = places.floor().long()
    return low.to(device), (low + 1).clamp(max=span.valid - 1).to(device), (places - low).float().to(device)
