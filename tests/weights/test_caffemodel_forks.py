"""Weight files of other forks: read by name alone, copied with all they hold; NVIDIA's raw blobs; DeepLab v1's strict_dim."""

import numpy as np
import pytest
import torch
from wire_bytes import message, number

from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.schema import BlobProto, NetParameter, V1LayerParameter, read_binary
from segaware_caffe.weights import LoadTarget, convert, load_weights, plan_load, read_caffemodel

VALUES = np.arange(6, dtype=np.float32) - 2.5
#: Fields that no schema knows, in a net, a layer and a blob.
UNKNOWN = message(7777, b"unknown") + number(7778, 5)


def layer_of_a_fork() -> bytes:
    """A layer with foreign fields, unknown ones, and a blob that has some too."""
    net = NetParameter()
    layer = net.layer.add(name="ip", type="InnerProduct", engine="MKLDNN")
    layer.quantization_param.bw_params = 8
    layer.blobs.add(data=VALUES).shape.dim.extend([2, 3])
    blob = layer.blobs[0].SerializeToString()
    layer.ClearField("blobs")
    return layer.SerializeToString() + message(7, blob + UNKNOWN) + UNKNOWN


@pytest.fixture
def fork(tmp_path):
    path = tmp_path / "fork.caffemodel"
    path.write_bytes(message(1, b"net") + UNKNOWN + message(100, layer_of_a_fork()) + message(100, message(1, b"a") + UNKNOWN))
    return path


def test_convert_to_caffemodel_loses_no_byte(fork, tmp_path):
    summary = convert(fork, tmp_path / "copy.caffemodel")
    assert (tmp_path / "copy.caffemodel").read_bytes() == fork.read_bytes()
    assert (summary.layers, summary.blobs, summary.values) == (1, 1, 6)


def test_v1_layers_stay_what_they_are(tmp_path):
    net = NetParameter()
    layer = net.layers.add(name="conv", type=V1LayerParameter.CONVOLUTION, blobs_lr=[1, 2], strict_dim=False)
    layer.convolution_param.hole = 2
    layer.blobs.add(num=1, channels=1, height=2, width=3, data=VALUES)
    (tmp_path / "v1.caffemodel").write_bytes(net.SerializeToString() + UNKNOWN)
    convert(tmp_path / "v1.caffemodel", tmp_path / "copy.caffemodel")
    assert (tmp_path / "copy.caffemodel").read_bytes() == (tmp_path / "v1.caffemodel").read_bytes()


def test_its_weights_load(fork):
    target = LoadTarget("ip", [torch.zeros(2, 3)])
    assert load_weights(fork, [target]).loaded == ["ip"]
    assert target.blobs[0].ravel().tolist() == VALUES.tolist()


def test_inspect_shows_what_it_would_load(fork, tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(
        "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 3 } } }"
        "layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' engine: 'MKLDNN'"
        " inner_product_param { num_output: 2 bias_term: false } }"
    )
    assert main(["inspect", str(tmp_path / "net.prototxt"), "--weights", str(fork)]) == 0
    assert "1 layers loaded, 0 missing, 0 unused" in capsys.readouterr().out


# -- NVIDIA's raw blobs ------------------------------------------------------------------------

RAW_TYPES = {"DOUBLE": np.float64, "FLOAT": np.float32, "FLOAT16": np.float16}


def raw_blob(kind: str, diff: bool = False) -> BlobProto:
    blob = BlobProto(raw_data_type=BlobProto.DESCRIPTOR.fields_by_name["raw_data_type"].enum_type.values_by_name[kind].number)
    blob.shape.dim.extend([2, 3])
    blob.raw_data = VALUES.astype(RAW_TYPES[kind]).tobytes()
    if diff:
        blob.raw_diff_type, blob.raw_diff = blob.raw_data_type, (-VALUES).astype(RAW_TYPES[kind]).tobytes()
    return blob


def raw_file(path, blob: BlobProto):
    path.write_bytes(message(100, message(1, b"ip") + message(7, blob.SerializeToString()) + UNKNOWN))
    return path


@pytest.mark.parametrize("kind", RAW_TYPES)
def test_raw_blobs_are_read(tmp_path, kind):
    blob = read_caffemodel(raw_file(tmp_path / "raw.caffemodel", raw_blob(kind, diff=True))).layers[0].blobs[0]
    assert blob.dtype == (np.float64 if kind == "DOUBLE" else np.float32)
    assert blob.numpy().tolist() == VALUES.reshape(2, 3).tolist()
    assert blob.diff.numpy().tolist() == (-VALUES).reshape(2, 3).tolist()
    tensor = torch.zeros(6, dtype=torch.float64)
    blob.read_into(tensor)
    assert tensor.tolist() == VALUES.tolist()


@pytest.mark.parametrize("kind", RAW_TYPES)
def test_a_copy_holds_them_plain_and_all_else_as_it_was(tmp_path, kind):
    convert(raw_file(tmp_path / "raw.caffemodel", raw_blob(kind)), tmp_path / "plain.caffemodel")
    data = (tmp_path / "plain.caffemodel").read_bytes()
    blob = read_binary(data, "NetParameter").layer[0].blobs[0]
    assert (blob.HasField("raw_data"), list(blob.double_data or blob.data)) == (False, VALUES.tolist())
    assert data.endswith(UNKNOWN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"raw_data": b"1234"}, "its shape is 2 3 (6), 6 values, but 4 raw bytes are stored"),
        ({"raw_data_type": 5}, "raw values of type 5; those that weights have are 0 (double), 1 (float), 2 (half)"),
    ],
)
def test_wrong_raw_blobs(tmp_path, change, says):
    blob = raw_blob("FLOAT")
    for field, value in change.items():
        setattr(blob, field, value)
    with pytest.raises(CaffeError) as error:
        read_caffemodel(raw_file(tmp_path / "raw.caffemodel", blob))
    assert says in str(error.value)


# -- DeepLab v1's strict_dim -------------------------------------------------------------------

FULLY_CONVOLUTIONAL = """
layers {{ name: "x" type: DUMMY_DATA top: "x" dummy_data_param {{ num: 1 channels: 1 height: 2 width: 3 }} }}
layers {{ name: "ip" type: CONVOLUTION bottom: "x" top: "y" {}
  convolution_param {{ num_output: 1 kernel_h: 2 kernel_w: 3 bias_term: false }} }}
"""


def test_strict_dim_false_takes_equal_counts(fork):
    net = Net(FULLY_CONVOLUTIONAL.format("strict_dim: false"), weights=fork)
    assert net.params["ip"][0].shape == (1, 1, 2, 3)
    assert net.params["ip"][0].ravel().tolist() == VALUES.tolist()


@pytest.mark.parametrize("word", ["", "strict_dim: true"])
def test_otherwise_shapes_must_be_equal(fork, word):
    with pytest.raises(CaffeError, match="Cannot copy param 0 weights from layer 'ip'; shape mismatch"):
        Net(FULLY_CONVOLUTIONAL.format(word), weights=fork)


def test_strict_dim_false_wants_the_count(fork):
    report = plan_load(read_caffemodel(fork), [LoadTarget("ip", [(7,)], strict=False)])
    assert len(report.wrong_shape) == 1
