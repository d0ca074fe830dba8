"""Caffe's random numbers: MT19937 as the reference seeds and reads it (spec/pipeline.md 4.8).

One main generator hands out seeds while nets are built; every data layer then draws from
generators of its own, so what it serves does not depend on when its thread runs.
"""

import os
from collections.abc import MutableSequence
from dataclasses import dataclass

import numpy as np
import torch

from segaware_caffe.data.share import current_share

WORDS = 2**32


class MersenneTwister:
    """The stream of 32-bit words of an MT19937 with standard integer seeding."""

    def __init__(self, seed: int):
        self._words = np.random.MT19937()
        self._words.state = np.random.RandomState(seed % WORDS).get_state(legacy=False)

    def next32(self) -> int:
        """The next word."""
        return int(self._words.random_raw())

    def below(self, count: int) -> int:
        """A number in [0, count): the next word modulo `count`, as the transformer draws."""
        return self.next32() % count

    def shuffle(self, items: MutableSequence) -> None:
        """Permute in place, from the last item down, with Boost's uniform integers."""
        for last in range(len(items) - 1, 0, -1):
            other = self._uniform(last)
            items[last], items[other] = items[other], items[last]

    def _uniform(self, largest: int) -> int:
        """A number in [0, largest], each equally likely: words beyond the last full bucket are drawn again."""
        bucket = WORDS // (largest + 1)
        while True:
            value = self.next32() // bucket
            if value <= largest:
                return value


def _unseeded() -> MersenneTwister:
    return MersenneTwister(int.from_bytes(os.urandom(4), "little"))


_main = _unseeded()


def set_random_seed(seed: int) -> None:
    """Seed what fillers and Dropout draw (PyTorch's generator), and the data layers built from now on.

    A negative seed takes the system's randomness.
    """
    global _main
    if seed < 0:
        torch.seed()
        _main = _unseeded()
    else:
        torch.manual_seed(seed)
        _main = MersenneTwister(seed)


def next_seed() -> int:
    """One word of the main generator."""
    return _main.next32()


@dataclass(frozen=True)
class Seeds:
    """What a data layer draws when it is set up; None where it needs none."""

    transform: int | None = None
    #: for shuffling the list, or for sampling windows
    order: int | None = None
    skip: int = 0


def draw_seeds(transform: bool, order: bool, rand_skip: int = 0) -> Seeds:
    """The draws of a prefetching layer, in the reference's order.

    The transformer's seed is drawn twice and the second counts; the last word would seed the
    reading thread, which needs none. Of processes that share the data each gets another transformer's
    seed, but all the same order.
    """
    if transform:
        next_seed()
    order_seed = next_seed() if order else None
    skip = next_seed() % rand_skip if rand_skip else 0
    transform_seed = next_seed() + current_share().rank if transform else None
    next_seed()
    return Seeds(transform_seed, order_seed, skip)
