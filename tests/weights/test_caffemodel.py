"""Reading .caffemodel files: the reference's own, every encoding of a blob, legacy nets, big files."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_bytes import BYTES, blob, floats, layer, message, number, shape, tag, unpacked, varint

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import BlobProto, NetParameter, V1LayerParameter
from segaware_caffe.weights import read_caffemodel

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
SHARED = Path(__file__).parents[3] / "shared"


def read_net(tmp_path, *parts):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"".join(parts))
    return read_caffemodel(path)


def only_blob(tmp_path, *parts):
    """The one blob of a net with one layer, made of these parts of a BlobProto."""
    return read_net(tmp_path, layer("conv", blob(*parts))).layers[0].blobs[0]


# -- the reference's files -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sgd_fixed", "embedding_adam", "sgd_bn_scale"])
def test_reference_snapshots_hold_the_recorded_values(name):
    weights = read_caffemodel(GOLDEN / f"{name}_iter_10.caffemodel")
    read = {f"at_snapshot/{layer.name}/{i}": blob.numpy() for layer in weights for i, blob in enumerate(layer.blobs)}
    golden = np.load(GOLDEN / f"{name}.npz")
    assert sorted(read) == sorted(key for key in golden.files if key.startswith("at_snapshot/"))
    for key, values in read.items():
        np.testing.assert_array_equal(values, golden[key], err_msg=key)


def test_a_snapshot_lists_every_layer_in_order():
    weights = read_caffemodel(GOLDEN / "tiny_iter_6.caffemodel")
    assert weights.net_name == "tiny"
    assert [(layer.name, layer.type, [blob.shape for blob in layer.blobs]) for layer in weights] == [
        ("data", "HDF5Data", []),
        ("label_data_1_split", "Split", []),
        ("conv", "Convolution", [(3, 2, 2, 2), (3,)]),
        ("relu", "ReLU", []),
        ("ip", "InnerProduct", [(8, 18), (8,)]),
        ("ip_ip_0_split", "Split", []),
        ("loss", "SoftmaxWithLoss", []),
        ("aux", "SoftmaxWithLoss", []),
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared: the file may not be copied")
def test_a_model_from_the_wild():
    path = SHARED / "reference" / "models" / "mtcnn_det1.caffemodel"
    by_protobuf = NetParameter.FromString(path.read_bytes())
    weights = read_caffemodel(path)
    assert [layer.name for layer in weights] == [layer.name for layer in by_protobuf.layer]
    assert sum(len(layer.blobs) for layer in weights) == 13
    for ours, theirs in zip(weights, by_protobuf.layer, strict=True):
        for mine, other in zip(ours.blobs, theirs.blobs, strict=True):
            np.testing.assert_array_equal(mine.numpy(), np.reshape(other.data, tuple(other.shape.dim)).astype(np.float32))


# -- encodings of one blob -------------------------------------------------------------------

DOUBLES = struct.pack("<6d", *range(6))
ENCODINGS = {
    "packed": [shape(2, 3), floats(5, range(6))],
    "values before shape": [floats(5, range(6)), shape(2, 3)],
    "unpacked": [shape(2, 3), unpacked(5, range(6))],
    "chunks": [shape(2, 3), floats(5, range(2)), floats(5, []), floats(5, range(2, 6))],
    "mixed chunks": [floats(5, range(2)), unpacked(5, [2, 3]), shape(2, 3), floats(5, [4]), unpacked(5, [5])],
    "double": [shape(2, 3), message(8, DOUBLES)],
    "unpacked double": [shape(2, 3), *(tag(8, 1) + DOUBLES[i : i + 8] for i in range(0, 48, 8))],
    "double wins": [floats(5, [7] * 6), message(8, DOUBLES), shape(2, 3)],
    "unpacked dims": [message(7, number(1, 2), number(1, 3)), floats(5, range(6))],
    "shape in two parts": [shape(2), floats(5, range(6)), shape(3)],
    "unknown fields": [message(99, b"x" * 100), shape(2, 3), number(98, 5), tag(97, 3) + tag(97, 4), floats(5, range(6))],
    "known field of another wire type": [number(5, 3), number(7, 3), message(1, b"x"), shape(2, 3), floats(5, range(6))],
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_reads_the_same(tmp_path, name):
    read = only_blob(tmp_path, *ENCODINGS[name])
    expected = np.arange(6).reshape(2, 3)
    assert (read.shape, read.count, read.legacy, read.diff) == ((2, 3), 6, False, None)
    assert read.dtype == (np.float64 if "double" in name else np.float32)
    np.testing.assert_array_equal(read.numpy(), expected)
    for target in (torch.empty(2, 3), torch.empty(6, dtype=torch.float64), np.empty((3, 2), np.float32)):
        read.read_into(target)
        np.testing.assert_array_equal(np.asarray(target).ravel(), expected.ravel())


@pytest.mark.parametrize("parts", ENCODINGS.values(), ids=ENCODINGS)
def test_protobuf_reads_the_encodings_so_too(parts):
    """The table above is right about the format."""
    theirs = BlobProto.FromString(b"".join(parts))
    assert list(theirs.shape.dim) == [2, 3]
    assert list(theirs.double_data or theirs.data) == list(range(6))


def test_together_in_the_file_means_a_view(tmp_path):
    read = only_blob(tmp_path, shape(2, 3), floats(5, range(6)))
    values = read.numpy()
    assert not values.flags.owndata
    assert not values.flags.writeable
    assert only_blob(tmp_path, shape(2, 3), unpacked(5, range(6))).numpy().flags.writeable


@pytest.mark.parametrize(
    "target",
    [
        torch.zeros(4, 3).t(),
        torch.zeros(3, 4, dtype=torch.float16),
        torch.zeros(3, 4, dtype=torch.bfloat16),
        torch.zeros(3, 8)[:, ::2],
        torch.zeros(3, 4, requires_grad=True),
        np.zeros((4, 3)).T,
        np.zeros((3, 4), np.int32),
    ],
    ids=["transposed", "half", "bfloat16", "strided", "parameter", "transposed array", "integers"],
)
def test_any_target_can_be_read_into(tmp_path, target):
    only_blob(tmp_path, shape(3, 4), floats(5, range(12))).read_into(target)
    result = target.detach().float().numpy() if isinstance(target, torch.Tensor) else target
    np.testing.assert_array_equal(result, np.arange(12).reshape(3, 4))


def test_a_target_of_another_size_is_refused(tmp_path):
    with pytest.raises(CaffeError, match="12 values cannot be read into 13"):
        only_blob(tmp_path, shape(3, 4), floats(5, range(12))).read_into(torch.empty(13))


def test_scalars_empty_blobs_and_gradients(tmp_path):
    scalar = only_blob(tmp_path, message(7), floats(5, [3]))
    assert (scalar.shape, float(scalar.numpy())) == ((), 3)
    empty = only_blob(tmp_path, shape(2, 0))
    assert empty.numpy().shape == (2, 0)
    both = only_blob(tmp_path, shape(2), floats(5, [1, 2]), floats(6, [3, 4]))
    np.testing.assert_array_equal(both.diff.numpy(), [3, 4])


def test_long_unpacked_and_double_blobs_are_converted_block_by_block(tmp_path):
    count = 2**18 + 5
    values = np.random.default_rng(0).random(count)
    target = torch.empty(count)
    only_blob(tmp_path, shape(count), message(8, values.astype("<f8").tobytes())).read_into(target)
    np.testing.assert_array_equal(target.numpy(), values.astype(np.float32))
    rows = np.empty(count, [("tag", "u1"), ("value", "<f4")])
    rows["tag"], rows["value"] = tag(5, 5)[0], values
    target.zero_()
    only_blob(tmp_path, shape(count), rows.tobytes()).read_into(target)
    np.testing.assert_array_equal(target.numpy(), values.astype(np.float32))


# -- legacy ----------------------------------------------------------------------------------


def test_legacy_dims_win_over_shape(tmp_path):
    read = only_blob(tmp_path, number(1, 1), number(2, 1), number(3, 2), number(4, 3), shape(6), floats(5, range(6)))
    assert (read.shape, read.legacy) == ((1, 1, 2, 3), True)


def test_a_missing_legacy_dim_counts_as_zero(tmp_path):
    with pytest.raises(CaffeError, match=r"layer 'conv' blob 0: its shape is 0 0 0 6 \(0\), 0 values, but 6 are stored"):
        only_blob(tmp_path, number(4, 6), floats(5, range(6)))


def legacy_blob(proto, values, *dims):
    proto.num, proto.channels, proto.height, proto.width = dims
    proto.data.extend(values)


def test_v1_nets(tmp_path):
    net = NetParameter(name="v1")
    conv = net.layers.add(name="conv", type=V1LayerParameter.CONVOLUTION, bottom=["data"], blobs_lr=[1, 2])
    legacy_blob(conv.blobs.add(), range(8), 2, 1, 2, 2)
    legacy_blob(conv.blobs.add(), range(2), 1, 1, 1, 2)
    net.layers.add(name="loss", type=V1LayerParameter.SOFTMAX_LOSS)
    weights = read_net(tmp_path, net.SerializeToString())
    assert weights.net_name == "v1"
    assert [(layer.name, layer.type, [(b.shape, b.legacy) for b in layer.blobs]) for layer in weights] == [
        ("conv", "Convolution", [((2, 1, 2, 2), True), ((1, 1, 1, 2), True)]),
        ("loss", "SoftmaxWithLoss", []),
    ]
    np.testing.assert_array_equal(weights.layers[0].blobs[0].numpy().ravel(), np.arange(8))


def test_v0_nets(tmp_path):
    net = NetParameter(name="v0")
    for name, kind, count in (("conv1", "conv", 2), ("pad1", "padding", 0), ("fc", "innerproduct", 1)):
        old = net.layers.add(bottom=["data"]).layer
        old.name, old.type = name, kind
        for _ in range(count):
            legacy_blob(old.blobs.add(), range(6), 1, 1, 2, 3)
    weights = read_net(tmp_path, net.SerializeToString())
    assert [(layer.name, layer.type, len(layer.blobs)) for layer in weights] == [
        ("conv1", "Convolution", 2),
        ("pad1", "padding", 0),
        ("fc", "InnerProduct", 1),
    ]


def test_unknown_v1_types_do_not_matter(tmp_path):
    weights = read_net(tmp_path, message(2, message(4, b"new"), number(5, 77)))
    assert [(layer.name, layer.type) for layer in weights] == [("new", "77")]


def test_both_kinds_of_layers_are_refused(tmp_path):
    with pytest.raises(CaffeError, match="mixes `layer` with the legacy `layers`"):
        read_net(tmp_path, layer("a"), message(2, message(4, b"b")))


def test_names_that_are_not_utf8_can_be_printed(tmp_path):
    assert read_net(tmp_path, message(100, message(1, b"a\xff"))).layers[0].name == "a\\xff"


def test_duplicate_names_stay_apart(tmp_path):
    assert [layer.name for layer in read_net(tmp_path, layer("a"), layer("b"), layer("a"))] == ["a", "b", "a"]


# -- size ------------------------------------------------------------------------------------


def test_files_over_4_gb(tmp_path):
    """Sparse: the layers lie at both ends of a hole of zeros."""
    count = 2**30 + 2**28
    values = tag(5, BYTES) + varint(4 * count)
    first = shape(count) + values
    inner = message(1, b"big") + tag(7, BYTES) + varint(len(first) + 4 * count) + first
    path = tmp_path / "big.caffemodel"
    with open(path, "wb") as file:
        file.write(tag(100, BYTES) + varint(len(inner) + 4 * count) + inner)
        file.seek(4 * count - 4, os.SEEK_CUR)
        file.write(struct.pack("<f", 7))
        file.write(layer("small", blob(shape(3), floats(5, [1, 2, 3]))))
    assert path.stat().st_size > 2**32
    big, small = read_caffemodel(path)
    assert big.blobs[0].shape == (count,)
    assert big.blobs[0].numpy()[-1] == 7
    target = torch.empty(3)
    small.blobs[0].read_into(target)
    assert target.tolist() == [1, 2, 3]


def shaped_values(dims):
    count = int(np.prod(dims))
    return st.tuples(st.just(dims), st.lists(st.floats(width=32), min_size=count, max_size=count))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=4).flatmap(shaped_values), st.sampled_from(["data", "double_data"]))
def test_what_protobuf_writes_reads_equal(tmp_path_factory, shaped, field):
    dims, values = shaped
    net = NetParameter()
    proto = net.layer.add(name="x").blobs.add()
    proto.shape.SetInParent()
    proto.shape.dim.extend(dims)
    getattr(proto, field).extend(values)
    read = read_net(tmp_path_factory.getbasetemp(), net.SerializeToString()).layers[0].blobs[0]
    np.testing.assert_array_equal(read.numpy(), np.reshape(np.array(values, read.dtype), dims))
