"""The offset that aligns a Crop's bottoms: against where an impulse lands, and against FCN's published figures."""

import itertools

import pytest
import torch

from segaware_caffe.errors import FieldError
from segaware_caffe.net import Net
from segaware_caffe.schema import read_net, write_text
from segaware_caffe.schema.alignment import aligning_offset

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 1, 41, 45] } } } '


def conv(name, bottom, kind="Convolution", **fields):
    said = " ".join(f"{key}: {value}" for key, value in ({"num_output": 1} | fields).items())
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{name}" convolution_param {{ {said} }} }} '


def pool(name, bottom, fields):
    return f'layer {{ name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}" pooling_param {{ {fields} }} }} '


def crop(a, b="x", fields=""):
    return f'layer {{ name: "crop" type: "Crop" bottom: "{a}" bottom: "{b}" top: "crop" {fields} }} '


def offset_of(text):
    layers = read_net(text).layer
    return aligning_offset(layers, len(layers) - 1)


#: text after the input, the blob to be cropped to "x" or another
NETS = [
    (conv("a", "x", kernel_size=3, pad=5), "a", "x", [4, 4]),
    (conv("a", "x", kernel_h=3, kernel_w=5, pad_h=5, pad_w=2), "a", "x", [4, 0]),
    (conv("a", "x", kernel_size=3, pad=8, dilation=3), "a", "x", [5, 5]),
    (conv("a", "x", kernel_size=1, pad=3) + conv("b", "a", "Deconvolution", kernel_size=3), "b", "x", [4, 4]),
    (pool("p", "x", "kernel_size: 3 stride: 2 pad: 1") + conv("u", "p", "Deconvolution", kernel_size=5, stride=2), "u", "x", [2, 2]),
    (conv("a", "x", kernel_size=3, pad=2) + conv("b", "a", kernel_size=5, pad=4) + conv("c", "x", kernel_size=3), "b", "c", [4, 4]),
    (conv("a", "x", kernel_size=1, pad=9) + crop("a", fields="crop_param { offset: [2, 3] }").replace('"crop"', '"k"'), "k", "x", [7, 6]),
    ('layer { name: "r" type: "ReLU" bottom: "x" top: "x" } ' + conv("a", "x", kernel_size=1, pad=6), "a", "x", [6, 6]),
]  # fmt: skip


@pytest.mark.parametrize(("net", "cropped", "reference", "expected"), NETS)
def test_offsets(net, cropped, reference, expected):
    assert offset_of(INPUT + net + crop(cropped, reference, "crop_param { }")) == expected


@pytest.mark.parametrize(("net", "cropped", "reference", "expected"), [*NETS[:3], NETS[5], NETS[7]])
def test_an_impulse_lands_in_the_same_place(net, cropped, reference, expected):
    """With kernels that are 1 in their middle only, the crop shows the impulse where the reference does."""
    offsets = " ".join(f"offset: {value}" for value in expected)
    model = Net(INPUT + net + crop(cropped, reference, f"crop_param {{ {offsets} }}"), passes=[])
    with torch.no_grad():
        for blob in itertools.chain(*model.params.values()):
            blob.zero_()
            if blob.ndim == 4:
                blob[..., blob.shape[2] // 2, blob.shape[3] // 2] = 1
    x = torch.zeros(1, 1, 41, 45)
    x[..., 20, 17] = 1
    blobs = model(x=x, keep=[reference, "crop"])
    assert torch.equal(blobs["crop"].nonzero(), blobs[reference].nonzero())


def fcn32():
    """The geometry of FCN-32s: padding 100, five poolings, a 7 x 7 convolution, a stride of 32."""
    net, last = conv("conv1", "x", kernel_size=3, pad=100), "conv1"
    for number in range(1, 6):
        if number > 1:
            net += conv(f"conv{number}", last, kernel_size=3, pad=1)
            last = f"conv{number}"
        net += pool(f"pool{number}", last, "kernel_size: 2 stride: 2")
        last = f"pool{number}"
    return net + conv("fc6", last, kernel_size=7) + conv("up", "fc6", "Deconvolution", kernel_size=64, stride=32)


def test_fcn_32s_has_its_published_offset():
    assert offset_of(INPUT + fcn32() + crop("up", fields="crop_param { }")) == [19, 19]


def v1(text):
    """A net of present text as V1 text."""
    for new, old in (("Convolution", "CONVOLUTION"), ("Deconvolution", "DECONVOLUTION"), ("Pooling", "POOLING"), ("Crop", "CROP")):
        text = text.replace(f'type: "{new}"', f"type: {old}")
    return 'input: "x" input_dim: [1, 1, 41, 45] ' + text.replace("layer {", "layers {")


def test_a_crop_of_v1_is_aligned_and_written_as_the_present_form():
    net = read_net(v1(fcn32() + crop("up")))
    assert list(net.layer[-1].crop_param.offset) == [19, 19]
    assert net == read_net(write_text(net))
    assert net == read_net(INPUT.replace('"in"', '"input"') + fcn32() + crop("up", fields="crop_param { axis: 2 offset: [19, 19] }"))


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (
            conv("a", "x", kernel_size=1, stride=2) + crop("a"),
            "layer 'crop' (Crop): no crop aligns 'a' with 'x': from 'x' on they are scaled by 0.5 and 1",
        ),
        (conv("a", "x", kernel_size=3) + crop("a"), "no crop aligns 'a' with 'x': it would have to begin at h = -1"),
        (conv("a", "x", kernel_size=2, pad=1) + crop("a"), "it would have to begin at h = 0.5"),
        (
            'layers { name: "f" type: FLATTEN bottom: "x" top: "f" } ' + crop("f"),
            "nothing tells where 'f' and 'x' are aligned; write it in the present form",
        ),
    ],
)
def test_v1_crops_that_cannot_be_aligned(net, sentence):
    with pytest.raises(FieldError) as caught:
        read_net(v1(net))
    assert sentence in str(caught.value)


def test_a_crop_without_fields_is_refused_where_forks_would_align_it():
    with pytest.raises(FieldError) as caught:
        Net(INPUT + conv("a", "x", kernel_size=3, pad=5) + crop("a"))
    assert "crops from 0, but that of FCN, HED and CRF-RNN from 4, 4, which aligns 'a' with 'x'" in str(caught.value)
    assert "crop_param { offset: 0 } or crop_param { offset: 4 offset: 4 }" in str(caught.value)


@pytest.mark.parametrize("fields", ["crop_param { }", "crop_param { offset: 0 }"])
def test_a_crop_that_says_so_begins_at_0(fields):
    net = Net(INPUT + conv("a", "x", kernel_size=3, pad=5) + crop("a", fields=fields))
    assert net.shapes["crop"] == (1, 1, 41, 45)


def test_a_crop_that_is_aligned_at_0_or_of_strangers_needs_no_field():
    assert Net(INPUT + conv("a", "x", kernel_size=3, pad=1) + crop("a")).shapes["crop"] == (1, 1, 41, 45)
    other = INPUT.replace('"in"', '"in2"').replace('"x"', '"y"')
    assert Net(INPUT + other + crop("y")).shapes["crop"] == (1, 1, 41, 45)
