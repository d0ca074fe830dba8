"""NormConv."""

import numpy as np
import patches
import pytest
import torch
from golden_oracle import GOLDEN, run_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe import pycaffe
from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.masked import masked_convolution
from segaware_caffe.ops.normconv import softmax_mask

NORMCONV = 'type: "NormConv" convolution_param { %s } norm_conv_param { %s }'
NOISY = "paramdiff/l/2"


@pytest.mark.parametrize("path", goldens("normconv_[!r]*"))
def test_golden(path):
    run_golden(path)


def test_golden_with_a_negative_scale_and_removed_taps(tmp_path):
    """All of normconv_remove but the scale's gradient, which is 0 and in the reference what rounding leaves of it.

    Where taps are removed and the scale is negative, the mask is uniform over the removed taps,
    whatever the scale; the reference multiplies the sum of a softmax's derivatives, 0, by 3.4e36.
    """
    golden = dict(np.load(GOLDEN / "layers" / "normconv_remove.npz"))
    assert golden["param/l/2"] < 0 and abs(golden[NOISY]) / patches.SENTINEL < 1e-6
    del golden[NOISY]
    np.savez(tmp_path / "rest.npz", **golden)
    run_golden(tmp_path / "rest.npz")

    net = pycaffe.Net(str(golden["prototxt"]), pycaffe.TEST)
    for blob, key in ((net.blobs["x"], "in/x"), (net.blobs["z"], "in/z"), (net.params["l"][2], "param/l/2")):
        blob.data[...] = golden[key]
    net.forward()
    net.blobs["y"].diff[...] = golden["topdiff/y"]
    net.backward()
    assert net.params["l"][2].diff == 0


X = torch.tensor([1.0, 2.0, 4.0]).view(1, 1, 1, 3)
E = torch.tensor([0.0, 1.0, 3.0]).view(1, 1, 1, 3)
ONE_SCALE = "scale_filler { value: 1 }"


@pytest.mark.parametrize(
    ("fields", "y", "dx", "de", "ds"),
    [
        (ONE_SCALE, [0.849045, 1.807184, 2], [0.731859, 0.870172, 0.546006], [-0.013244, 0.353988, -0.340744], -0.334122),
        (
            f"{ONE_SCALE} remove_bounds: true",
            [1.377541, 1.807184, 3.761594],
            [0.970667, 1.070841, 0.958493],
            [-0.046064, -0.033166, 0.079230],
            0.102262,
        ),
        (
            f"{ONE_SCALE} remove_bounds: true remove_center: true",
            [2, 1.547276, 2],
            [0.817574, 2, 0.182426],
            [-0.447439, 1.342318, -0.894879],
            -0.671159,
        ),
        ("scale_term: false", [1.177794, 3.307998, 2], [0.438320, 1.338472, 0.842632], [0.007568, -1.026368, 1.018800], None),
        ("", [1, 2.333333, 2], [0.666667, 1, 0.666667], [0, 0, 0], -1.055555),
    ],
)
def test_worked_numbers(fields, y, dx, de, ds):
    """Section 13, number 4: a kernel of three ones in a row."""
    convolution = "num_output: 1 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1 bias_term: false weight_filler { value: 1 }"
    layer = make_layer(NORMCONV % (convolution, fields), X.shape, E.shape)
    x, e = X.clone().requires_grad_(), E.clone().requires_grad_()
    top = layer(x, e)
    top.sum().backward()
    for actual, expected in ((top, y), (x.grad, dx), (e.grad, de)):
        torch.testing.assert_close(actual.flatten(), torch.tensor(expected, dtype=torch.float32), atol=2e-6, rtol=0)
    if ds is None:
        assert len(layer.blobs) == 1
    else:
        assert layer.blobs[1].grad.item() == pytest.approx(ds, abs=2e-6)


