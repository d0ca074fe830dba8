"""Damaged, lying and foreign files: one clear CaffeError or a correct read; never a crash, never a big allocation."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_bytes import BYTES, START_GROUP, blob, floats, layer, message, number, shape, tag, unpacked, varint

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter
from segaware_caffe.weights import read_caffemodel, read_weights, wire

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"

#: Every feature of the format in a hundred-odd bytes.
SMALL = b"".join(
    [
        message(1, b"net"),
        layer("a", blob(shape(2, 1), floats(5, [1, 2])), blob(message(7), unpacked(5, [3])), number(10, 1)),
        message(100, message(2, b"Scale"), blob(floats(5, [4]), unpacked(5, [5]), shape(2), floats(6, [6, 7])), message(1, b"b")),
        layer("c", blob(number(1, 1), number(2, 1), number(3, 1), number(4, 1), message(8, np.float64(9).tobytes()))),
        tag(50, 3),
        number(1, 1),
        tag(50, 4),
    ]
)
SMALL_V1 = b"".join(
    [
        message(2, message(4, b"a"), number(5, 4), message(6, number(1, 1), number(2, 1), number(3, 1), number(4, 2), floats(5, [1, 2]))),
        message(2, message(4, b"b"), number(5, 14), message(6, shape(1), floats(5, [3]))),
    ]
)
SMALL_V0 = b"".join(
    [
        message(2, message(1, message(1, b"a"), message(2, b"conv"), message(50, shape(2), floats(5, [1, 2]))), message(2, b"data")),
        message(2, message(1, message(1, b"b"), message(50, number(1, 1), number(2, 1), number(3, 1), number(4, 1), unpacked(5, [3])))),
    ]
)
#: Bytes that reading a lie may cost, if a file may have FEW_FIELDS fields (the true limit makes slow tests).
MOST_MEMORY = 4 * 2**20
FEW_FIELDS = 2**14


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Read bytes as a .caffemodel: for each layer its name and its blobs' shape, legacy mark and values."""
    path = tmp_path_factory.mktemp("hostile") / "net.caffemodel"

    def run(data):
        path.write_bytes(data)
        return [(layer.name, [(blob.shape, blob.legacy, bits(blob.numpy())) for blob in layer.blobs]) for layer in read_caffemodel(path)]

    return run


def by_protobuf(data):
    """The same by protobuf's parser; None if it refuses the data."""
    try:
        net = NetParameter.FromString(data)
    except DecodeError:
        return None
    layers = [*net.layer, *(old.layer if old.HasField("layer") else old for old in net.layers)]
    return [(_name(layer), [_blob(blob) for blob in layer.blobs]) for layer in layers]


def _name(layer):
    raw = layer.name if isinstance(layer.name, bytes) else layer.name.encode()
    return raw.decode("utf-8", "backslashreplace")


def _blob(proto):
    legacy = any(proto.HasField(name) for name in ("num", "channels", "height", "width"))
    dims = (proto.num, proto.channels, proto.height, proto.width) if legacy else tuple(proto.shape.dim)
    values = np.array(proto.double_data, "<f8") if proto.double_data else np.array(proto.data, "<f4")
    return dims, legacy, bits(values)


def bits(values):
    """The bits of the values, those of any NaN as NumPy's: on its way through Python's floats, in some protobuf, a NaN becomes quiet."""
    return np.where(np.isnan(values), values.dtype.type("nan"), values).tobytes()


def accepts(read, data):
    """Whether we read the data. If protobuf reads them too, it must find the same in them."""
    try:
        ours = read(data)
    except CaffeError as error:
        assert "net.caffemodel" in str(error)
        return False
    theirs = by_protobuf(data)
    assert theirs is None or ours == theirs
    return True


@pytest.mark.parametrize("data", [SMALL, SMALL_V1, SMALL_V0], ids=["V2", "V1", "V0"])
class TestDamage:
    def test_the_files_to_damage_are_sound(self, read, data):
        assert accepts(read, data)
        assert len(by_protobuf(data)) >= 2

    def test_cut_off_anywhere(self, read, data):
        whole = [name for name, _ in read(data)]
        for length in range(len(data)):
            if accepts(read, data[:length]):
                names = [name for name, _ in read(data[:length])]
                assert names == whole[: len(names)]

    def test_any_bit_flipped(self, read, data):
        outcomes = set()
        for position in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[position // 8] ^= 1 << position % 8
            outcomes.add(accepts(read, bytes(flipped)))
        assert outcomes == {True, False}

    def test_any_byte_overwritten_left_out_or_doubled(self, read, data):
        for position in range(len(data)):
            for byte in (0x00, 0x7F, 0x80, 0xFF):
                accepts(read, data[:position] + bytes([byte]) + data[position + 1 :])
            accepts(read, data[:position] + data[position + 1 :])
            accepts(read, data[:position] + data[position : position + 1] + data[position:])


def test_a_snapshot_cut_off_anywhere(read):
    data = (GOLDEN / "embedding_adam_iter_10.caffemodel").read_bytes()
    assert not any(accepts(read, data[:length]) for length in range(15))
    for length in range(15, len(data)):
        accepts(read, data[:length])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SMALL)))
def test_noise(read, noise, position):
    accepts(read, noise)
    accepts(read, SMALL[:position] + noise)


