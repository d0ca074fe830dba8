"""HDF5 weight files: the reference's layout, and what is refused."""

import h5py
import numpy as np
import pytest
import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.weights import load_weights, read_hdf5, write_hdf5


def write(path, groups):
    """A file as the reference writes it: no attributes, no order. Values are arrays, or make a member of the group."""
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        for layer, members in groups.items():
            group = data.create_group(layer)
            for name, value in members.items():
                value(group, name) if callable(value) else group.create_dataset(name, data=value)
    return path


def test_layout(tmp_path):
    path = tmp_path / "net.caffemodel.h5"
    write_hdf5(
        path,
        "net",
        [
            ("conv", "Convolution", [np.ones((2, 3), np.float32), torch.zeros(2)]),
            ("relu", "ReLU", []),
            ("shared", "Convolution", [None, np.float64(3)]),
        ],
    )
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: (item.shape, item.dtype) if isinstance(item, h5py.Dataset) else None}))
    assert found == {
        "data": None,
        "data/conv": None,
        "data/conv/0": ((2, 3), np.float32),
        "data/conv/1": ((2,), np.float32),
        "data/relu": None,
        "data/shared": None,
        "data/shared/1": ((), np.float64),
    }
    shared = read_hdf5(path).layers[2]
    assert (shared.name, shared.type, shared.blobs[0], shared.blobs[1].shape) == ("shared", "Convolution", None, ())


def test_a_file_of_the_reference(tmp_path):
    path = write(tmp_path / "x.h5", {"b": {"0": np.float32([1, 2])}, "a": {"1": np.int32([3]), "0": np.float64(4), "10": np.float16([5])}})
    weights = read_hdf5(path)
    assert [(layer.name, layer.type) for layer in weights] == [("a", ""), ("b", "")]
    blobs = weights.layers[0].blobs
    assert [i for i, blob in enumerate(blobs) if blob] == [0, 1, 10]
    assert [(blobs[i].dtype, blobs[i].numpy().tolist()) for i in (0, 1, 10)] == [(np.float64, 4), (np.float32, [3]), (np.float32, [5])]
    targets = [("b", [torch.empty(2)])]
    load_weights(path, targets)
    assert targets[0][1][0].tolist() == [1, 2]


def test_compressed_datasets(tmp_path):
    values = np.zeros((64, 64), np.float32)
    path = write(tmp_path / "x.h5", {"a": {"0": lambda group, name: group.create_dataset(name, data=values, compression="gzip")}})
    np.testing.assert_array_equal(read_hdf5(path).layers[0].blobs[0].numpy(), values)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["a", "b", "a"], "HDF5 holds one layer of a name, but there are several of 'a'; write a .caffemodel"),
        (["a/b"], "a layer named 'a/b' cannot be stored in HDF5"),
        ([""], "a layer named '' cannot"),
        (["."], "a layer named '.' cannot"),
    ],
)
def test_names_that_hdf5_cannot_hold(tmp_path, names, problem):
    with pytest.raises(CaffeError, match=problem):
        write_hdf5(tmp_path / "x.h5", "net", [(name, "", [np.ones(1)]) for name in names])
    assert not list(tmp_path.iterdir())


def external_link(group, name):
    group[name] = h5py.ExternalLink("other.h5", "/data")


def external_storage(group, name):
    group.create_dataset(name, (1,), np.float32, external=[("/etc/passwd", 0, 4)])


def virtual(group, name):
    layout = h5py.VirtualLayout((1,), np.float32)
    layout[0] = h5py.VirtualSource("other.h5", "x", (1,))[0]
    group.create_virtual_dataset(name, layout)


BAD_GROUPS = {
    "external link": ({"0": external_link}, "has no dataset '0' in '/data/a'"),
    "soft link": ({"0": lambda group, name: group.__setitem__(name, h5py.SoftLink("/data"))}, "has no dataset '0'"),
    "group": ({"0": lambda group, name: group.create_group(name)}, "has no dataset '0' in '/data/a'"),
    "itself": ({"0": lambda group, name: group.__setitem__(name, group)}, "has no dataset '0' in '/data/a'"),
    "external storage": ({"0": external_storage}, "layer 'a' blob 0: its values are in another file"),
    "virtual": ({"0": virtual}, "layer 'a' blob 0: its values are in another file"),
    "nothing stored": (
        {"0": lambda group, name: group.create_dataset(name, (2**30,), np.float32)},
        "its shape needs 4294967296 bytes, but 0 are stored",
    ),
    "too large": ({"0": lambda group, name: group.create_dataset(name, (2**40,), np.float32, chunks=(2,))}, "blob size exceeds INT_MAX"),
    "strings": ({"0": ["a", "b"]}, "not numbers"),
    "no values": ({"0": h5py.Empty("f4")}, "not numbers"),
    "names": ({"weight": np.ones(1)}, "layer 'a' blob weight: the datasets of a layer are named 0, 1, … 255"),
    "leading zero": ({"00": np.ones(1)}, "layer 'a' blob 00: the datasets"),
    "huge index": ({"999999999999": np.ones(1)}, "layer 'a' blob 999999999999: the datasets"),
}


@pytest.mark.parametrize(("members", "problem"), BAD_GROUPS.values(), ids=BAD_GROUPS)
def test_groups_that_are_no_layer(tmp_path, members, problem):
    path = write(tmp_path / "x.h5", {"a": members})
    with pytest.raises(CaffeError) as error:
        read_hdf5(path)
    assert str(error.value).startswith(f"{path}: ")
    assert problem in str(error.value)


def test_an_hdf5_file_of_another_kind(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(CaffeError, match=r"x.h5: not a Caffe weights file: it has no group 'data' in '/'"):
        read_hdf5(tmp_path / "x.h5")


def test_a_caffemodel_named_h5(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"\x0a\x03net\xa2\x06\x00")
    with pytest.raises(CaffeError, match=r"x.h5: not a hdf5 file: its content is that of a caffemodel file"):
        read_hdf5(tmp_path / "x.h5")


def test_a_damaged_block_is_found_when_it_is_read(tmp_path):
    values = np.random.default_rng(0).random((64, 64))
    path = write(
        tmp_path / "x.h5",
        {
            "a": {"0": lambda group, name: group.create_dataset(name, data=values, compression="gzip", fletcher32=True)},
        },
    )
    data = bytearray(path.read_bytes())
    data[-2000:-1000] = bytes(1000)
    path.write_bytes(data)
    with pytest.raises(CaffeError, match=r"x.h5: layer 'a' blob 0: cannot be read"):
        read_hdf5(path).layers[0].blobs[0].numpy()
