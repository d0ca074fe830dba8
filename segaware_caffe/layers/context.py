"""What a layer is told when its net is built, beside its own definition."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.layers.random import MAIN, MersenneTwister

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Every `size`-th item, from item `rank` on: what one of several processes takes of the work."""

    rank: int = 0
    size: int = 1

    def of(self, items: Iterable[T]) -> Iterator[T]:
        """This share of `items`: the shares of all processes are disjoint and together everything."""
        return islice(items, self.rank, None, self.size)


@dataclass(frozen=True)
class Context:
    """For all layers of a net alike.

    Attributes:
        share: which part of the data the data layers read (spec/pipeline.md 6.5). As in the reference
            each of n processes takes every n-th item, so that n batches side by side are the one batch
            of a single process that is n times as large. That holds for what is read in order: lists,
            databases, HDF5 rows. All processes shuffle alike; mirrors, crops and sampled windows are
            drawn by each for itself.
        random: hands the layers their seeds, in the order in which they are set up.
        paths: which files the net's text may name.
    """

    share: Share = Share()
    random: MersenneTwister = MAIN
    paths: AllowedPaths = field(default_factory=AllowedPaths)
