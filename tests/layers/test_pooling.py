"""Pooling and SPP: the reference's numbers, the definition window by window, finite differences, refusals."""

import math

import numpy as np
import pytest
import torch
from golden_oracle import run_golden
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.pooling import FLT_MAX, Windows, average_pool, max_pool, stochastic_mean, stochastic_pool


@pytest.mark.parametrize("file", goldens("pool_*", "spp"))
def test_golden(file):
    run_golden(file)


# -- the definition, window by window ----------------------------------------------------------


def extent(size, kernel, stride, pad, ceil, any_pad):
    """The number of windows along an axis (spec/layers.md 5.33)."""
    out = (math.ceil if ceil else math.floor)((size + 2 * pad - kernel) / stride) + 1
    return out - 1 if any_pad and (out - 1) * stride >= size + pad else out


def plain_pool(plane, windows):
    """(maxima, their indices, means) of a plane (H, W), as three tensors."""
    (height, width), (kh, kw), (sh, sw), (ph, pw) = plane.shape, windows.kernel, windows.stride, windows.pad
    rows = extent(height, kh, sh, ph, windows.ceil, ph or pw)
    columns = extent(width, kw, sw, pw, windows.ceil, ph or pw)
    maxima, indices, means = (torch.zeros(rows, columns, dtype=plane.dtype) for _ in range(3))
    for row in range(rows):
        for column in range(columns):
            y, x = row * sh - ph, column * sw - pw
            divisor = (min(y + kh, height + ph) - y) * (min(x + kw, width + pw) - x)
            best, index, total = -FLT_MAX, -1, 0.0
            for i in range(max(y, 0), min(y + kh, height)):
                for j in range(max(x, 0), min(x + kw, width)):
                    total += plane[i, j].item()
                    if plane[i, j] > best:
                        best, index = plane[i, j].item(), i * width + j
            maxima[row, column], indices[row, column], means[row, column] = best, index, total / divisor if divisor else math.nan
    return maxima, indices, means


