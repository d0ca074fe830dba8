"""Binary nets of other forks are read for what they are: by what they hold, or by name."""

import pytest
from wire_bytes import message, number

from segaware_caffe import CaffeError
from segaware_caffe.schema import NetParameter, V1LayerParameter, parse_text, read_binary, read_net, write_binary
from segaware_caffe.schema.dialects import FORKS


def layer_of(kind: str, *parts: bytes) -> bytes:
    """A net of one layer, as a file of some fork holds it."""
    return message(100, message(1, b"l"), message(2, kind.encode()), *parts)


FILLER = message(1, b"msra")
#: fork, the bytes of its file, what they say as text
SETTLED = {
    "PSPNet's BN": (
        "pspnet",
        layer_of("BN", message(152, message(1, FILLER) + number(5, 1))),
        "type: 'BN' bn_param { slope_filler { type: 'msra' } frozen: true }",
    ),
    "SegNet's BN": (
        "segnet",
        layer_of("BN", message(45, message(2, FILLER) + number(3, 1))),
        "type: 'BN' bn_param { shift_filler { type: 'msra' } bn_mode: INFERENCE }",
    ),
    "SegNet's Upsample": ("segnet", layer_of("Upsample", message(137, number(1, 3))), "type: 'Upsample' upsample_param { scale: 3 }"),
    "NVIDIA's BatchNorm": (
        "nvidia",
        layer_of("BatchNorm", message(139, message(5, FILLER) + number(7, 1) + number(15, 2))),
        "type: 'BatchNorm' batch_norm_param { scale_filler { type: 'msra' } scale_bias: true engine: CUDNN }",
    ),
    "NVIDIA's number types": (
        "nvidia",
        layer_of("ReLU", number(145, 2) + number(147, 1)),
        "type: 'ReLU' forward_type: FLOAT16 forward_math: FLOAT",
    ),
    "Intel's BatchNorm": (
        "intel",
        layer_of("BatchNorm", message(139, number(5, 0) + message(7, FILLER) + number(9, 4))),
        "type: 'BatchNorm' batch_norm_param { use_weight_bias: false filler { type: 'msra' } stats_batch_size: 4 }",
    ),
    "R-FCN's pooling": (
        "r-fcn",
        layer_of("PSROIPooling", message(10001, b"\x0d\0\0\0\x3e" + number(2, 21) + number(3, 7))),
        "type: 'PSROIPooling' psroi_pooling_param { spatial_scale: 0.125 output_dim: 21 group_size: 7 }",
    ),
    "FlowNet2's Correlation": (
        "flownet2",
        layer_of("Correlation", message(150, number(2, 20))),
        "type: 'Correlation' correlation_param { pad: 20 }",
    ),
    "MobileNet-YOLO's Reorg": ("mobilenet-yolo", layer_of("Reorg", message(149, number(1, 2))), "type: 'Reorg' reorg_param { stride: 2 }"),
    "SSD's transformations": (
        "ssd",
        layer_of("AnnotatedData", message(100, message(8, number(3, 300)), number(11, 300), number(12, 300)) + message(200, number(3, 0))),
        "type: 'AnnotatedData' transform_param { resize_param { height: 300 } crop_h: 300 crop_w: 300 }"
        " annotated_data_param { anno_type: BBOX }",
    ),
}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(("fork", "data", "text"), SETTLED.values(), ids=SETTLED)
def test_numbers_of_forks(fork, data, text, named):
    wanted = parse_text(f"layer {{ name: 'l' {text} }}", "NetParameter")
    net = read_binary(data, "NetParameter", fork if named else None)
    assert net == wanted
    assert read_binary(write_binary(net), "NetParameter") == net


def test_weights_and_unknown_fields_come_along():
    blob = message(7, message(7, message(1, b"\x02")) + message(5, b"\0\0\0\0\0\0\0\0"))
    data = layer_of("BN", message(152, number(5, 1)), blob, message(7777, b"x"))
    net = read_binary(data, "NetParameter")
    assert (net.layer[0].bn_param.frozen, list(net.layer[0].blobs[0].data)) == (True, [0, 0])
    assert message(7777, b"x") in net.SerializeToString()


def test_what_no_fork_knows_is_kept():
    data = layer_of("ReLU", message(7777, b"x"))
    assert read_binary(data, "NetParameter").SerializeToString() == data


def test_damaged_data_is_still_an_error():
    with pytest.raises(CaffeError, match="Not a binary NetParameter, or a damaged one"):
        read_binary(layer_of("BN", message(152, number(5, 1)))[:-2], "NetParameter")


def test_an_unknown_dialect_names_those_there_are():
    with pytest.raises(CaffeError, match='it is "segaware" or "bvlc" or a fork\'s: deeplab-v1, segnet') as error:
        read_binary(b"", "NetParameter", "caffe3")
    assert all(fork in str(error.value) for fork in FORKS)


# -- DeepLab v1's binary files -----------------------------------------------------------------


def v1_layer(kind: int, *parts: bytes) -> bytes:
    return message(2, message(4, b"l"), number(5, kind), *parts)


HOLE = message(10, number(17, 12))
IMAGE_SEG_DATA = v1_layer(39, message(15, message(1, b"list")))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (IMAGE_SEG_DATA, "layer { name: 'l' type: 'ImageSegData' image_data_param { source: 'list' } }"),
        (v1_layer(40, message(42, number(2, 255))), "layer { name: 'l' type: 'SegAccuracy' seg_accuracy_param { ignore_label: 255 } }"),
        (
            IMAGE_SEG_DATA + v1_layer(4, HOLE) + v1_layer(40) + v1_layer(41, message(43, number(3, 8))),
            "layer { name: 'l' type: 'ImageSegData' image_data_param { source: 'list' } }"
            "layer { name: 'l' type: 'Convolution' convolution_param { dilation: 12 } } layer { name: 'l' type: 'SegAccuracy' }"
            "layer { name: 'l' type: 'Interp' interp_param { zoom_factor: 8 } }",
        ),
        (
            v1_layer(4, message(10, number(18, 2) + number(19, 3)), number(1003, 0)),
            "layer { name: 'l' type: 'Convolution' strict_dim: false convolution_param { dilation: [2, 3] } }",
        ),
        (v1_layer(39, message(10, number(4, 3))), "layer { name: 'l' type: 'Deconvolution' convolution_param { kernel_size: 3 } }"),
        (v1_layer(4, message(10, number(18, 2))), "layer { name: 'l' type: 'Convolution' convolution_param { dilation: 2 } }"),
    ],
    ids=["data", "accuracy", "a net", "strict_dim", "BVLC's Deconvolution", "BVLC's dilation"],
)
def test_v1_nets_of_deeplab(data, text):
    assert read_net(read_binary(data, "NetParameter")) == read_net(text)


def test_named_it_needs_no_sign():
    net = read_binary(v1_layer(4, HOLE), "NetParameter", "deeplab-v1")
    assert net.layers[0].convolution_param.hole == 12


def test_v1_layers_of_two_minds_are_not_written():
    net = NetParameter()
    net.layers.add(name="i", type=V1LayerParameter.INTERP)
    net.layers.add(name="c", type=V1LayerParameter.CONVOLUTION).convolution_param.hole = 2
    assert read_binary(write_binary(net), "NetParameter") == net
    net.layers[1].convolution_param.dilation.append(2)
    with pytest.raises(CaffeError, match="V1 layer 'c' has dilation"):
        write_binary(net)
