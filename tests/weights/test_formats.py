"""Every kind of file holds the same weights, is known by its content, and is refused when damaged."""

import json
import os
import re
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter, V1LayerParameter
from segaware_caffe.weights import compare, convert, load_weights, read_weights, write_weights
from segaware_caffe.weights.blobs import as_blob

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
SUFFIXES = (".caffemodel", ".caffemodel.h5", ".safetensors", ".npz", ".pt", ".pth")
#: the kinds that keep the net's name, and the names and types of all layers
DESCRIBED = ("caffemodel", "hdf5", "safetensors")

RANDOM = np.random.default_rng(0)
LAYERS = [
    ("zeta", "Convolution", [RANDOM.random((2, 3, 3, 3), np.float32), RANDOM.random(2, np.float32)]),
    ("relu", "ReLU", []),
    ("alpha.1", "Scale", [np.float32(3.5), RANDOM.random((2, 0), np.float32)]),
    ("many", "LSTM", [np.float32([i]) for i in range(12)]),
    ("middle", "InnerProduct", [RANDOM.random((4, 5)), torch.rand(3).double()]),
]


def assert_same(layers, expected):
    """The same names in the same order, with blobs of the same shapes, types and values."""
    layers = list(layers)
    assert [layer.name for layer in layers] == [name for name, _, _ in expected]
    for layer, (_, _, arrays) in zip(layers, expected, strict=True):
        blobs = [as_blob(array, layer.name, index) for index, array in enumerate(arrays)]
        assert [(b.shape, b.dtype) for b in layer.blobs] == [(b.shape, b.dtype) for b in blobs], layer.name
        assert [b.numpy().tobytes() for b in layer.blobs] == [b.numpy().tobytes() for b in blobs], layer.name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    write_weights(path, "the net", LAYERS)
    weights = read_weights(path)
    if weights.kind in DESCRIBED:
        assert weights.net_name == "the net"
        assert [(layer.name, layer.type) for layer in weights] == [layer[:2] for layer in LAYERS]
        assert_same(weights, LAYERS)
    else:
        assert_same(weights, [layer for layer in LAYERS if layer[2]])
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_content_decides_not_the_name(tmp_path, suffix):
    write_weights(tmp_path / f"net{suffix}", "", LAYERS)
    os.rename(tmp_path / f"net{suffix}", tmp_path / "weights")
    assert_same([layer for layer in read_weights(tmp_path / "weights") if layer.blobs], [layer for layer in LAYERS if layer[2]])


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_convert_from_each_to_each(tmp_path, source, target):
    write_weights(tmp_path / f"a{source}", "net", LAYERS)
    summary = convert(tmp_path / f"a{source}", tmp_path / f"b{target}")
    assert compare(tmp_path / f"a{source}", tmp_path / f"b{target}").equal
    assert (summary.layers, summary.blobs, summary.values) == (4, 18, 54 + 2 + 1 + 0 + 12 + 20 + 3)
    assert str(summary).endswith("4 layers with weights, 18 blobs, 92 values")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_the_reference_survives(tmp_path, suffix):
    source = GOLDEN / "sgd_bn_scale_iter_10.caffemodel"
    convert(source, tmp_path / f"net{suffix}")
    convert(tmp_path / f"net{suffix}", tmp_path / "back.caffemodel")
    assert compare(source, tmp_path / "back.caffemodel").equal


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_legacy_shapes_come_out_as_layers_have_them_today(tmp_path, suffix):
    net = NetParameter()
    for name, kind, dims in (("conv", "CONVOLUTION", (1, 2, 1, 3)), ("ip", "INNER_PRODUCT", (1, 1, 2, 3))):
        layer = net.layers.add(name=name, type=V1LayerParameter.LayerType.Value(kind))
        layer.blobs.add(num=dims[0], channels=dims[1], height=dims[2], width=dims[3], data=range(6))
        layer.blobs.add(num=1, channels=1, height=1, width=2, data=range(2))
    (tmp_path / "v1.caffemodel").write_bytes(net.SerializeToString())
    convert(tmp_path / "v1.caffemodel", tmp_path / f"net{suffix}")
    targets = [("conv", [torch.zeros(1, 2, 1, 3), torch.zeros(2)]), ("ip", [torch.zeros(2, 3), torch.zeros(2)])]
    assert load_weights(tmp_path / f"net{suffix}", targets).loaded == ["conv", "ip"]
    assert targets[1][1][0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert compare(tmp_path / "v1.caffemodel", tmp_path / f"net{suffix}").equal


def test_an_unknown_suffix(tmp_path):
    with pytest.raises(CaffeError, match=r"net.onnx: weights are written to a name that ends in .caffemodel, .h5, .safetensors"):
        write_weights(tmp_path / "net.onnx", "", LAYERS)


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
def test_a_key_cannot_be_stored_twice(tmp_path, suffix):
    with pytest.raises(CaffeError, match=r"several layers are named 'a', so blob 'a.0' would be stored twice; write a .caffemodel"):
        write_weights(tmp_path / f"net{suffix}", "", [("a", "", [np.ones(1)]), ("a", "", [np.ones(1)])])
    assert not os.listdir(tmp_path)


# -- files of others -------------------------------------------------------------------------


def test_a_state_dict_of_one_s_own(tmp_path):
    torch.save({"b.1": torch.ones(2).half(), "b.0": torch.zeros(2, 3).t(), "a.0": torch.arange(3)}, tmp_path / "x.pt")
    weights = read_weights(tmp_path / "x.pt")
    assert [(layer.name, [(b.shape, b.numpy().ravel().tolist()) for b in layer.blobs]) for layer in weights] == [
        ("b", [((3, 2), [0] * 6), ((2,), [1, 1])]),
        ("a", [((3,), [0, 1, 2])]),
    ]


def test_an_old_style_state_dict(tmp_path):
    torch.save({"a.0": torch.ones(2)}, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    assert read_weights(tmp_path / "x.pth").layers[0].blobs[0].numpy().tolist() == [1, 1]


def test_safetensors_without_our_metadata(tmp_path):
    safetensors.numpy.save_file({"a.0": np.ones(2, np.float16), "b.0": np.zeros(3, np.float32)}, tmp_path / "x.safetensors")
    assert sorted((layer.name, layer.blobs[0].shape) for layer in read_weights(tmp_path / "x.safetensors")) == [("a", (2,)), ("b", (3,))]


class Boom:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_nothing_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a.0": Boom()}, "x.pt")
    np.savez("x.npz", **{"a.0": np.array([Boom()], object)})
    for name in ("x.pt", "x.npz"):
        with pytest.raises(CaffeError, match=f"{name}: "):
            read_weights(name)
    assert not os.path.exists("executed")


def expanded():
    return torch.zeros(1).expand(2**28)


BAD_STATES = {
    "no dictionary": (torch.ones(3), "holds a Tensor, not a state dict"),
    "no names": ({1: torch.ones(3)}, "not a state dict with names as keys"),
    "nested": ({"a.0": {"b": torch.ones(1)}}, "'a.0' holds dict, not an array of numbers"),
    "no index": ({"conv.weight": torch.ones(1)}, "key 'conv.weight' is not of the form <layer>.<blob index>"),
    "no layer": ({"0": torch.ones(1)}, "key '0' is not of the form"),
    "gap": ({"a.0": torch.ones(1), "a.2": torch.ones(1)}, "the blobs of layer 'a' are numbered 0, 2, not 0, 1"),
    "huge index": ({"a.99999999999": torch.ones(1)}, "the blobs of layer 'a' are numbered 99999999999"),
    "complex": ({"a.0": torch.ones(1, dtype=torch.complex64)}, "'a.0' holds torch.complex64, not an array of numbers"),
    "expanded": ({"a.0": expanded()}, "is more than the values stored"),
    "sparse": ({"a.0": torch.eye(2).to_sparse()}, "not an array of numbers"),
}


@pytest.mark.parametrize(("state", "problem"), BAD_STATES.values(), ids=BAD_STATES)
def test_state_dicts_that_are_no_weights(tmp_path, state, problem):
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(CaffeError) as error:
        read_weights(tmp_path / "x.pt")
    assert str(error.value).startswith(str(tmp_path / "x.pt"))
    assert problem in str(error.value)


def npy(shape, data, dtype="<f4"):
    """An .npy member that claims this shape."""
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


BAD_ARCHIVES = {
    "lying shape": ({"a.0.npy": npy((2**40,), bytes(4))}, f"'a.0.npy' needs {2**42} bytes, but 4 are stored"),
    "too much data": ({"a.0.npy": npy((1,), bytes(8))}, "'a.0.npy' needs 4 bytes, but 8 are stored"),
    "negative shape": ({"a.0.npy": npy((-1,), bytes(4))}, "it holds float32 of shape (-1,), not numbers"),
    "strings": ({"a.0.npy": npy((1,), bytes(4), "<U1")}, "it holds <U1 of shape (1,), not numbers"),
    "no array": ({"a.0.npy": b"hello"}, "damaged, or not readable"),
    "other members": ({"hello.txt": b"hello"}, "a zip archive that is neither .npz nor a PyTorch file"),
}


@pytest.mark.parametrize(("members", "problem"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_archives_that_are_no_weights(tmp_path, members, problem):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(CaffeError) as error:
        read_weights(tmp_path / "x.npz")
    assert str(error.value).startswith(str(tmp_path / "x.npz"))
    assert problem in str(error.value)


BAD_METADATA = {
    "no JSON": "[",
    "deep JSON": "[" * 10**5,
    "no list": "5",
    "another blob": json.dumps([["a", "", 2]]),
    "a blob too few": json.dumps([["a", "", 0]]),
    "no types": json.dumps([["a", 1]]),
    "name of another type": json.dumps([[5, "", 1]]),
}


@pytest.mark.parametrize("layers", BAD_METADATA.values(), ids=BAD_METADATA)
def test_safetensors_whose_metadata_lie(tmp_path, layers):
    safetensors.numpy.save_file({"a.0": np.ones(2)}, tmp_path / "x.safetensors", {"layers": layers})
    with pytest.raises(CaffeError, match=r"x.safetensors: damaged, or not readable"):
        read_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize("suffix", [".caffemodel.h5", ".safetensors", ".npz", ".pt"])
def test_files_cut_off(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    write_weights(path, "", LAYERS[:1])
    data = path.read_bytes()
    for length in range(0, len(data), max(1, len(data) // 50)):
        path.write_bytes(data[:length])
        with pytest.raises(CaffeError, match=re.escape(str(path))):
            for layer in read_weights(path):
                for blob in layer.blobs:
                    blob.numpy()


@pytest.mark.parametrize(
    ("package", "suffix", "extra"), [("h5py", ".caffemodel.h5", "hdf5"), ("safetensors", ".safetensors", "safetensors")]
)
def test_a_missing_package_is_named(tmp_path, monkeypatch, package, suffix, extra):
    path = tmp_path / f"x{suffix}"
    write_weights(path, "", LAYERS)
    for module in list(sys.modules):
        if module.split(".")[0] == package:
            monkeypatch.setitem(sys.modules, module, None)
    for use in (lambda: read_weights(path), lambda: write_weights(path, "", LAYERS)):
        with pytest.raises(CaffeError) as error:
            use()
        assert str(error.value) == f"{path}: needs {package}; install it with: pip install 'segaware-caffe[{extra}]'"
