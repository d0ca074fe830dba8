"""What each of several processes reads: together the batch of one, each item once."""

import itertools

import numpy as np
import pytest
from golden_oracle import GOLDEN

from segaware_caffe import Net, set_random_seed
from segaware_caffe.data.random import Seeds, draw_seeds
from segaware_caffe.data.share import Share, current_share, sharing

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
    with sharing(share.rank, share.size):
        net = Net(TRAIN.format(type=type_name, rest=LAYERS[type_name] % batch_size), "TRAIN")
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
    drawn = []
    for rank in range(2):
        set_random_seed(7)
        with sharing(rank, 2):
            drawn.append(draw_seeds(transform=True, order=True))
    assert drawn[1] == Seeds(drawn[0].transform + 1, drawn[0].order)


def test_sharing_ends_with_its_block():
    with sharing(1, 2):
        assert current_share() == Share(1, 2)
    assert current_share() == Share()
