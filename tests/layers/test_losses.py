"""Losses without a softmax: the reference's numbers, finite differences, stated gradients, refusals."""

import math

import numpy as np
import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import layer_class

NAN = math.nan


@pytest.mark.parametrize(
    "file",
    goldens(
        "contrastive*",
        "euclidean*",
        "hinge_*",
        "multinomial",
        "sce_*",
        "sigmoidce",
        "net_multiloss",
        "net_fcn_crop",
    ),
)
def test_golden(file):
    run_golden(file)


def whole(*shape, below=3, seed=5):
    """Labels, or flags."""
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed)).double()


def fractions(*shape, seed=6):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("text", "bottoms"),
    [
        (
            'type: "ContrastiveLoss" contrastive_loss_param { margin: 4 legacy_version: true }',
            [numbers(5, 3), numbers(5, 3, seed=1), whole(5, below=2)],
        ),
        ('type: "EuclideanLoss"', [numbers(3, 4), numbers(3, 4, seed=1)]),
        ('type: "EuclideanLoss"', [numbers(2, 3, 2), numbers(2, 6, 1, seed=1)]),
        ('type: "HingeLoss"', [numbers(4, 3), whole(4)]),
        ('type: "HingeLoss" hinge_loss_param { norm: L2 }', [numbers(2, 3, 2, 1), whole(2, 1, 1, 1, below=6)]),
        ('type: "L1Loss"', [numbers(2, 3, 2, 2), numbers(2, 3, 2, 2, seed=1)]),
        ('type: "L1Loss" l1_loss_param { plateau: 0.5 }', [numbers(3, 4)]),
        ('type: "L1Loss" l1_loss_param { l2_per_location: true }', [numbers(2, 3, 2, 2), numbers(2, 3, 2, 2, seed=1)]),
        (
            'type: "L1Loss" l1_loss_param { l2_per_location: true l2_prescale_by_channels: true plateau: 0.5 epsilon: 0.1 }',
            [numbers(2, 3, 5)],
        ),
        ('type: "MultinomialLogisticLoss"', [fractions(4, 3).requires_grad_(), whole(4)]),
        ('type: "MultinomialLogisticLoss"', [fractions(2, 3, 2, 1).requires_grad_(), whole(2, 1, 1, 1, below=6)]),
        ('type: "SigmoidCrossEntropyLoss"', [numbers(3, 4), fractions(3, 4)]),
        ('type: "SigmoidCrossEntropyLoss" loss_param { ignore_label: 1 normalization: VALID }', [numbers(2, 3, 2), whole(2, 6)]),
        ('type: "SmoothL1Loss"', [numbers(2, 3, 2, 2), numbers(2, 3, 2, 2, seed=1)]),
        ('type: "SmoothL1Loss"', [numbers(4, 3), numbers(4, 3, seed=1), whole(4, 3, below=2)]),
        (
            'type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 3 }',
            [numbers(4, 3), numbers(4, 3, seed=1), fractions(4, 3), fractions(4, 3, seed=1)],
        ),
    ],
)
def test_gradients(text, bottoms):
    check_gradients(make_layer(text, *(tuple(b.shape) for b in bottoms)), *bottoms)


def run(text, *bottoms):
    """The loss, and the gradients of the bottoms that want one."""
    loss = make_layer(text, *(tuple(b.shape) for b in bottoms))(*bottoms)
    return loss, torch.autograd.grad(loss, [b for b in bottoms if b.requires_grad])


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_contrastive_gradient_has_an_epsilon_in_the_distance():
    """Dissimilar pairs within the margin: -(margin - d) / (d + 1e-4) * (a - b) / N; nothing for equal ones or outside."""
    first, second = leaf([[0.3, 0.4], [0.0, 0.0], [6.0, 8.0]]), leaf([[0.0, 0.0]] * 3)
    loss, (da, db) = run('type: "ContrastiveLoss"', first, second, torch.zeros(3))
    assert loss.item() == pytest.approx((0.25 + 1 + 0) / 6)
    factor = -0.5 / (0.5 + 1e-4) / 3
    torch.testing.assert_close(da, torch.tensor([[0.3 * factor, 0.4 * factor], [0, 0], [0, 0]], dtype=torch.float64))
    assert torch.equal(db, -da)


@pytest.mark.parametrize("flag", [1.0, -1.0, 7.9])
def test_contrastive_flags_are_cut_to_integers(flag):
    first, second = leaf([[1.0, 2.0]]), leaf([[0.0, 0.0]])
    assert run('type: "ContrastiveLoss"', first, second, torch.tensor([flag]))[0] == 2.5
    assert run('type: "ContrastiveLoss"', first, second, torch.tensor([0.9]))[0] == 0


