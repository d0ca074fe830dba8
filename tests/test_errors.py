"""Errors have kinds, so that a script can tell a missing file from a wrong net: what is given, and of which kind it is refused."""

import numpy as np
import pytest

import segaware_caffe
from segaware_caffe import (
    CaffeError,
    FieldError,
    FileError,
    GraphError,
    Net,
    ParseError,
    ShapeError,
    Solver,
    UnknownLayerError,
    WeightsError,
    read_net,
    read_solver,
)
from segaware_caffe.data import read_flo, read_image, read_mat
from segaware_caffe.errors import of_kind
from segaware_caffe.weights import read_solverstate, read_weights

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }\n'
CONVOLUTION = 'layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 2 kernel_size: 3 } }'
SUM = 'layer { name: "e" type: "Eltwise" bottom: "x" bottom: "y" top: "z" }'


def layer(type_name, fields="", bottoms=("x",), top="y"):
    wires = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return INPUT + f'layer {{ name: "l" type: "{type_name}" {wires} top: "{top}" {fields} }}'


NETS = {
    "layer { type: }": ParseError,
    'layer { name: "a" colour: 3 }': ParseError,
    'layer { name: "a" pooling_param { pool: LARGEST } }': ParseError,
    'name: "${NAME}"': ParseError,
    'layer { name: "a" type: "ReLU" } layers { name: "b" type: RELU }': ParseError,
    layer("Convoluton"): UnknownLayerError,
    'layers { layer { name: "a" type: "shrink" } }': UnknownLayerError,
    layer("ReLU", bottoms=["z"]): GraphError,
    layer("ReLU", bottoms=["x", "x"]): GraphError,
    layer("Eltwise"): GraphError,
    INPUT + CONVOLUTION + CONVOLUTION: GraphError,
    layer("Convolution", "convolution_param { num_output: 2 kernel_size: 0 }"): FieldError,
    layer("Convolution", "convolution_param { kernel_size: 1 }"): FieldError,
    layer("Dropout", "dropout_param { dropout_ratio: 1.5 }"): FieldError,
    layer("ReLU", "include { phase: TEST } exclude { stage: 'a' }"): FieldError,
    'layer { name: "d" type: "Data" top: "x" data_param { source: "s" } }': FieldError,
    'layer { name: "d" type: "DummyData" top: "x" }': FieldError,
    layer("Convolution", "convolution_param { num_output: 2 kernel_size: 7 }"): ShapeError,
    layer("Pooling", "pooling_param { kernel_size: 2 }") + SUM: ShapeError,
    layer("Reshape", "reshape_param { shape { dim: 7 } }"): ShapeError,
    layer("PReLU").replace(" dim: 3 dim: 6 dim: 6", ""): ShapeError,
}  # fmt: skip

SOLVERS = {
    "net: ": ParseError,
    "base_lr: 'fast'": ParseError,
    "base_lr: 0.1": FieldError,
    "net_param { } type: 'Newton'": FieldError,
    "net_param { } lr_policy: 'sometimes'": FieldError,
    "net_param { } snapshot: 5": FieldError,
    "net: '/nowhere/net.prototxt'": FileError,
}


def refused(call, *args, **options):
    """The error of a call that must fail."""
    with pytest.raises(CaffeError) as caught:
        call(*args, **options)
    return caught.value


@pytest.mark.parametrize(("text", "kind"), NETS.items())
def test_a_net(text, kind):
    assert type(refused(Net, text, "TEST")) is kind


@pytest.mark.parametrize(("text", "kind"), SOLVERS.items())
def test_a_solver(text, kind):
    assert type(refused(lambda: Solver(read_solver(text + "\n")))) is kind


