"""Binary files of the release, of BVLC, and of nets that mix both (spec/layers.md 1.7)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_messages import messages

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import (
    BlobProto,
    LayerParameter,
    NetParameter,
    SolverParameter,
    message_class,
    parse_text,
    read_binary,
    write_binary,
)


def key(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def block(number: int, content: bytes) -> bytes:
    return key(number, 2) + varint(len(content)) + content


def file_layer(kind: str, number: int, content: bytes) -> bytes:
    """A layer as a file holds it, written byte by byte."""
    return block(1, b"l") + block(2, kind.encode()) + block(number, content)


INPUT_SHAPE = block(1, block(1, varint(2) + varint(3)))  # shape { dim: 2 dim: 3 }

#: type, number in the file, the field's bytes, the field as text
SETTLED_BY_TYPE = [
    ("Interp", 143, key(1, 0) + varint(9), "interp_param { height: 9 }"),
    ("Input", 143, INPUT_SHAPE, "input_param { shape { dim: 2 dim: 3 } }"),
    ("SegAccuracy", 144, key(3, 0) + varint(0), "seg_accuracy_param { reset: false }"),
    ("Crop", 144, key(1, 0) + varint(1), "crop_param { axis: 1 }"),
    ("MatWrite", 145, block(1, b"out/"), "mat_write_param { prefix: 'out/' }"),
    ("Parameter", 145, INPUT_SHAPE, "parameter_param { shape { dim: 2 dim: 3 } }"),
    ("DenseCRF", 146, key(1, 0) + varint(5), "dense_crf_param { max_iter: 5 }"),
    (
        "LSTM",
        146,
        key(1, 0) + varint(5) + block(2, block(1, b"abc")),
        "recurrent_param { num_output: 5 weight_filler { type: 'abc' } }",
    ),
    ("RNN", 146, key(1, 0) + varint(5), "recurrent_param { num_output: 5 }"),
    ("DomainTransform", 147, key(1, 0) + varint(2), "domain_transform_param { num_iter: 2 }"),
    ("Swish", 147, key(1, 5) + b"\0\0\0\x40", "swish_param { beta: 2 }"),
    ("AdaptiveBiasChannel", 148, key(1, 0) + varint(2), "adaptive_bias_channel_param { num_iter: 2 }"),
    ("Clip", 148, key(1, 5) + b"\0\0\0\0" + key(2, 5) + b"\0\0\0\x40", "clip_param { min: 0 max: 2 }"),
]


@pytest.mark.parametrize(("kind", "number", "content", "text"), SETTLED_BY_TYPE)
def test_number_is_settled_by_the_type(kind, number, content, text):
    data = file_layer(kind, number, content)
    layer = parse_text(f"name: 'l' type: '{kind}' {text}", "LayerParameter")
    assert read_binary(data, "LayerParameter") == layer
    assert write_binary(layer) == data


MIXED = parse_text(
    "name: 'n' layer { type: 'Input' input_param { shape { dim: 3 } } }"
    " layer { type: 'Interp' interp_param { zoom_factor: 8 } }"
    " layer { type: 'TwoImageData' two_image_data_param { second_is_color: false } } layer { type: 'ReLU' }",
    "NetParameter",
)


@pytest.mark.parametrize(
    "message",
    [
        MIXED,
        SolverParameter(net="n", train_net_param=MIXED, test_net_param=[MIXED, MIXED], net_param=MIXED),
        MIXED.layer[0],
    ],
    ids=["net", "solver", "layer"],
)
def test_net_of_both_dialects_survives(message):
    data = write_binary(message)
    assert b"\xfa\xe9\x09" not in data  # the private number of input_param
    assert read_binary(data, message.DESCRIPTOR.name) == message


def net_file(*layers: bytes) -> bytes:
    return b"".join(block(100, layer) for layer in layers)


CONV = file_layer("Convolution", 143, key(1, 0) + varint(9))


@pytest.mark.parametrize(("neighbour", "field"), [("Im2dist", "interp_param"), ("LSTM", "input_param")])
def test_type_of_both_dialects_goes_by_the_other_layers(neighbour, field):
    net = read_binary(net_file(CONV, block(2, neighbour.encode())), "NetParameter")
    assert net.layer[0].HasField(field)


@pytest.mark.parametrize("others", [[], ["ReLU"], ["Im2dist", "LSTM"]])
def test_nothing_is_guessed(others):
    data = net_file(CONV, *(block(2, kind.encode()) for kind in others))
    with pytest.raises(CaffeError) as error:
        read_binary(data, "NetParameter")
    assert str(error.value) == (
        "Layer 'l' of type 'Convolution' holds field 143, which means interp_param or input_param, and no layer's type"
        ' tells which: name the dialect, "segaware" or "bvlc"'
    )
    assert read_binary(data, "NetParameter", "segaware").layer[0].interp_param.height == 9
    assert read_binary(data, "NetParameter", "bvlc").layer[0].HasField("input_param")


def test_named_dialect_overrides_the_type():
    layer = read_binary(file_layer("Input", 144, key(3, 0) + varint(0)), "LayerParameter", "segaware")
    assert layer.HasField("seg_accuracy_param")


def test_field_stored_in_two_pieces_is_merged():
    data = file_layer("Input", 143, INPUT_SHAPE) + block(143, INPUT_SHAPE)
    assert [list(shape.dim) for shape in read_binary(data, "LayerParameter").input_param.shape] == [[2, 3], [2, 3]]


def test_dialect_is_written():
    layer = LayerParameter(name="l", type="Python", crop_param={"axis": 1})
    assert LayerParameter.FromString(write_binary(layer, "bvlc")).HasField("seg_accuracy_param")
    assert read_binary(write_binary(layer, "bvlc"), "LayerParameter", "bvlc") == layer


#: layer, dialect, what the error says
NOT_WRITTEN = [
    (
        "type: 'Input' input_param {}",
        "segaware",
        "Layer 'l' of type 'Input' has input_param of the bvlc dialect, which the segaware dialect lacks",
    ),
    (
        "type: 'Interp' interp_param {}",
        "bvlc",
        "has interp_param of the segaware dialect, which the bvlc dialect lacks",
    ),
    ("type: 'ReLU' input_param {}", None, "has input_param of the bvlc dialect, and no layer's type tells a reader so"),
    (
        "type: 'ReLU' interp_param {}",
        None,
        "has interp_param of the segaware dialect, and no layer's type tells a reader so",
    ),
    (
        "type: 'Interp' interp_param {} input_param {}",
        None,
        "has input_param of the bvlc dialect, which the segaware dialect lacks",
    ),
]


@pytest.mark.parametrize(("text", "dialect", "says"), NOT_WRITTEN)
def test_what_a_reader_could_not_settle_is_not_written(text, dialect, says):
    with pytest.raises(CaffeError) as error:
        write_binary(parse_text(f"name: 'l' {text}", "LayerParameter"), dialect)
    assert says in str(error.value)


def test_unknown_dialect():
    for call in (lambda: read_binary(b"", "NetParameter", "caffe2"), lambda: write_binary(MIXED, "caffe2")):
        with pytest.raises(CaffeError, match="Unknown dialect 'caffe2'"):
            call()


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05ab", net_file(b"\xff"), block(100, b"\x0a\x7f")])
@pytest.mark.parametrize("name", ["NetParameter"])
def test_damaged(data, name):
    with pytest.raises(CaffeError, match=r"^Not a binary NetParameter, or a damaged one: "):
        read_binary(data, name)


def test_required_field_missing():
    layer = LayerParameter(type="MatWrite", mat_write_param={"strip": 1})
    with pytest.raises(CaffeError, match=r"^The LayerParameter cannot be written: .*mat_write_param.prefix"):
        write_binary(layer)
    with pytest.raises(CaffeError, match=r"^The binary LayerParameter is missing required fields: mat_write_param.prefix$"):
        read_binary(layer.SerializePartialToString(), "LayerParameter")


def test_other_messages():
    blob = BlobProto(data=[1, 2], shape={"dim": [2]})
    assert read_binary(write_binary(blob), "BlobProto") == blob


@settings(max_examples=50, deadline=None)
@given(messages("LayerParameter"), st.sampled_from(["segaware", "bvlc"]))
def test_a_layer_of_one_dialect_survives(layer, dialect):
    lacking = range(20143, 20149) if dialect == "segaware" else range(143, 149)
    for number in lacking:
        layer.ClearField(LayerParameter.DESCRIPTOR.fields_by_number[number].name)
    net = NetParameter(layer=[layer, layer])
    assert read_binary(write_binary(net, dialect), "NetParameter", dialect) == net


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["NetParameter", "LayerParameter", "SolverParameter", "Datum"]))
def test_random_bytes_are_read_or_refused(data, name):
    try:
        message = read_binary(data, name)
    except CaffeError:
        return
    assert isinstance(message, message_class(name))
