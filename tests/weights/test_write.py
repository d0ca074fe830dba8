"""What we write, protobuf's parser and our reader read equal."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import LayerParameter, NetParameter
from segaware_caffe.weights import ArrayBlob, LayerWeights, read_caffemodel, write_caffemodel

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"


def parsed(path):
    """The file as protobuf reads it."""
    return NetParameter.FromString(path.read_bytes())


def test_the_fields_are_those_of_the_reference(tmp_path):
    path = tmp_path / "net.caffemodel"
    write_caffemodel(
        path,
        "net",
        [
            ("conv", "Convolution", [np.arange(4, dtype=np.float32).reshape(1, 2, 2), torch.tensor([5.0])]),
            ("relu", "ReLU", []),
            ("scale", "Scale", [np.float32(3), np.array([1.5, 2.5])]),
        ],
    )
    net = NetParameter(name="net")
    conv = net.layer.add(name="conv", type="Convolution")
    conv.blobs.add(data=[0, 1, 2, 3]).shape.dim.extend([1, 2, 2])
    conv.blobs.add(data=[5]).shape.dim.append(1)
    net.layer.add(name="relu", type="ReLU")
    scale = net.layer.add(name="scale", type="Scale")
    scale.blobs.add(data=[3]).shape.SetInParent()
    scale.blobs.add(double_data=[1.5, 2.5]).shape.dim.append(2)
    assert parsed(path) == net


def test_a_scalar_has_an_empty_shape(tmp_path):
    write_caffemodel(tmp_path / "net.caffemodel", "", [("a", "", [np.float32(3)])])
    assert (tmp_path / "net.caffemodel").read_bytes().endswith(b"\x3a\x08" + b"\x2a\x04" + np.float32(3).tobytes() + b"\x3a\x00")


def test_a_definition_is_stored_whole(tmp_path):
    path = tmp_path / "net.caffemodel"
    layer = LayerParameter(name="ip", type="InnerProduct", bottom=["data"], top=["ip"], phase=1)
    layer.inner_product_param.num_output = 2
    write_caffemodel(path, "", [LayerWeights("ip", "InnerProduct", [np.float32([1, 2])], layer.SerializeToString())])
    layer.blobs.add(data=[1, 2]).shape.dim.append(2)
    assert list(parsed(path).layer) == [layer]


def test_gradients_are_stored(tmp_path):
    blob = ArrayBlob(np.float32([1, 2]))
    blob.diff = ArrayBlob(np.float32([3, 4]))
    write_caffemodel(tmp_path / "net.caffemodel", "", [("a", "", [blob])])
    assert list(parsed(tmp_path / "net.caffemodel").layer[0].blobs[0].diff) == [3, 4]
    assert read_caffemodel(tmp_path / "net.caffemodel").layers[0].blobs[0].diff.numpy().tolist() == [3, 4]


@pytest.mark.parametrize("name", ["sgd_fixed_iter_10", "embedding_adam_iter_10", "sgd_bn_scale_iter_10", "tiny_iter_6"])
def test_a_snapshot_written_again_is_the_same_message(tmp_path, name):
    original = parsed(GOLDEN / f"{name}.caffemodel")
    layers = []
    for layer, read in zip(original.layer, read_caffemodel(GOLDEN / f"{name}.caffemodel"), strict=True):
        definition = LayerParameter()
        definition.CopyFrom(layer)
        definition.ClearField("blobs")
        layers.append(read._replace(definition=definition.SerializeToString()))
    write_caffemodel(tmp_path / "again.caffemodel", original.name, layers)
    assert list(parsed(tmp_path / "again.caffemodel").layer) == list(original.layer)


@pytest.mark.parametrize(
    "values",
    [
        torch.arange(6.0).reshape(2, 3).t(),
        torch.arange(6).half(),
        torch.arange(6).bfloat16(),
        torch.arange(6),
        torch.nn.Parameter(torch.ones(2)),
        np.arange(6).reshape(2, 3).T,
        np.arange(6, dtype=np.float32)[::2],
        np.ones((2, 0), np.float32),
        np.arange(3, dtype=">f4"),
        torch.arange(3, dtype=torch.float64),
    ],
    ids=["transposed", "half", "bfloat16", "integers", "parameter", "array", "strided", "empty", "big-endian", "double"],
)
def test_any_array_is_stored_as_its_values(tmp_path, values):
    write_caffemodel(tmp_path / "net.caffemodel", "", [("a", "", [values])])
    read = read_caffemodel(tmp_path / "net.caffemodel").layers[0].blobs[0]
    expected = values.detach().to(torch.float64).numpy() if isinstance(values, torch.Tensor) else values
    assert read.shape == tuple(values.shape)
    assert read.dtype == (np.float64 if str(values.dtype).endswith("float64") else np.float32)
    np.testing.assert_array_equal(read.numpy(), expected)


floats = hnp.arrays(st.sampled_from([np.float32, np.float64]), hnp.array_shapes(min_dims=0, max_dims=5, max_side=4))
layers = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), st.lists(floats, max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8")), layers)
def test_random_nets(tmp_path_factory, net_name, layers):
    path = tmp_path_factory.getbasetemp() / "random.caffemodel"
    write_caffemodel(path, net_name, layers)
    weights, theirs = read_caffemodel(path), parsed(path)
    assert (weights.net_name, theirs.name) == (net_name, net_name)
    assert [layer[:2] for layer in weights] == [layer[:2] for layer in layers]
    for (_, _, blobs), ours, proto in zip(layers, weights, theirs.layer, strict=True):
        for values, blob, other in zip(blobs, ours.blobs, proto.blobs, strict=True):
            assert (blob.shape, blob.dtype, tuple(other.shape.dim)) == (values.shape, values.dtype, values.shape)
            assert blob.numpy().tobytes() == values.tobytes()
            np.testing.assert_array_equal(np.array(other.data or other.double_data, values.dtype), values.ravel())


@pytest.mark.parametrize(
    ("blob", "problem"),
    [
        (np.zeros((1,) * 33, np.float32), "33 axes; 32 is the most"),
        (None, "owned by another layer; only HDF5"),
        (np.broadcast_to(np.float32(0), 2**31), "blob size exceeds INT_MAX"),
    ],
    ids=["axes", "missing", "size"],
)
def test_what_cannot_be_stored_leaves_the_old_file(tmp_path, blob, problem):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"old")
    with pytest.raises(CaffeError, match=problem):
        write_caffemodel(path, "net", [("a", "", [np.ones(3, np.float32)]), ("b", "", [blob])])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["net.caffemodel"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CaffeError, match=r"missing/net.caffemodel: cannot be written: No such file or directory"):
        write_caffemodel(tmp_path / "missing" / "net.caffemodel", "net", [])


def test_writing_makes_no_second_copy(tmp_path):
    values = np.ones(2**20, np.float32)
    tracemalloc.start()
    try:
        write_caffemodel(tmp_path / "net.caffemodel", "", [(f"layer{i}", "", [values]) for i in range(8)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < values.nbytes / 4


def test_a_file_can_be_written_over_itself(tmp_path):
    path = tmp_path / "net.caffemodel"
    write_caffemodel(path, "net", [("a", "T", [np.arange(5, dtype=np.float32)])])
    weights = read_caffemodel(path)
    write_caffemodel(path, weights.net_name, weights)
    assert read_caffemodel(path).layers[0].blobs[0].numpy().tolist() == [0, 1, 2, 3, 4]