@settings(deadline=None, max_examples=60)
@given(
    patches.geometries(),
    st.integers(1, 2),
    st.sampled_from([(1, 1), (4, 2), (3, 3)]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([-0.7, 0.0, 0.3, 2.0]),
    st.integers(0, 99),
)
def test_against_softmax_over_patches(case, batch, channels_groups, l1, remove_center, remove_bounds, scale, seed):
    geometry, size = case
    channels, groups = channels_groups
    torch.manual_seed(seed)
    x, e, weight = (
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((batch, channels, *size), (batch, 2, *size), (2 * groups, channels // groups, *geometry.kernel))
    )
    distances = patches.im2dist(e, geometry, l1, remove_center, remove_bounds)
    expected = patches.masked_convolution(x, torch.softmax(-scale * distances, 1), weight, geometry, groups)
    mask = softmax_mask(e, geometry, torch.tensor([scale], dtype=torch.float64), l1, remove_center, remove_bounds)
    result = masked_convolution(x, mask, weight, None, geometry, groups)
    torch.testing.assert_close(result, expected)
    gradient = torch.randn_like(result)
    actual = torch.autograd.grad(result, (x, e, weight), gradient)
    for got, want in zip(actual, torch.autograd.grad(expected, (x, e, weight), gradient), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("geometry", "fields"),
    [
        ("num_output: 2 kernel_size: 3 pad: 1", ""),
        ("num_output: 4 group: 2 kernel_size: 2 pad: 2 bias_term: false", "norm: L1 remove_center: true"),
        ("num_output: 2 kernel_size: 3 pad: 5 dilation: 2 stride: 2", "remove_bounds: true"),
        ("num_output: 2 kernel_size: 3 dilation: 0", "scale_term: false"),
        ("num_output: 3 kernel_size: 1", ""),
        ("num_output: 2 kernel_size: 5 pad: 2 bias_term: false", "norm: L1 scale_term: false"),
    ],
)
def test_gradient(geometry, fields):
    """Of both bottoms and all learned blobs: also where the release writes none (1 x 1 kernels)."""
    image, embedding = (2, 4, 3, 4), (2, 2, 3, 4)
    layer = make_layer(NORMCONV % (geometry, fields), image, embedding)
    check_gradients(layer, numbers(*image), numbers(*embedding, seed=1))


def test_a_scale_that_learns_alone_gets_the_gradient_of_all_samples():
    """The release uses the last sample's mask for every sample then."""
    image, embedding = torch.randn(3, 2, 5, 5), torch.randn(3, 2, 5, 5)
    convolution = "num_output: 2 kernel_size: 3 pad: 1 weight_filler { value: 1 }"
    layer = make_layer(NORMCONV % (convolution, "scale_filler { value: 0.5 }"), image.shape, embedding.shape)
    layer.learns[:] = [False, False, True]
    weight, bias, scale = layer.blobs
    layer(image, embedding).square().sum().backward()
    together = scale.grad.clone()
    scale.grad = None
    for sample in range(3):
        layer(image[sample : sample + 1], embedding[sample : sample + 1]).square().sum().backward()
    torch.testing.assert_close(together, scale.grad)
    assert weight.grad is None and bias.grad is None


@pytest.mark.parametrize(
    ("fields", "shapes"),
    [
        ("", [(4, 2, 3, 3), (4,), (1,)]),
        ("bias_term: false", [(4, 2, 3, 3), (1,)]),
    ],
)
def test_learned_blobs(fields, shapes):
    layer = make_layer(NORMCONV % (f"num_output: 4 group: 2 kernel_size: 3 {fields}", ""), (1, 4, 5, 5), (1, 3, 5, 5))
    assert [tuple(blob.shape) for blob in layer.blobs] == shapes
    assert layer.blobs[-1].item() == 0


def test_with_the_default_scale_of_0_it_is_the_mean_of_the_taps():
    x = torch.randn(2, 3, 6, 7)
    convolution = 'num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" }'
    layer = make_layer(NORMCONV % (convolution, "remove_center: true remove_bounds: true"), x.shape, x.shape)
    expected = torch.nn.functional.conv2d(x, layer.blobs[0], padding=1) / 9
    torch.testing.assert_close(layer(x, x), expected)


def test_shapes_may_change():
    layer = make_layer(NORMCONV % ("num_output: 1 kernel_size: 3 pad: 1", ""), (1, 2, 5, 5), (1, 3, 5, 5))
    assert layer.top_shapes((3, 2, 8, 6), (3, 1, 8, 6)) == [(3, 1, 8, 6)]
    with pytest.raises(CaffeError, match="3 channels instead of 2"):
        layer.top_shapes((1, 3, 5, 5), (1, 3, 5, 5))


IMAGE = (2, 4, 6, 6)


@pytest.mark.parametrize(
    ("fields", "image", "embedding", "sentence"),
    [
        ("kernel_size: 3", IMAGE, IMAGE, "num_output must be positive"),
        ("num_output: 2", IMAGE, IMAGE, "needs kernel_size"),
        ("num_output: 2 kernel_size: 3 group: 3", IMAGE, IMAGE, "the image's 4 channels must be a multiple of group 3"),
        ("num_output: 3 kernel_size: 3 group: 2", IMAGE, IMAGE, "Number of output should be multiples of group"),
        ("num_output: 2 kernel_size: 3 group: 0", IMAGE, IMAGE, "group must be positive"),
        ("num_output: 2 kernel_size: 3 bottom_is_im2col: true", IMAGE, IMAGE, "bottom_is_im2col is for Convolution only"),
        ("num_output: 2 kernel_size: 7", IMAGE, IMAGE, "does not fit"),
        ("num_output: 2 kernel_size: 3", IMAGE, (1, 4, 6, 6), "of the same N, H and W"),
        ("num_output: 2 kernel_size: 3", IMAGE, (2, 4, 6, 5), "of the same N, H and W"),
        ("num_output: 2 kernel_size: 3", IMAGE[1:], IMAGE[1:], "(N, C, H, W)"),
    ],
)
def test_refused(fields, image, embedding, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(NORMCONV % (fields, ""), image, embedding)
    assert sentence in str(error.value)