@st.composite
def pools(draw):
    """A plane with ties, and windows, of which the last may be empty."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    windows = Windows(kernel, stride, pad, draw(st.booleans()))
    counts = [extent(n, k, s, p, windows.ceil, any(pad)) for n, k, s, p in zip(size, kernel, stride, pad, strict=True)]
    fits = all(c > 0 for c in counts)
    values = draw(st.lists(st.integers(-2, 2), min_size=size[0] * size[1], max_size=size[0] * size[1]))
    return torch.tensor(values, dtype=torch.float64).view(size), windows, fits


@settings(max_examples=150, deadline=None)
@given(pools())
def test_maxima_and_means_are_their_definition(case):
    plane, windows, fits = case
    assume(fits)
    maxima, indices, means = plain_pool(plane, windows)
    top, index = max_pool(plane[None, None], windows)
    torch.testing.assert_close(top[0, 0], maxima)
    torch.testing.assert_close(index[0, 0].double(), indices)
    torch.testing.assert_close(average_pool(plane[None, None], windows)[0, 0], means, equal_nan=True)


@settings(max_examples=50, deadline=None)
@given(pools())
def test_the_layer_refuses_exactly_the_windows_that_do_not_fit(case):
    plane, windows, fits = case
    (kh, kw), (sh, sw), (ph, pw) = windows.kernel, windows.stride, windows.pad
    text = (
        f'type: "Pooling" pooling_param {{ kernel_h: {kh} kernel_w: {kw} stride_h: {sh} stride_w: {sw}'
        f" pad_h: {ph} pad_w: {pw} round_mode: {'CEIL' if windows.ceil else 'FLOOR'} }}"
    )
    if fits:
        assert make_layer(text, (1, 1, *plane.shape)).top_shapes((1, 1, *plane.shape))[0][2:] == plain_pool(plane, windows)[0].shape
    else:
        with pytest.raises(CaffeError, match="does not fit"):
            make_layer(text, (1, 1, *plane.shape))


@pytest.mark.parametrize("pad", [0, 1, 2], ids=["unpadded", "native", "explicit"])
def test_nan_never_wins(pad):
    nan, inf = math.nan, math.inf
    value = torch.tensor([[nan, 1, nan], [3, nan, 2], [nan, -inf, nan]], dtype=torch.float64, requires_grad=True)
    top, index = max_pool(value[None, None], Windows((3, 3), (3, 3), (pad, pad)))
    assert top.isfinite().all()
    assert top.max() == 3 and index[top == 3].unique().tolist() == [3]
    gradient = torch.autograd.grad(top.max(), value)[0]
    assert gradient.nonzero().tolist() == [[1, 0]]


def test_a_window_of_nan_is_the_least_number():
    top, index = max_pool(torch.full((1, 1, 2, 2), math.nan), Windows((2, 2), (2, 2), (0, 0)))
    assert top.item() == -FLT_MAX and index.item() == -1


@pytest.mark.parametrize("pad", [1, 2], ids=["native", "explicit"])
def test_the_first_of_equal_maxima_gets_the_gradient(pad):
    value = torch.zeros(1, 1, 4, 4, requires_grad=True)
    top, _ = max_pool(value, Windows((3, 3), (2, 2), (pad, pad)))
    gradient = torch.autograd.grad(top.sum(), value)[0]
    _, indices, _ = plain_pool(value[0, 0].detach(), Windows((3, 3), (2, 2), (pad, pad)))
    firsts = set(indices.flatten().tolist())
    assert set(gradient.flatten().nonzero().flatten().tolist()) == firsts
    assert gradient.sum() == top.numel()


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "out", "last"),
    [(5, 2, 2, 0, 3, 1), (6, 3, 2, 1, 4, 0.25), (7, 3, 2, 1, 4, 0.444444), (4, 2, 2, 1, 3, 0.25), (2, 3, 2, 0, 1, 1)],
)
def test_averages_of_ones(size, kernel, stride, pad, out, last):
    """spec/layers.md 13.8."""
    fields = f"pool: AVE kernel_size: {kernel} stride: {stride} pad: {pad}"
    top = make_layer(f'type: "Pooling" pooling_param {{ {fields} }}', (1, 1, size, size))(torch.ones(1, 1, size, size))
    assert top.shape[2:] == (out, out)
    assert top[0, 0, -1, -1].item() == pytest.approx(last, abs=1e-6)


def test_size_at_321():
    layer = make_layer('type: "Pooling" pooling_param { kernel_size: 3 stride: 2 pad: 1 }', (1, 1, 321, 321))
    assert layer.top_shapes((1, 1, 321, 321)) == [(1, 1, 161, 161)]


def test_the_mask_tells_positions_apart_in_half_precision():
    layer = make_layer('type: "Pooling" top: "y" top: "mask" pooling_param { kernel_size: 2 stride: 2 }', (1, 1, 2, 4002))
    value = torch.zeros(1, 1, 2, 4002, dtype=torch.half)
    value[0, 0, 1, 4001] = 1
    top, mask = layer(value)
    assert top.dtype == torch.half
    assert mask.flatten()[-1].item() == 4002 + 4001


# -- stochastic pooling ------------------------------------------------------------------------


def test_stochastic_pooling_draws_in_proportion():
    torch.manual_seed(0)
    value = torch.tensor([[1.0, 0.0], [2.0, 5.0]]).expand(1, 4000, 2, 2)
    drawn = stochastic_pool(value, Windows((2, 2), (2, 2), (0, 0))).flatten()
    shares = [(drawn == v).double().mean().item() for v in (0, 1, 2, 5)]
    assert shares == pytest.approx([0, 1 / 8, 2 / 8, 5 / 8], abs=0.03)


def test_stochastic_pooling_with_overhang_draws_from_the_image_and_passes_the_gradient_there():
    torch.manual_seed(0)
    value = (numbers(2, 3, 5, 4).detach().abs() + 1).requires_grad_()
    top = stochastic_pool(value, Windows((2, 3), (2, 2), (0, 0)))
    assert top.shape == (2, 3, 3, 2)
    assert torch.isin(top, value).all()
    gradient = torch.autograd.grad(top.sum(), value)[0]
    assert gradient.sum() == top.numel()
    assert torch.isin(value[gradient > 0], top).all()


def test_stochastic_pooling_of_zeros_draws_zero():
    windows = Windows((2, 2), (2, 2), (0, 0))
    assert stochastic_pool(torch.zeros(1, 1, 4, 4), windows).abs().sum() == 0
    assert stochastic_mean(torch.zeros(1, 1, 4, 4), windows).abs().sum() == 0


def test_stochastic_pooling_in_test_is_the_expected_value():
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'
    value = torch.tensor([[1.0, 0.0], [2.0, 5.0]])[None, None]
    assert make_layer(text, (1, 1, 2, 2))(value).item() == pytest.approx(30 / 8)
    assert make_layer(text, (1, 1, 2, 2), train=True)(value).item() in (1, 2, 5)


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("pool: MAX kernel_size: 3 stride: 2", (2, 2, 6, 5)),
        ("pool: MAX kernel_size: 3 pad: 2 stride: 2", (2, 2, 5, 7)),
        ("pool: AVE kernel_size: 3 stride: 2 pad: 1", (2, 2, 6, 5)),
        ("pool: AVE kernel_size: 4 stride: 3 pad: 3", (2, 2, 5, 7)),
        ("pool: AVE global_pooling: true", (2, 2, 5, 3)),
        ("pool: STOCHASTIC kernel_h: 2 kernel_w: 3 stride: 2", (2, 2, 5, 7)),
    ],
)
def test_gradients_of_pooling(text, shape):
    value = (numbers(*shape).detach().abs() + 0.1).requires_grad_()
    check_gradients(make_layer(f'type: "Pooling" pooling_param {{ {text} }}', shape), value)


@pytest.mark.parametrize(("pool", "height"), [("MAX", 3), ("AVE", 2), ("AVE", 1)])
def test_gradients_of_spp(pool, height):
    check_gradients(make_layer(f'type: "SPP" spp_param {{ pyramid_height: {height} pool: {pool} }}', (2, 2, 9, 7)), numbers(2, 2, 9, 7))


def test_spp_of_one_level_keeps_four_axes():
    layer = make_layer('type: "SPP" spp_param { pyramid_height: 1 }', (2, 3, 5, 6))
    assert layer(torch.zeros(2, 3, 5, 6)).shape == (2, 3, 1, 1)


# -- errors ------------------------------------------------------------------------------------

NCHW = (1, 2, 6, 6)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "sentence"),
    [
        ("Pooling", "", NCHW, "kernel_size is required; for non-square filters both kernel_h and kernel_w are required."),
        ("Pooling", "kernel_h: 2", NCHW, "both kernel_h and kernel_w are required"),
        ("Pooling", "kernel_size: 2 kernel_h: 2 kernel_w: 2", NCHW, "kernel_size OR kernel_h and kernel_w; not both"),
        ("Pooling", "kernel_size: 0", NCHW, "Filter dimensions cannot be zero"),
        ("Pooling", "kernel_size: 2 stride: 0", NCHW, "stride must be positive"),
        ("Pooling", "kernel_size: 2 stride_h: 2", NCHW, "stride is stride OR stride_h and stride_w are required."),
        ("Pooling", "kernel_size: 2 pad: 1 pad_h: 1 pad_w: 1", NCHW, "pad is pad OR pad_h and pad_w are required."),
        ("Pooling", "kernel_size: 2 pad: 2", NCHW, "pad (2, 2) must be smaller than the kernel (2, 2)"),
        ("Pooling", "kernel_size: 2 global_pooling: true", NCHW, "With Global_pooling: true Filter size cannot specified"),
        ("Pooling", "global_pooling: true stride: 2", NCHW, "With Global_pooling: true; only pad = 0 and stride = 1"),
        ("Pooling", "kernel_size: 2 pool: STOCHASTIC pad: 1", NCHW, "Padding implemented only for average and max pooling"),
        ("Pooling", "kernel_size: 9", NCHW, "does not fit a bottom of spatial size (6, 6)"),
        ("Pooling", "pool: STOCHASTIC kernel_size: 1 stride: 3", (1, 1, 3, 3), "leaves an empty window"),
        ("Pooling", "kernel_size: 2", (1, 2, 6), "Input must have 4 axes"),
        ("Pooling", "global_pooling: true", (1, 2, 6, 6, 6), "Input must have 4 axes"),
        ("SPP", "", NCHW, "pyramid_height must be positive"),
        ("SPP", "pyramid_height: 3", (1, 1, 5, 5), "pad (2, 2) must be smaller than the kernel (2, 2)"),
        ("SPP", "pyramid_height: 4000000000", NCHW, "bins at 18446744073709551616 positions, more than the 65536 that are taken unasked"),
        ("SPP", "pyramid_height: 1", (2, 3), "Input must have 4 axes"),
    ],
)
def test_bad_parameters(kind, fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(f'type: "{kind}" {kind.lower()}_param {{ {fields} }}', shape)
    assert sentence in str(error.value)


def test_only_max_pooling_has_a_mask():
    with pytest.raises(CaffeError, match="only MAX pooling has a second top"):
        make_layer('type: "Pooling" top: "y" top: "m" pooling_param { kernel_size: 2 pool: AVE }', NCHW)


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(("words", "size"), [("ceil_mode: false", (3, 4)), ("ceil_mode: true", (4, 4)), ("", (4, 4))])
def test_ceil_mode_says_how_many_windows_there_are(words, size, pool):
    """The word of converters from PyTorch, against the definition window by window."""
    layer = make_layer(f'type: "Pooling" pooling_param {{ pool: {pool} kernel_size: 2 stride: 2 {words} }}', (1, 2, 7, 8))
    x = numbers(1, 2, 7, 8).detach()
    top = layer(x)
    assert top.shape == (1, 2, *size)
    for i, j in np.ndindex(*size):
        window = x[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten(1)
        torch.testing.assert_close(top[0, :, i, j], window.amax(1) if pool == "MAX" else window.mean(1))


@pytest.mark.parametrize("learn", [False, True], ids=["native", "torch"])
def test_a_window_beyond_the_image_is_what_the_reference_makes_of_it(learn):
    """Windows of one pixel, three apart, start at 0, 3 and 6 of five pixels, or at 0 and 3 of three."""
    x = torch.arange(30.0).view(1, 1, 6, 5).contiguous()[:, :, :5].requires_grad_(learn)
    text = 'type: "Pooling" pooling_param {{ kernel_size: 1 stride: 3 pool: {} }}'
    top = make_layer(text.format("MAX"), tuple(x.shape))(x)
    assert top[0, 0, :2, :2].tolist() == [[0, 3], [15, 18]]
    assert (top[0, 0, 2] == -FLT_MAX).all() and (top[0, 0, :, 2] == -FLT_MAX).all()
    mean = make_layer(text.format("AVE"), tuple(x.shape))(x)[0, 0]
    assert mean[:2, :2].tolist() == [[0, 3], [15, 18]] and not mean[2].any() and not mean[:, 2].any()
    edge = make_layer(text.format("AVE"), (1, 1, 3, 3))(x[:, :, :3, :3])[0, 0]
    assert edge[0, 0] == 0 and edge[1].isnan().all() and edge[:, 1].isnan().all()
    if learn:
        top[0, 0, :2, :2].sum().backward()
        assert x.grad.sum() == 4
