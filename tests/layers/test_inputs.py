"""Input and DummyData."""

import numpy as np
import pytest
import torch
from golden_oracle import GOLDEN, run_golden
from layers.support import goldens, make_layer

from segaware_caffe import pycaffe
from segaware_caffe.errors import CaffeError


@pytest.mark.parametrize("file", goldens("input_*", "dummy_const"))
def test_golden(file):
    run_golden(file)


def test_every_sample_of_the_xy_filler_is_what_the_release_gives_the_first():
    """The release fills sample 0 only (spec/layers.md 2.2); here all samples are alike."""
    golden = np.load(GOLDEN / "layers/dummy_xy.npz")
    net = pycaffe.Net(str(golden["prototxt"]), pycaffe.TEST)
    net.forward()
    top, expected = net.blobs["y"].data, golden["out/y"]
    np.testing.assert_array_equal(top[0], expected[0])
    np.testing.assert_array_equal(top[1], expected[0])


def test_shapes_and_fillers_are_given_once_or_once_per_top():
    layer = make_layer('type: "DummyData" top: "a" top: "b" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 4 } }')
    assert [top.tolist() for top in layer()] == [[[4.0] * 3] * 2] * 2
    layer = make_layer(
        'type: "DummyData" top: "a" top: "b" dummy_data_param { num: 1 num: 2 channels: 1 channels: 1'
        " height: 1 height: 1 width: 2 width: 1 data_filler { value: 4 } data_filler { value: 5 } }"
    )
    assert [top.flatten().tolist() for top in layer()] == [[4.0, 4.0], [5.0, 5.0]]
    assert make_layer('type: "DummyData" dummy_data_param { shape { dim: 2 } }')()[0].tolist() == [0, 0]


def test_random_tops_are_filled_anew():
    layer = make_layer('type: "DummyData" dummy_data_param { shape { dim: 9 } data_filler { type: "gaussian" } }')
    assert not torch.equal(layer()[0], layer()[0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('type: "DummyData"', "needs shape, or num, channels, height and width equally often"),
        ('type: "DummyData" dummy_data_param { num: 1 channels: 1 height: 1 }', "equally often"),
        ('type: "DummyData" dummy_data_param { num: 1 shape { dim: 1 } }', "either shape or num, channels, height and width"),
        (
            'type: "DummyData" top: "a" top: "b" top: "c" dummy_data_param { shape { dim: 1 } shape { dim: 2 } }',
            "once per top blob (3), not 2 times",
        ),
        (
            'type: "DummyData" top: "a" dummy_data_param { shape { dim: 1 } data_filler { } data_filler { } }',
            "Number of data fillers must be 0, 1 or equal to the number of tops: 1, not 2",
        ),
        ('type: "DummyData" dummy_data_param { shape { dim: 1 } data_filler { type: "xyz" } }', "Unknown filler name: xyz"),
        ('type: "DummyData" dummy_data_param { shape { dim: 0 } }', "it must not be empty or negative"),
        (
            'type: "Input" top: "a" top: "b" top: "c" input_param { shape { dim: 1 } shape { dim: 2 } }',
            "once per top blob (3), not 2 times",
        ),
        ('type: "Input" input_param { shape { dim: -1 } }', "it must not be empty or negative"),
    ],
)
def test_bad_parameters(text, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text)
    assert sentence in str(error.value)


def test_an_input_must_be_fed():
    with pytest.raises(CaffeError, match="its blobs must be fed: a, b"):
        make_layer('type: "Input" top: "a" top: "b" input_param { shape { dim: 1 } }')()
