"""ChannelReduce, alone and as the release's networks sharpen with it."""

import math

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError

LAYER = 'type: "ChannelReduce" channel_reduce_param { %s }'


@pytest.mark.parametrize("path", goldens("channelreduce_*", "sharpen_3x3"))
def test_golden(path):
    run_golden(path)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("num_channels: 3 operation: SUM", [1, 5, 9]),
        ("num_channels: 3 operation: MAX", [1, 3, 5]),
        ("num_channels: 2 operation: SUM", [3, 12]),
        ("", [5]),
        ("num_channels: 6 operation: SUM", [0, 1, 2, 3, 4, 5]),
        ("num_channels: 6", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_groups_are_neighbouring_channels(fields, expected):
    bottom = torch.arange(6.0).view(1, 6, 1, 1).expand(2, 6, 2, 3)
    top = make_layer(LAYER % fields, bottom.shape)(bottom)
    assert top.equal(torch.tensor(expected, dtype=torch.float32).view(1, -1, 1, 1).expand(2, -1, 2, 3))


@pytest.mark.parametrize("fields", ["num_channels: 2 operation: SUM", "num_channels: 2", "num_channels: 6", ""])
@pytest.mark.parametrize("shape", [(2, 6, 3, 2), (1, 6, 1, 5)])
def test_gradient(fields, shape):
    check_gradients(make_layer(LAYER % fields, shape), numbers(*shape))


def test_the_first_of_equal_channels_gets_the_gradient():
    bottom = torch.tensor([1.0, 2.0, 2.0, 2.0]).view(1, 4, 1, 1).requires_grad_()
    make_layer(LAYER % "", bottom.shape)(bottom).sum().backward()
    assert bottom.grad.flatten().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("values", "largest"),
    [
        ([math.nan, 1.0], 1.0),
        ([1.0, math.nan], 1.0),
        ([-math.inf, -math.inf], torch.finfo(torch.float32).min),
        ([math.nan, math.nan], torch.finfo(torch.float32).min),
    ],
)
def test_nan_and_minus_infinity_never_win(values, largest):
    bottom = torch.tensor(values).view(1, 2, 1, 1)
    assert make_layer(LAYER % "", bottom.shape)(bottom).item() == largest


@pytest.mark.parametrize(
    ("fields", "shape", "sentence"),
    [
        ("num_channels: 4", (1, 6, 2, 2), "num_channels must divide the bottom's 6 channels, which 4 does not"),
        ("num_channels: 12", (1, 6, 2, 2), "must divide"),
        ("num_channels: 0", (1, 6, 2, 2), "must divide"),
        ("", (1, 6, 2), "(N, C, H, W)"),
        ("", (1, 6, 2, 2, 2), "(N, C, H, W)"),
    ],
)
def test_refused(fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(LAYER % fields, shape)
    assert sentence in str(error.value)
