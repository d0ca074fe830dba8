"""Caffe's random numbers: MT19937 as the reference seeds and reads it (spec/pipeline.md 4.8).

One main generator hands out seeds while nets are built; every data layer then draws from
generators of its own, so what it serves does not depend on when its thread runs.
"""

import os
from collections.abc import MutableSequence
from typing import Any, cast

import numpy as np
import torch

WORDS = 2**32


class MersenneTwister:
    """The stream of 32-bit words of an MT19937 with standard integer seeding."""

    def __init__(self, seed: int):
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin anew; a negative seed takes the system's randomness."""
        seed = int.from_bytes(os.urandom(4), "little") if seed < 0 else seed
        self._words = np.random.MT19937()
        self._words.state = cast(Any, np.random.RandomState(seed % WORDS).get_state(legacy=False))

    def next32(self) -> int:
        """The next word."""
        return int(self._words.random_raw())

    def below(self, count: int) -> int:
        """A number in [0, count): the next word modulo `count`, as the transformer draws."""
        return self.next32() % count

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to `high`, each equally likely, as Boost makes it of the next word."""
        return low + self.next32() / (WORDS - 1) * (high - low)

    def shuffle(self, items: MutableSequence[Any]) -> None:
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


#: what nets draw from unless they are given another one
MAIN = MersenneTwister(-1)


def set_random_seed(seed: int) -> None:
    """Seed what fillers and Dropout draw (PyTorch's generator), and the data layers built from now on (`MAIN`).

    A negative seed takes the system's randomness.

    >>> import segaware_caffe
    >>> text = 'input: "x" input_shape { dim: 1 dim: 3 } layer { name: "fc" type: "InnerProduct" bottom: "x" top: "y" '
    >>> text += 'inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }'
    >>> set_random_seed(1)
    >>> first = segaware_caffe.Net(text).params["fc"][0]
    >>> set_random_seed(1)
    >>> bool((segaware_caffe.Net(text).params["fc"][0] == first).all())
    True
    """
    if seed < 0:
        torch.seed()
    else:
        torch.manual_seed(seed)
    MAIN.seed(seed)
