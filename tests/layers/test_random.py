"""Caffe's generator: its words, its shuffle, and the order in which layers draw from it."""

import itertools

import pytest
import torch
from data.support import words

import segaware_caffe
from segaware_caffe.layers.random import MAIN, MersenneTwister, set_random_seed


@pytest.mark.parametrize(("seed", "expected"), [(5489, [3499211612, 581869302]), (1701, [384112814, 2227967492, 495543390])])
def test_words_are_mt19937s(seed: int, expected: list[int]) -> None:
    generator = MersenneTwister(seed)
    assert [generator.next32() for _ in expected] == expected
    assert list(itertools.islice(words(seed), len(expected))) == expected


def test_below_is_the_word_modulo_the_count() -> None:
    generator = MersenneTwister(1701)
    assert [generator.below(5), generator.below(7)] == [384112814 % 5, 2227967492 % 7]


def test_shuffle_is_boosts() -> None:
    items = list(range(8))
    MersenneTwister(1701).shuffle(items)
    assert items == [6, 5, 1, 2, 4, 7, 3, 0]


def test_a_negative_seed_is_none() -> None:
    set_random_seed(-1)
    first = [MAIN.next32() for _ in range(4)]
    set_random_seed(-1)
    assert first != [MAIN.next32() for _ in range(4)]


NOISE = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "y" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "z" type: "Dropout" bottom: "y" top: "z" }
"""


def test_a_seed_repeats_fillers_and_dropout() -> None:
    tops = []
    for seed in (3, 3, 4, -1):
        segaware_caffe.set_random_seed(seed)
        tops.append(segaware_caffe.Net(NOISE, "TRAIN")(x=torch.ones(1, 3, 9, 9))["z"])
    assert torch.equal(tops[0], tops[1])
    assert not any(torch.equal(tops[0], other) for other in tops[2:])
