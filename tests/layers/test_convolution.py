"""Convolution, Deconvolution and Im2col: the reference's numbers, finite differences, and their definitions."""

import itertools

import numpy as np
import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers
from torch.nn import functional

from segaware_caffe import Net
from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.columns import im2col
from segaware_caffe.ops.geometry import Geometry


@pytest.mark.parametrize("file", goldens("conv_*", "deconv_*", "im2col_*", "net_inplace_shared", "filler_bilinear*", "filler_constant"))
def test_golden(file):
    run_golden(file)


# -- definitions -----------------------------------------------------------------------------


def plain_im2col(value, kernel, stride, pad, dilation):
    """The definition, element by element."""
    spatial = value.shape[2:]
    output = [int((n + 2 * p - (d * (k - 1) + 1)) / s) + 1 for n, k, s, p, d in zip(spatial, kernel, stride, pad, dilation, strict=True)]
    taps = list(itertools.product(*map(range, kernel)))
    top = torch.zeros(value.shape[0], value.shape[1] * len(taps), *output, dtype=value.dtype)
    for (index, tap), position in itertools.product(enumerate(taps), itertools.product(*map(range, output))):
        at = [o * s - p + t * d for o, s, p, t, d in zip(position, stride, pad, tap, dilation, strict=True)]
        if all(0 <= a < n for a, n in zip(at, spatial, strict=True)):
            top[(slice(None), slice(index, None, len(taps)), *position)] = value[(slice(None), slice(None), *at)]
    return top


@pytest.mark.parametrize(
    ("spatial", "kernel", "stride", "pad", "dilation"),
    [
        ((7,), (3,), (2,), (1,), (2,)),
        ((5, 6), (3, 2), (2, 1), (1, 0), (1, 2)),
        ((5, 6), (3, 3), (1, 1), (0, 2), (0, 1)),
        ((4, 3, 5), (2, 3, 2), (1, 2, 1), (0, 1, 1), (2, 1, 1)),
        ((4, 2), (5, 3), (2, 3), (0, 1), (1, 2)),
    ],
    ids=["1d", "2d", "dilation_0", "3d", "beyond_the_image"],
)
def test_im2col_is_its_definition(spatial, kernel, stride, pad, dilation):
    value = numbers(2, 3, *spatial)
    top = im2col(value, Geometry(kernel, stride, pad, dilation))
    torch.testing.assert_close(top, plain_im2col(value.detach(), kernel, stride, pad, dilation))
    ones = torch.autograd.grad(top.sum(), value)[0]
    reads = plain_im2col(torch.ones_like(value), kernel, stride, pad, dilation).sum()
    assert ones.sum() == reads, "the gradient counts every read once"


def test_convolution_of_columns_is_convolution():
    geometry = "convolution_param { num_output: 6 group: 2 kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0 stride_h: 2 stride_w: 1 %s }"
    x = numbers(2, 4, 7, 6)
    columns = make_layer('type: "Im2col" ' + geometry % "", (2, 4, 7, 6))(x)
    plain = make_layer('type: "Convolution" ' + geometry % "", (2, 4, 7, 6)).double()
    cols = make_layer('type: "Convolution" ' + geometry % "bottom_is_im2col: true", tuple(columns.shape)).double()
    assert cols.specs[0].shape == plain.specs[0].shape
    blobs = [numbers(*spec.shape, seed=i) for i, spec in enumerate(plain.specs)]
    for layer in (plain, cols):
        for index, blob in enumerate(blobs):
            layer.registered(index).data = blob.detach().clone()
    torch.testing.assert_close(cols(columns)[0], plain(x)[0])


@pytest.mark.parametrize("spatial_axes", [0, 1, 3])
def test_convolution_and_deconvolution_of_any_axes_are_adjoint(spatial_axes):
    """<conv(x), y> = <x, deconv(y)> with the same weights, and batch axes before `axis` 2."""
    fields = "axis: 2 bias_term: false kernel_size: 3 stride: 2 pad: 1" if spatial_axes else "axis: 2 bias_term: false"
    shape = (2, 3, 4, *(5, 7, 9)[:spatial_axes])
    convolution = make_layer(f'type: "Convolution" convolution_param {{ num_output: 5 {fields} }}', shape).double()
    top_shape = convolution.top_shapes(shape)[0]
    assert top_shape == (2, 3, 5, *(3, 4, 5)[:spatial_axes])
    deconvolution = make_layer(f'type: "Deconvolution" convolution_param {{ num_output: 4 {fields} }}', top_shape).double()
    assert deconvolution.top_shapes(top_shape)[0] == shape
    weight = numbers(*convolution.specs[0].shape)
    convolution.registered(0).data = deconvolution.registered(0).data = weight.detach()
    x, y = numbers(*shape, seed=1), numbers(*top_shape, seed=2)
    torch.testing.assert_close((convolution(x)[0] * y).sum(), (x * deconvolution(y)[0]).sum())