def save(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("read", "name", "content", "kind"),
    [
        (read_net, "absent.prototxt", None, FileError),
        (read_net, "net.prototxt", b"layer {", ParseError),
        (read_net, "net.prototxt", b"\xff\xfe\n", ParseError),
        (read_net, "net.prototxt", b"\0\0\0", ParseError),
        (read_weights, "absent.caffemodel", None, FileError),
        (read_weights, "empty.caffemodel", b"", WeightsError),
        (read_weights, "w.caffemodel", b"\xa2\x06\xff\x01abc", WeightsError),
        (read_weights, "w.h5", b"\x89HDF\r\n\x1a\n" + bytes(9), WeightsError),
        (read_weights, "w.npz", b"PK\3\4" + bytes(30), WeightsError),
        (read_solverstate, "absent.solverstate", None, FileError),
        (read_solverstate, "s.solverstate", b"\x08\x05", WeightsError),
        (read_image, "absent.png", None, FileError),
        (read_image, "picture.png", b"no picture", FileError),
        (read_mat, "absent.mat", None, FileError),
        (read_mat, "scores.mat", b"no scores", FileError),
        (read_flo, "flow.flo", b"no flow at all", FileError),
    ],
)
def test_a_file(tmp_path, read, name, content, kind):
    path = tmp_path / name if content is None else save(tmp_path / name, content)
    assert type(refused(read, path)) is kind


def test_weights_of_another_net(tmp_path):
    Net(INPUT + CONVOLUTION, "TEST").save(tmp_path / "c.caffemodel")
    renamed, wider = CONVOLUTION.replace('"c"', '"d"'), CONVOLUTION.replace("num_output: 2", "num_output: 5")
    for other in (renamed, wider):
        assert type(refused(Net, INPUT + other, "TEST", tmp_path / "c.caffemodel")) is WeightsError


@pytest.mark.parametrize(
    ("fields", "kind"),
    [("source: 'list.txt' batch_size: 0", FieldError), ("source: 'list.txt' batch_size: 1", FileError)],
)
def test_a_data_layer(tmp_path, monkeypatch, fields, kind):
    monkeypatch.chdir(tmp_path)
    text = f'layer {{ name: "d" type: "ImageData" top: "x" top: "y" image_data_param {{ {fields} }} }}'
    assert type(refused(lambda: Net(text, "TEST")())) is kind


@pytest.mark.parametrize(
    ("feed", "options", "kind"),
    [
        ({"x": np.zeros((1, 4, 6, 6))}, {}, ShapeError),
        ({"x": np.zeros((1, 3, 2, 2))}, {}, ShapeError),
        ({"x": "zeros"}, {}, CaffeError),
        ({"z": np.zeros(1)}, {}, CaffeError),
        ({"x": np.zeros((1, 3, 6, 6))}, {"keep": ["z"]}, CaffeError),
    ],
)
def test_a_feed(feed, options, kind):
    assert type(refused(Net(INPUT + CONVOLUTION, "TEST"), **feed, **options)) is kind


def test_a_file_that_cannot_be_written(tmp_path):
    assert type(refused(Net(INPUT + CONVOLUTION, "TEST").save, tmp_path / "absent" / "c.caffemodel")) is FileError
    assert type(refused(Net(INPUT + CONVOLUTION, "TEST").save, tmp_path / "c.weights")) is WeightsError


def test_all_are_exported_value_errors():
    kinds = [FieldError, FileError, GraphError, ParseError, ShapeError, UnknownLayerError, WeightsError]
    assert all(issubclass(kind, CaffeError) and kind.__name__ in segaware_caffe.__all__ for kind in kinds)
    assert issubclass(CaffeError, ValueError) and issubclass(WeightsError, FileError)


def test_of_kind_keeps_what_has_a_kind_and_where_it_was_raised():
    def fail():
        raise CaffeError("wrong")

    with pytest.raises(ShapeError, match="wrong") as caught, of_kind(ShapeError):
        fail()
    assert caught.traceback[-1].name == "fail" and caught.value.__cause__ is None
    with pytest.raises(FileError), of_kind(ShapeError):
        raise FileError("absent")