@pytest.mark.parametrize(("norm", "loss", "dx"), [("L1", 2, [-1, 0, 1]), ("L2", 2.5, [-1, 0, 3])])
def test_hinge_gradient_at_the_margin_is_zero(norm, loss, dx):
    text = f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}'
    value, (gradient,) = run(text, leaf([[0.5, -1, 0.5]]), torch.tensor([0.0]))
    assert (value, gradient.tolist()) == (loss, [dx])


def test_multinomial_gradient_where_the_probability_is_clamped():
    loss, (dx,) = run('type: "MultinomialLogisticLoss"', leaf([[0.0, 1.0], [0.5, 0.5]]), torch.tensor([0.0, 1]))
    assert loss.item() == pytest.approx((46.051702 + math.log(2)) / 2)
    torch.testing.assert_close(dx, torch.tensor([[-5e19, 0], [0, -1]], dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "loss", "dx"),
    [
        ("", 6.5, [-1, 1, 0, -1]),
        ("plateau: 2", 6.0, [0, 0, 0, -1]),
        ("normalize_by_num_entries: true", 6.5 * 2 / 3, [-2 / 3, 2 / 3, 0, -2 / 3]),
    ],
)
def test_l1_gradient_at_zero_is_minus_one_and_nan_is_masked(options, loss, dx):
    """One sample of 2 channels with an equal, a larger, an unknown and a smaller element."""
    first, second = leaf([[[0.0, 0.5], [NAN, -6.0]]]), leaf([[[0.0, 0.0], [0.0, 0.0]]])
    value, (da, db) = run(f'type: "L1Loss" l1_loss_param {{ {options} }}', first, second)
    torch.testing.assert_close(value, torch.tensor(loss, dtype=torch.float64))
    torch.testing.assert_close(da.flatten(), torch.tensor(dx, dtype=torch.float64))
    assert torch.equal(db, -da)


def test_l1_of_unknown_values_only_is_zero():
    value, (dx,) = run('type: "L1Loss" l1_loss_param { normalize_by_num_entries: true }', leaf([[NAN, NAN]]))
    assert (value, dx.tolist()) == (0, [[0, 0]])


def test_l2_per_location_keeps_epsilon_where_it_is_masked():
    """Locations: a difference of length 5, one below the plateau, one unknown in a channel."""
    bottom = leaf([[[3.0, 0.1, NAN], [4.0, 0.1, 2.0]]])
    value, (dx,) = run('type: "L1Loss" l1_loss_param { l2_per_location: true plateau: 1 epsilon: 0.01 }', bottom)
    assert value.item() == pytest.approx(math.sqrt(25.01) + 0.1 + math.sqrt(4.01))
    expected = [[3 / math.sqrt(25.01), 0, 0], [4 / math.sqrt(25.01), 0, 2 / math.sqrt(4.01)]]
    torch.testing.assert_close(dx[0], torch.tensor(expected, dtype=torch.float64))


def test_l1_leaves_its_bottom_alone():
    bottom = torch.tensor([[NAN, 1.0]])
    make_layer('type: "L1Loss"', (1, 2))(bottom)
    assert bottom.isnan().tolist() == [[True, False]]


def test_smooth_l1_gradient_lacks_the_weight():
    """One sample, 2 channels of 2 positions: d = w * (a - b) = 0.25, 2, -1.5, 0."""
    first, second = leaf([[[[0.5, 1.0]], [[-3.0, 4.0]]]]), leaf([[[[0.0, 0.0]], [[0.0, 0.0]]]])
    weights = torch.tensor([[[[0.5, 2.0]], [[0.5, 0.0]]]], dtype=torch.float64)
    value, (da, db) = run('type: "SmoothL1Loss"', first, second, weights)
    assert value.item() == pytest.approx((0.25**2 / 2 + 1.5 + 1) / 2)
    assert da.flatten().tolist() == [0.125, 0.5, -0.5, 0]
    assert torch.equal(db, -da)


def test_smooth_l1_of_fast_rcnn():
    """outside * f(inside * (a - b)) / N, quadratic where |d| < 1 / sigma^2, with both weights in the gradient."""
    first, second = leaf([[0.2, 4.0], [0.0, 1.0]]), leaf([[0.0, 0.0], [0.0, 0.0]])
    inside, outside = torch.tensor([[0.5, 1.0], [1.0, 0.0]]).double(), torch.tensor([[3.0, 0.25], [1.0, 1.0]]).double()
    value, (da, _) = run('type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 2 }', first, second, inside, outside)
    assert value.item() == pytest.approx((3 * 0.5 * (2 * 0.1) ** 2 + 0.25 * (4 - 0.125)) / 2)
    torch.testing.assert_close(da, torch.tensor([[3 * 0.5 * 4 * 0.1 / 2, 0.125], [0, 0]], dtype=torch.float64))


