"""Which part of the data this process reads when several train one net together (spec/pipeline.md 6.5).

As in the reference each of n processes takes every n-th item, so that n batches side by side are
the one batch of a single process that is n times as large. That holds for what is read in order:
lists, databases, HDF5 rows. All processes shuffle alike; mirrors, crops and sampled windows are
drawn by each for itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Every `size`-th item, from item `rank` on."""

    rank: int = 0
    size: int = 1

    def of(self, items: Iterator[T]) -> Iterator[T]:
        """This share of `items`, an endless iterator."""
        return islice(items, self.rank, None, self.size)


_current = Share()


def current_share() -> Share:
    """The share of the data layers that are built now."""
    return _current


@contextmanager
def sharing(rank: int, size: int) -> Iterator[None]:
    """Data layers built in this block read the share of process `rank` of `size`."""
    global _current
    before, _current = _current, Share(rank, size)
    try:
        yield
    finally:
        _current = before
