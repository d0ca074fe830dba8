"""What each of several processes reads: together the batch of one, each item once."""

import itertools

import numpy as np
import pytest
from golden_oracle import GOLDEN

from segaware_caffe import Net, set_random_seed
from segaware_caffe.data.processes import Process
from segaware_caffe.data.seeds import Seeds, draw_seeds
from segaware_caffe.layers import Context, Share
from segaware_caffe.layers.random import MersenneTwister

WHOLE = Share()
FOLDER = GOLDEN / "data"
TRAIN = 'layer {{ name: "data" type: "{type}" {rest} }}'
LAYERS = {
    "HDF5Data": 'top: "data" top: "label" hdf5_data_param { source: "h5.txt" batch_size: %d shuffle: true }',
    "Data": 'top: "data" top: "label" data_param { source: "lmdb_raw" backend: LMDB batch_size: %d }',
    "ImageData": 'top: "data" top: "label" image_data_param { source: "same.txt" batch_size: %d shuffle: true }',
    "FloData": 'top: "data" image_data_param { source: "flo.txt" batch_size: %d shuffle: true }',
}


def batches(type_name: str, batch_size: int, count: int, share: Share = WHOLE) -> list[list[np.ndarray]]:
    """What the layer of a train net reads."""
    set_random_seed(7)
    net = Net(TRAIN.format(type=type_name, rest=LAYERS[type_name] % batch_size), "TRAIN", context=Context(share))
    return [[blob.numpy() for blob in net().values()] for _ in range(count)]


def test_a_share_is_every_nth_item():
    assert [list(itertools.islice(Share(rank, 3).of(itertools.count()), 3)) for rank in range(3)] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


@pytest.mark.parametrize("type_name", LAYERS)
def test_two_batches_side_by_side_are_the_batch_of_one_process(type_name, monkeypatch):
    monkeypatch.chdir(FOLDER)
    whole = batches(type_name, 4, 3)
    shares = [batches(type_name, 2, 3, Share(rank, 2)) for rank in range(2)]
    for number, tops in enumerate(whole):
        for index, top in enumerate(tops):
            interleaved = np.stack([shares[rank][number][index] for rank in range(2)], axis=1).reshape(top.shape)
            np.testing.assert_array_equal(interleaved, top)


def test_processes_shuffle_alike_and_transform_each_for_itself():
    drawn = [draw_seeds(Context(Share(rank, 2), MersenneTwister(7)), transform=True, order=True) for rank in range(2)]
    assert drawn[1] == Seeds(drawn[0].transform + 1, drawn[0].order)


def test_a_net_draws_from_the_generator_that_it_is_given(monkeypatch):
    monkeypatch.chdir(FOLDER)
    prototxt = TRAIN.format(type="ImageData", rest=LAYERS["ImageData"] % 4)
    set_random_seed(7)
    expected = Net(prototxt, "TRAIN")()["label"]
    set_random_seed(8)
    assert np.array_equal(Net(prototxt, "TRAIN", context=Context(random=MersenneTwister(7)))()["label"], expected)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Process()),
        ({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}, Process(5, 8, 1, 4)),
    ],
)
def test_torchrun_says_which_process_this_is(environment, expected, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Process.this() == expected