def test_several_bottoms_share_the_weights():
    layer = make_layer(
        'type: "Convolution" top: "a" top: "b" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "gaussian" } }',
        (1, 3, 4, 4),
        (1, 3, 4, 4),
    )
    x = numbers(1, 3, 4, 4).float()
    first, second = layer(x, 2 * x)
    torch.testing.assert_close(2 * first, second)


def test_engine_and_force_nd_im2col_change_nothing():
    text = 'type: "Convolution" convolution_param { num_output: 2 kernel_size: 3 dilation: 2 engine: CUDNN force_nd_im2col: true }'
    layer = make_layer(text, (1, 2, 7, 7))
    x, weight = numbers(1, 2, 7, 7).float(), numbers(2, 2, 3, 3, seed=1).float()
    layer.registered(0).data = weight.detach()
    torch.testing.assert_close(layer(x)[0], functional.conv2d(x, weight, dilation=2))


# -- gradients -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('type: "Convolution" convolution_param { num_output: 4 group: 2 kernel_size: 3 stride: 2 pad: 1 dilation: 2 }', (2, 2, 7, 6)),
        ('type: "Convolution" convolution_param { num_output: 2 kernel_size: 2 bias_term: false }', (2, 2, 3, 4, 3)),
        ('type: "Convolution" convolution_param { num_output: 2 kernel_size: 2 bottom_is_im2col: true }', (2, 8, 3, 5)),
        ('type: "Deconvolution" convolution_param { num_output: 4 group: 2 kernel_size: 3 stride: 2 pad: 1 }', (2, 2, 3, 4)),
        ('type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 3 dilation: 2 axis: 1 }', (2, 3, 5)),
        ('type: "Im2col" convolution_param { kernel_size: 3 stride: 2 pad: 2 dilation: 2 }', (2, 2, 5, 7)),
        ('type: "Im2col" convolution_param { kernel_size: 2 kernel_size: 3 kernel_size: 1 pad: 1 }', (2, 1, 3, 4, 2)),
    ],
)
def test_gradients(text, shape):
    check_gradients(make_layer(text, shape), numbers(*shape))


# -- errors ----------------------------------------------------------------------------------

