"""Elementwise layers: the reference's numbers, finite differences, values and gradients at kinks, refusals."""

import math

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    "file",
    goldens(
        "absval",
        "bnll",
        "clip*",
        "dropout_*",
        "elu*",
        "exp_*",
        "log_*",
        "power_*",
        "prelu*",
        "relu*",
        "sigmoid",
        "sigmoid_wide",
        "swish*",
        "tanh*",
        "threshold",
    ),
)
def test_golden(file):
    run_golden(file)


@pytest.mark.parametrize(
    "text",
    [
        'type: "AbsVal"',
        'type: "BNLL"',
        'type: "Clip" clip_param { min: -0.5 max: 0.75 }',
        'type: "Dropout"',
        'type: "ELU" elu_param { alpha: 0.3 }',
        'type: "Exp" exp_param { base: 3 scale: 0.5 shift: -1 }',
        'type: "Exp" exp_param { shift: 0.5 }',
        'type: "Power" power_param { power: 2 scale: 3 shift: -1 }',
        'type: "Power" power_param { scale: 0.5 shift: 2 }',
        'type: "PReLU"',
        'type: "PReLU" prelu_param { channel_shared: true }',
        'type: "ReLU"',
        'type: "ReLU" relu_param { negative_slope: 0.1 }',
        'type: "Sigmoid"',
        'type: "Swish" swish_param { beta: 1.5 }',
        'type: "TanH"',
    ],
)
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 2, 5)], ids=["2d", "5d"])
def test_gradients(text, shape):
    check_gradients(make_layer(text, shape), numbers(*shape))


@pytest.mark.parametrize(
    "text",
    [
        'type: "Log"',
        'type: "Log" log_param { base: 10 scale: 2 shift: 0.5 }',
        'type: "Power" power_param { power: -1 }',
        'type: "Power" power_param { power: 1.5 scale: 2 shift: 0.25 }',
    ],
)
def test_gradients_where_the_base_is_positive(text):
    positive = (numbers(2, 3, 5).detach().abs() + 0.1).requires_grad_()
    check_gradients(make_layer(text, (2, 3, 5)), positive)