def test_sigmoid_cross_entropy_of_large_scores():
    value, (dx,) = run('type: "SigmoidCrossEntropyLoss"', leaf([[1000.0, -1000.0]]), torch.tensor([[1.0, 1.0]]).double())
    assert (value, dx.tolist()) == (1000, [[0, -1]])


@pytest.mark.parametrize(
    ("type_name", "weight", "unforced"),
    [
        ("ContrastiveLoss", 1, (2,)),
        ("EuclideanLoss", 1, ()),
        ("HingeLoss", 1, (1,)),
        ("InfogainLoss", 1, (1,)),
        ("L1Loss", 1, ()),
        ("MultinomialLogisticLoss", 1, (1,)),
        ("SigmoidCrossEntropyLoss", 1, (1,)),
        ("SmoothL1Loss", 0, ()),
        ("SoftmaxWithLoss", 1, (1,)),
    ],
)
def test_what_the_net_asks_of_a_loss(type_name, weight, unforced):
    """Its default weight, whether its top may be left out, and the bottoms that force_backward skips (spec/pipeline.md 2.6)."""
    cls = layer_class(type_name)
    assert (cls.default_loss_weight, cls.auto_tops, cls.no_forced_gradient) == (weight, True, unforced)


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "ContrastiveLoss"', [(2, 3), (2, 4), (2,)], "must have one shape, not 2 3 (6) and 2 4 (8)"),
        ('type: "ContrastiveLoss"', [(2, 3, 2, 1), (2, 3, 2, 1), (2,)], "must have height and width 1"),
        ('type: "ContrastiveLoss"', [(2, 3), (2, 3), (3,)], "one value for each of the 2 pairs"),
        ('type: "EuclideanLoss"', [(2, 3), (3, 2)], "The data and label should have the same first dimension."),
        ('type: "EuclideanLoss"', [(2, 3), (2, 4)], "Inputs must have the same dimension: 2 3 (6) and 2 4 (8)"),
        ('type: "HingeLoss"', [(2, 3), (2, 2)], "one label for each of the 2 samples is needed"),
        ('type: "HingeLoss" hinge_loss_param { norm: L3 }', [(2, 3), (2,)], "L3"),
        ('type: "L1Loss"', [(2, 3), (2, 4)], "must have one shape"),
        ('type: "L1Loss"', [(2, 3)] * 3, "takes at most 2 bottom blob(s)"),
        ('type: "MultinomialLogisticLoss"', [(2, 3), (2, 3)], "one label for each of the 2 samples is needed"),
        ('type: "SigmoidCrossEntropyLoss"', [(2, 3), (2, 4)], "SIGMOID_CROSS_ENTROPY_LOSS layer inputs must have the same count"),
        ('type: "SmoothL1Loss"', [(2, 3), (2, 4)], "must have one shape"),
        ('type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 0 }', [(2, 3), (2, 3)], "sigma must be positive, not 0"),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("type_name", ["HingeLoss", "MultinomialLogisticLoss"])
@pytest.mark.parametrize("label", [-1.0, 3.0])
def test_refuses_labels_outside_the_classes(type_name, label):
    layer = make_layer(f'type: "{type_name}"', (2, 3), (2,))
    with pytest.raises(CaffeError, match=rf"label {label:g} is outside \[0, 3\)"):
        layer(torch.zeros(2, 3), torch.tensor([0, label]))


@pytest.mark.parametrize(
    ("fields", "divisor"),
    [
        ("", 2 * 5),
        ("normalization: FULL", 2 * 5),
        ("normalization: BATCH_SIZE", 2),
        ("normalization: NONE", 1),
        ("normalization: PRE_FIXED pre_fixed_normalizer: 128", 128),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_smooth_l1_loss_of_each_sample(fields, divisor, weighted):
    """R-FCN's: the sum over channels, and the whole sum over the divisor; the gradient lacks the weights."""
    shape = (2, 3, 5)
    layer = make_layer(f'type: "SmoothL1LossOHEM" top: "loss" top: "each" loss_param {{ {fields} }}', *[shape] * (2 + weighted))
    a, b, w = (2 * numbers(*shape, seed=seed) for seed in range(3))
    loss, each = layer(a, b, *[w] * weighted)
    d = ((a - b) * w if weighted else a - b).detach().numpy()
    expected = np.where(np.abs(d) < 1, d * d / 2, np.abs(d) - 0.5).sum(1, keepdims=True)
    np.testing.assert_allclose(each, expected)
    np.testing.assert_allclose(loss.item(), expected.sum() / divisor)
    slope = np.clip(d, -1, 1) / divisor
    for gradient, sign in zip(torch.autograd.grad(loss, (a, b)), (1, -1), strict=True):
        np.testing.assert_allclose(gradient, sign * slope)