NCHW = (1, 4, 6, 6)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "sentence"),
    [
        ("Convolution", "kernel_size: 3", NCHW, "num_output must be positive"),
        ("Convolution", "num_output: 2", NCHW, "convolution_param needs kernel_size, or kernel_h and kernel_w"),
        ("Convolution", "num_output: 2 kernel_size: 0", NCHW, "kernel dimensions must be positive, not (0, 0)"),
        ("Convolution", "num_output: 2 kernel_size: 3 stride: 0", NCHW, "stride must be positive, not (0, 0)"),
        ("Convolution", "num_output: 2 kernel_size: 3 dilation: 0", NCHW, "dilation must be positive, not (0, 0)"),
        ("Convolution", "num_output: 2 kernel_size: 3 kernel_h: 3 kernel_w: 3", NCHW, "either kernel_size or kernel_h and kernel_w"),
        ("Convolution", "num_output: 2 kernel_h: 3", NCHW, "kernel dimensions must be positive, not (3, 0)"),
        ("Convolution", "num_output: 2 kernel_h: 3 kernel_w: 3", (1, 4, 6), "for two spatial axes, not 1"),
        ("Convolution", "num_output: 2 kernel_size: 3 kernel_size: 3 kernel_size: 3", NCHW, "once per spatial axis (2 times), not 3"),
        ("Convolution", "num_output: 2 kernel_size: 7", NCHW, "does not fit a bottom of spatial size (6, 6): the top would be (0, 0)"),
        ("Convolution", "num_output: 2 kernel_size: 3 group: 3", NCHW, "Number of output should be multiples of group"),
        ("Convolution", "num_output: 3 kernel_size: 3 group: 3", NCHW, "4 channels must be a multiple of group 3"),
        ("Convolution", "num_output: 2 kernel_size: 3 group: 0", NCHW, "group must be positive"),
        ("Convolution", "num_output: 2 kernel_size: 3 axis: 4", NCHW, "axis 4 is out of range"),
        ("Convolution", "num_output: 2 kernel_size: 3", (1, 1, 4, 4, 4, 4), "at most 3 spatial axes are supported, not 4"),
        ("Convolution", "num_output: 2 kernel_size: 3 bottom_is_im2col: true", NCHW, "the 4 channels of a group must be a multiple"),
        ("Deconvolution", "num_output: 2 kernel_size: 3 bottom_is_im2col: true", NCHW, "bottom_is_im2col is for Convolution only"),
        ("Deconvolution", "num_output: 2 kernel_size: 1 pad: 3", NCHW, "pad (3, 3) leaves nothing of the output"),
        ("Im2col", "kernel_size: 3 axis: 3", NCHW, "axis 3 leaves no spatial axis"),
        ("Im2col", "kernel_size: 8", NCHW, "does not fit a bottom"),
    ],
)
def test_bad_parameters(kind, fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(f'name: "c" type: "{kind}" convolution_param {{ {fields} }}', shape)
    assert sentence in str(error.value)
    assert f"layer 'c' ({kind})" in str(error.value)


def test_bad_shapes():
    layer = make_layer('type: "Convolution" convolution_param { num_output: 2 kernel_size: 3 }', NCHW)
    assert layer.top_shapes((5, 4, 3, 9)) == [(5, 2, 1, 7)]
    with pytest.raises(CaffeError, match="Input size incompatible with convolution kernel: 3 channels, not 4"):
        layer.top_shapes((1, 3, 6, 6))
    with pytest.raises(CaffeError, match="num_axes may not change"):
        layer.top_shapes((1, 4, 6))
    with pytest.raises(CaffeError, match="all inputs must have the same shape"):
        layer.top_shapes(NCHW, (1, 4, 6, 7))


@pytest.mark.parametrize(
    ("words", "holes"),
    [("hole: 2", (2, 2)), ("hole_h: 2 hole_w: 3", (2, 3)), ("hole_h: 1 hole_w: 1", (1, 1)), ("hole: 3 dilation: 3", (3, 3))],
)
def test_holes_are_dilation(words, holes):
    """DeepLab v1's words, against the definition tap by tap."""
    text = f'type: "Convolution" convolution_param {{ num_output: 2 kernel_size: 3 pad: 2 stride: 2 bias_term: false {words} }}'
    layer = make_layer(text, (1, 3, 9, 11))
    x, weight = numbers(1, 3, 9, 11).detach(), numbers(2, 3, 3, 3, seed=1).detach()
    layer.registered(0).data = weight
    padded = np.pad(x.numpy()[0], ((0, 0), (2, 2), (2, 2)))
    height, width = ((size + 4 - 2 * hole - 1) // 2 + 1 for size, hole in zip((9, 11), holes, strict=True))
    expected = np.zeros((2, height, width))
    for i, j in np.ndindex(3, 3):
        part = padded[:, i * holes[0] :, j * holes[1] :][:, ::2, ::2][:, :height, :width]
        expected += np.einsum("oc,chw->ohw", weight.numpy()[:, :, i, j], part)
    np.testing.assert_allclose(layer(x)[0].detach().numpy()[0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (5, 5)])
@pytest.mark.parametrize("passes", [None, []], ids=["passes", "literal"])
def test_a_kernel_beyond_the_padded_image_reads_zeros_there(kernel, passes):
    """The reference divides by the stride towards 0, so that there is a position as long as less than a stride is missing."""
    net = Net(
        f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 4 dim: 2 }} }} }} layer {{ name: "y"'
        f' type: "Convolution" bottom: "x" top: "y" convolution_param {{ num_output: 8 kernel_h: {kernel[0]} kernel_w: {kernel[1]}'
        ' stride: 4 weight_filler { type: "gaussian" std: 1 } } }',
        passes=passes,
    )
    x, (weight, bias) = torch.randn(2, 3, 4, 2), net.params["y"]
    covered = functional.pad(x, (0, 3, 0, 3))[:, :, : kernel[0], : kernel[1]]
    torch.testing.assert_close(net(x=x)["y"][:, :, 0, 0], torch.einsum("nchw,ochw->no", covered, weight) + bias, rtol=1e-4, atol=1e-5)
