"""The order in which data layers draw their seeds from the generator of their net's context."""

import itertools

import pytest
from data.support import words

from segaware_caffe.data.seeds import Seeds, draw_seeds
from segaware_caffe.layers import Context
from segaware_caffe.layers.random import MersenneTwister


@pytest.mark.parametrize(
    ("transform", "order", "rand_skip", "expected", "drawn"),
    [
        (False, False, 0, lambda w: Seeds(), 1),
        (True, False, 0, lambda w: Seeds(transform=w[1]), 3),
        (False, True, 0, lambda w: Seeds(order=w[0]), 2),
        (False, False, 10, lambda w: Seeds(skip=w[0] % 10), 2),
        (True, True, 10, lambda w: Seeds(transform=w[3], order=w[1], skip=w[2] % 10), 5),
    ],
)
def test_set_up_draws_in_the_references_order(transform, order, rand_skip, expected, drawn) -> None:
    stream = list(itertools.islice(words(77), 10))
    context = Context(random=MersenneTwister(77))
    assert draw_seeds(context, transform, order, rand_skip) == expected(stream)
    assert context.random.next32() == stream[drawn], f"{drawn} words are drawn, the last for the reading thread"