LIES = {
    "length of a layer": (tag(100, BYTES) + varint(1 << 60), f"field 100 claims {1 << 60} bytes, but only 0 are left"),
    "negative length": (tag(100, BYTES) + varint(-1), f"claims {2**64 - 1} bytes"),
    "length of the values": (layer("a", blob(shape(4), tag(5, BYTES) + varint(1 << 60))), f"field 5 claims {1 << 60} bytes, but only 0"),
    "length beyond the blob": (layer("a", blob(shape(4), tag(5, BYTES) + varint(16))) + bytes(16), "claims 16 bytes, but only 0"),
    "more dims than values": (
        layer("a", blob(shape(2**20, 2**10), floats(5, [1]))),
        "layer 'a' blob 0: its shape is 1048576 1024 (1073741824), 1073741824 values, but 1 are stored",
    ),
    "more values than dims": (layer("a", blob(shape(1), floats(5, [1, 2]))), "its shape is 1 (1), 1 values, but 2 are stored"),
    "values without shape": (layer("a", blob(floats(5, [1, 2]))), "its shape is (1), 1 values, but 2 are stored"),
    "shape without values": (layer("a", blob(shape(3))), "its shape is 3 (3), 3 values, but 0 are stored"),
    "gradient of another size": (layer("a", blob(shape(1), floats(5, [1]), floats(6, [1, 2]))), "blob 0 (diff): its shape is 1 (1)"),
    "negative dim": (layer("a", blob(shape(-3), floats(5, [1]))), "its shape -3 (-3) has a negative dimension"),
    "negative legacy dim": (layer("a", blob(number(1, -1), number(2, 1))), "has a negative dimension"),
    "too many values": (layer("a", blob(shape(2**31))), "blob size exceeds INT_MAX"),
    "product beyond 64 bits": (layer("a", blob(shape(*[2**62] * 32))), "blob size exceeds INT_MAX"),
    "too many axes": (layer("a", blob(shape(*[1] * 33), floats(5, [1]))), "layer 'a' blob 0: its shape has more than 32 axes"),
    "endless axes": (layer("a", blob(shape(*[1] * 10**6))), "more than 32 axes"),
    "half a value": (layer("a", blob(shape(1), message(5, b"abc"))), "3 bytes are no whole number of 4-byte values"),
    "half a double": (layer("a", blob(shape(1), message(8, b"abcd"))), "4 bytes are no whole number of 8-byte values"),
    "second blob": (layer("a", blob(shape(1), floats(5, [1])), blob(shape(2), floats(5, [1]))), "layer 'a' blob 1: its shape is 2 (2)"),
    "long name": (message(100, message(1, b"a" * 10**6)), "a name of 1000000 bytes"),
    "deep groups": (tag(9, START_GROUP) * 10**6, "nested deeper than 100"),
    "deep groups in a blob": (layer("a", blob(tag(9, START_GROUP) * 10**6)), "nested deeper than 100"),
    "endless fields": (number(5, 0) * 10**6, "more than 16384 fields"),
    "endless layers": (message(100) * 10**6, "more than 16384 fields"),
    "endless chunks": (layer("a", blob(floats(5, [1]) * 10**6)), "more than 16384 fields"),
    "endless unpacked values": (layer("a", blob(unpacked(5, [0]) * 2 * 10**6)), "1 values, but 2000000 are stored"),
    "endless unpacked dims": (layer("a", blob(message(7, number(1, 1) * 10**6))), "more than 32 axes"),
}


@pytest.mark.parametrize(("data", "problem"), LIES.values(), ids=LIES)
def test_lies_are_told_and_cost_no_memory(tmp_path, monkeypatch, data, problem):
    monkeypatch.setattr(wire, "MAX_FIELDS", FEW_FIELDS)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(message(1, b"some net") + data)
    tracemalloc.start()
    try:
        with pytest.raises(CaffeError) as error:
            read_caffemodel(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problem in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert peak < MOST_MEMORY


def test_the_index_of_millions_of_unpacked_values_is_small(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("a", blob(shape(3 * 10**6), unpacked(5, [2]) * (3 * 10**6))))
    tracemalloc.start()
    try:
        weights = read_caffemodel(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20
    assert (weights.layers[0].blobs[0].numpy() == 2).all()


FOREIGN = {
    "text": (b'name: "net"\nlayer { name: "data" type: "Input" }\n', "it is a text file (a prototxt?)"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git-lfs pointer"),
    "html": (b"\n<!DOCTYPE html><html><body>404 Not Found</body></html>", "it is a web page"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(50), "compressed with gzip"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "its content is that of a hdf5 file"),
    "zip": (b"PK\x03\x04" + bytes(100), "a damaged zip archive"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not of this kind"),
    "zeros": (bytes(100), "field number 0"),
    "solver state": (number(1, 10) + message(2, b"net.caffemodel") + message(3, shape(1), floats(5, [1])), "not of this kind"),
    "only a name": (message(1, b"net"), "it holds no layers"),
    "nothing": (b"", "the file is empty"),
}


@pytest.mark.parametrize(("data", "problem"), FOREIGN.values(), ids=FOREIGN)
def test_foreign_files(tmp_path, data, problem):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(data)
    with pytest.raises(CaffeError) as error:
        read_caffemodel(path)
    assert str(path) in str(error.value)
    assert problem in str(error.value)


def test_paths_that_are_no_files(tmp_path):
    missing, pipe = tmp_path / "missing.caffemodel", tmp_path / "pipe"
    with pytest.raises(CaffeError, match=r"File not found: .*missing.caffemodel"):
        read_weights(missing)
    with pytest.raises(CaffeError, match="not a regular file"):
        read_weights(tmp_path)
    os.mkfifo(pipe)
    with pytest.raises(CaffeError, match="not a regular file"):
        read_weights(pipe)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("a", blob(shape(4), floats(5, range(4)))))
    ref = read_caffemodel(path).layers[0].blobs[0]
    os.truncate(path, 20)
    with pytest.raises(CaffeError, match="became shorter while it was read"):
        ref.read_into(np.empty(4, np.float32))
