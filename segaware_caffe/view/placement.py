"""Places for the boxes of a directed graph: ranks by longest path, orders by barycentre, positions near the neighbours'.

Edges that span several ranks run through a point on each rank between, which is ordered and placed as boxes are: so lines
go round boxes. After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

#: sizes in pixels
BOX_WIDTH, BOX_HEIGHT, POINT_WIDTH = 190.0, 52.0, 14.0
GAP, RANK_HEIGHT = 18.0, 88.0
SWEEPS = 8


@dataclass(frozen=True)
class Placement:
    """The centre (x, y) of every box, the points (x, y) that every edge runs through, and the size of the whole."""

    centres: list[tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


def place(count: int, edges: Sequence[tuple[int, int]]) -> Placement:
    """Place boxes 0 to count - 1, of which every edge goes from a lower to a higher number.

    >>> [y for _, y in place(3, [(0, 1), (1, 2)]).centres]
    [44.0, 132.0, 220.0]
    """
    ranks = _ranks(count, edges)
    chains = []
    links: list[tuple[int, int]] = []
    for source, target in edges:
        points = list(range(len(ranks), len(ranks) + ranks[target] - ranks[source] - 1))
        ranks += range(ranks[source] + 1, ranks[target])
        chain = [source, *points, target]
        chains.append(chain)
        links += itertools.pairwise(chain)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for item, rank in enumerate(ranks):
        rows[rank].append(item)
    above, below = _neighbours(len(ranks), links)
    _order(rows, above, below)
    xs = _positions(rows, above, below, [BOX_WIDTH if item < count else POINT_WIDTH for item in range(len(ranks))])
    left = min(xs, default=0.0) - BOX_WIDTH / 2 - GAP
    spots = [(round(x - left, 1), RANK_HEIGHT * (rank + 0.5)) for x, rank in zip(xs, ranks, strict=True)]
    width = max((x for x, _ in spots), default=0.0) + BOX_WIDTH / 2 + GAP
    return Placement(spots[:count], [[spots[item] for item in chain] for chain in chains], width, RANK_HEIGHT * len(rows))


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest path to each box; boxes that nothing leads to stand right above their first reader."""
    ranks = [0] * count
    for source, target in sorted(edges):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    led_to = {target for _, target in edges}
    for box in range(count):
        if box not in led_to:
            ranks[box] = min((ranks[target] for source, target in edges if source == box), default=1) - 1
    return ranks


def _neighbours(count: int, links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    return above, below


def _order(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Sort each row by where its neighbours stand in the row before it, downwards and upwards in turn."""
    place_of = {item: index for row in rows for index, item in enumerate(row)}
    for sweep in range(SWEEPS):
        towards = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            centre = {
                item: sum(place_of[n] for n in towards[item]) / len(towards[item]) if towards[item] else place_of[item] for item in row
            }
            row.sort(key=centre.__getitem__)
            place_of.update((item, index) for index, item in enumerate(row))


def _positions(rows: list[list[int]], above: list[list[int]], below: list[list[int]], widths: list[float]) -> list[float]:
    """Horizontal centres: as near to the mean of the neighbours' as order and widths allow."""
    xs = [0.0] * len(widths)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wishes = []
            for item in row:
                near = [xs[n] for n in (above if sweep % 2 == 0 else below)[item]] or [xs[item]]
                wishes.append(sum(near) / len(near))
            for item, x in zip(row, _apart(wishes, [widths[item] for item in row]), strict=True):
                xs[item] = x
    return xs


def _apart(wishes: list[float], widths: list[float]) -> list[float]:
    """The positions nearest to the wishes (least squares) that keep order and do not overlap: pooled adjacent violators."""
    offsets = [0.0]
    for left, right in itertools.pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + GAP)
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        total, size = wish - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / size:
            more, others = pools.pop()
            total, size = total + more, size + others
        pools.append((total, size))
    means = [total / size for total, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