@pytest.mark.parametrize(
    ("text", "x", "y", "dx"),
    [
        ('type: "AbsVal"', [0.0, -2, INF, -INF], [0.0, 2, INF, INF], [0.0, -1, 1, -1]),
        ('type: "BNLL"', [-200.0, 0, 200], [0, math.log(2), 200], [0, 0.5, 1]),
        ('type: "Clip" clip_param { min: -1 max: 2 }', [-1.0, 2, -1.5, 2.5], [-1, 2, -1, 2], [1, 1, 0, 0]),
        ('type: "Clip" clip_param { min: 1 max: -1 }', [-2.0, 0, 2], [1, 1, 1], [0, 0, 0]),
        ('type: "ELU" elu_param { alpha: 0.7 }', [0.0, -INF, INF], [0, -0.7, INF], [0.7, 0, 1]),
        ('type: "Exp" exp_param { base: 4 scale: 0.5 shift: 1 }', [0.0, 1], [4, 8], [4 * math.log(2), 8 * math.log(2)]),
        ('type: "Log" log_param { base: 2 }', [0.0, 8], [-INF, 3], [INF, 1 / (8 * math.log(2))]),
        # the quotient power * y / x at 0, and no gradient at all where the top is constant
        ('type: "Power" power_param { power: 3 }', [0.0, 2], [0, 8], [NAN, 12]),
        ('type: "Power" power_param { power: -1 }', [0.0, 2], [INF, 0.5], [-INF, -0.25]),
        ('type: "Power" power_param { power: 2 }', [0.0, -3], [0, 9], [0, -6]),
        ('type: "Power" power_param { power: 0.5 }', [-4.0, 4], [NAN, 2], [NAN, 0.25]),
        ('type: "PReLU"', [[0.0, -4, 8]], [[0, -1, 8]], [[0.25, 0.25, 1]]),
        ('type: "ReLU"', [0.0, -3, INF, -INF, NAN], [0, 0, INF, NAN, NAN], [0, 0, 1, 0, 0]),
        ('type: "ReLU" relu_param { negative_slope: 0.5 }', [0.0, -3, -INF], [0, -1.5, -INF], [0.5, 0.5, 0.5]),
        ('type: "Sigmoid"', [-1000.0, 0, 1000], [0, 0.5, 1], [0, 0.25, 0]),
    ],
)
def test_value_and_gradient_at_special_points(text, x, y, dx):
    bottom = torch.tensor(x, requires_grad=True)
    top = make_layer(text, tuple(bottom.shape))(bottom)
    (gradient,) = torch.autograd.grad(top.sum(), bottom)
    torch.testing.assert_close(top.detach(), torch.tensor(y, dtype=torch.float32), equal_nan=True)
    torch.testing.assert_close(gradient, torch.tensor(dx, dtype=torch.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("text", "y"),
    [
        ('type: "Power" power_param { power: 0 scale: 3 shift: 2 }', 1.0),
        ('type: "Power" power_param { power: 2 scale: 0 shift: 3 }', 9.0),
        ('type: "Power" power_param { power: -1 scale: 0 shift: 0 }', INF),
        ('type: "Power" power_param { power: 0.5 scale: 0 shift: -1 }', NAN),
        ('type: "Threshold" threshold_param { threshold: 0.5 }', 1.0),
    ],
)
def test_a_constant_top_has_no_gradient(text, y):
    top = make_layer(text, (2,))(torch.tensor([0.75, INF], requires_grad=True))
    torch.testing.assert_close(top, torch.tensor([y, y]), equal_nan=True)
    assert not top.requires_grad


def test_threshold_is_strict():
    layer = make_layer('type: "Threshold" threshold_param { threshold: 0.5 }', (3,))
    assert layer(torch.tensor([0.25, 0.5, 0.75])).tolist() == [0, 0, 1]


@pytest.mark.parametrize(("shift", "y"), [(0, 2.718282), (1, 7.389056), (2, 20.085537)])
def test_exp_of_base_e_shifts_the_exponent(shift, y):
    """Upstream's rule; the release multiplies by (-1) ^ shift instead."""
    layer = make_layer(f'type: "Exp" exp_param {{ shift: {shift} }}', (1,))
    torch.testing.assert_close(layer(torch.ones(1)), torch.tensor([y]))


def test_dropout_in_training():
    layer = make_layer('type: "Dropout" dropout_param { dropout_ratio: 0.25 }', (100, 100), train=True)
    bottom = torch.ones(100, 100, requires_grad=True)
    torch.manual_seed(1)
    top = layer(bottom)
    assert top.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (top == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    (gradient,) = torch.autograd.grad(top.sum(), bottom)
    assert torch.equal(gradient, top), "the backward pass uses the mask of the forward pass"
    assert not torch.equal(layer(bottom), top), "every forward draws its own mask"


def test_dropout_that_scales_in_test():
    """Fast R-CNN's scale_train: false."""
    text = 'type: "Dropout" dropout_param { dropout_ratio: 0.25 scale_train: false }'
    bottom = torch.full((100, 100), 2.0, requires_grad=True)
    top = make_layer(text, (100, 100), train=True)(bottom)
    assert top.unique().tolist() == [0, 2]
    assert (top == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(torch.autograd.grad(top.sum(), bottom)[0], top.detach() / 2)
    assert make_layer(text, (100, 100))(bottom).unique().tolist() == [1.5]


def test_dropout_that_samples_in_test():
    """Bayesian SegNet's sample_weights_test: true."""
    layer = make_layer('type: "Dropout" dropout_param { sample_weights_test: true }', (100, 100))
    bottom = torch.ones(100, 100)
    assert layer(bottom).unique().tolist() == [0, 2]
    assert not torch.equal(layer(bottom), layer(bottom))


def test_dropout_of_channels():
    """Intel Caffe's SpatialDropout: a channel of a sample is dropped whole, or not at all."""
    text = 'type: "SpatialDropout" spatial_dropout_param { dropout_ratio: 0.25 }'
    bottom = torch.ones(50, 40, 3, 2)
    top = make_layer(text, bottom.shape, train=True)(bottom)
    assert torch.equal(top, top[:, :, :1, :1].expand_as(top))
    assert top.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (top == 0).float().mean() == pytest.approx(0.25, abs=0.04)
    assert torch.equal(make_layer(text, bottom.shape)(bottom), bottom)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("scale", ["true", "false"])
def test_dropout_of_nothing_is_a_copy(scale, train):
    layer = make_layer(f'type: "Dropout" dropout_param {{ dropout_ratio: 0 scale_train: {scale} }}', (50, 50), train=train)
    bottom = numbers(50, 50).detach()
    assert torch.equal(layer(bottom), bottom)


def test_prelu_has_one_slope_for_each_channel():
    layer = make_layer('type: "PReLU" prelu_param { filler { value: 0.5 } }', (2, 3, 2))
    with torch.no_grad():
        layer.blobs[0].copy_(torch.tensor([0.0, 1.0, 2.0]))
    top = layer(-torch.ones(2, 3, 2))
    torch.testing.assert_close(top, torch.tensor([0.0, -1.0, -2.0]).view(1, 3, 1).expand(2, 3, 2))


@pytest.mark.parametrize(
    ("text", "shape", "sentence"),
    [
        ('type: "AbsVal" bottom: "x" top: "x"', (2, 3), "does not allow in-place computation"),
        ('type: "Clip" clip_param { min: 0 max: 1 } bottom: "a" bottom: "b"', (2, 3), "takes 1 bottom blob(s) as input, but 2 are given"),
        ('type: "Clip"', (2, 3), "clip_param needs min"),
        ('type: "Dropout" dropout_param { dropout_ratio: -0.1 }', (2, 3), "dropout_ratio must be at least 0 and less than 1, not -0.1"),
        ('type: "Dropout" dropout_param { dropout_ratio: 1 }', (2, 3), "dropout_ratio must be at least 0 and less than 1, not 1"),
        ('type: "Exp" exp_param { base: 0 }', (2, 3), "base must be strictly positive"),
        ('type: "Exp" exp_param { base: -2 }', (2, 3), "or -1 for e, not -2"),
        ('type: "Log" log_param { base: 0 }', (2, 3), "base must be strictly positive"),
        ('type: "Log" log_param { base: 1 }', (2, 3), "base is 1"),
        ('type: "PReLU"', (4,), "Number of axes of bottom blob must be >=2"),
        ('type: "ReLU" top: "a" top: "b"', (2, 3), "takes 1 top blob(s) as output, but 2 are given"),
    ],
)
def test_refusals(text, shape, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, shape)
    assert sentence in str(caught.value)


def test_prelu_keeps_its_channels():
    layer = make_layer('type: "PReLU"', (2, 3, 4))
    assert layer.top_shapes((5, 3, 1)) == [(5, 3, 1)]
    with pytest.raises(CaffeError, match=r"the slopes 3 \(3\) do not fit a bottom of 2 4 4"):
        layer.top_shapes((2, 4, 4))
