"""Softmax, SoftmaxWithLoss and InfogainLoss: the reference's numbers, finite differences, stated gradients, refusals."""

import math

import numpy as np
import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import BlobProto

LOSSES = {
    "SoftmaxWithLoss": 'type: "SoftmaxWithLoss" ',
    "InfogainLoss": 'type: "InfogainLoss" ',
}


@pytest.mark.parametrize("file", goldens("softmax*", "smloss_*", "infogain_*"))
def test_golden(file):
    run_golden(file)


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), 1), ((2, 3, 2, 2), -3), ((4, 2, 3), 0)])
def test_softmax_gradients(shape, axis):
    check_gradients(make_layer(f'type: "Softmax" softmax_param {{ axis: {axis} }}', shape), numbers(*shape))


def test_softmax_of_large_scores():
    assert make_layer('type: "Softmax"', (1, 2))(torch.tensor([[1e30, 0.0]])).tolist() == [[1, 0]]


def labels(*shape, classes=3, seed=7):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(classes, shape, generator=generator).double()


@pytest.mark.parametrize(
    ("options", "scores", "positions"),
    [
        ("", (4, 3), (4,)),
        ("loss_param { ignore_label: 1 normalization: FULL }", (2, 3, 2, 2), (2, 1, 2, 2)),
        ("loss_param { ignore_label: 0 }", (2, 3, 5), (2, 5)),
        ("loss_param { normalization: NONE }", (2, 3, 2), (2, 2)),
    ],
)
def test_loss_gradients(options, scores, positions):
    check_gradients(make_layer(LOSSES["SoftmaxWithLoss"] + options, scores, positions), numbers(*scores), labels(*positions))
    gain = numbers(1, 1, 3, 3, seed=1).detach()
    layer = make_layer(LOSSES["InfogainLoss"] + options, scores, positions, (1, 1, 3, 3))
    check_gradients(layer, numbers(*scores), labels(*positions), gain)


def test_infogain_with_the_unit_matrix_is_softmax_loss():
    scores, targets = numbers(2, 3, 4), labels(2, 4)
    options = "loss_param { ignore_label: 2 }"
    softmax = make_layer(LOSSES["SoftmaxWithLoss"] + options, (2, 3, 4), (2, 4))(scores, targets)
    infogain = make_layer(LOSSES["InfogainLoss"] + options, (2, 3, 4), (2, 4), (3, 3))(scores, targets, torch.eye(3).double())
    torch.testing.assert_close(infogain, softmax)


@pytest.mark.parametrize(("mode", "loss"), [("FULL", 0.75), ("VALID", 1), ("BATCH_SIZE", 1.5), ("NONE", 3)])
def test_normalization(mode, loss):
    """Uniform scores of 2 classes, 2 samples of 2 positions, one of the four labels ignored (spec/layers.md 13.10)."""
    text = f'type: "SoftmaxWithLoss" loss_param {{ ignore_label: 255 normalization: {mode} }}'
    layer = make_layer(text, (2, 2, 2), (2, 2))
    [value] = layer(torch.zeros(2, 2, 2), torch.tensor([[0.0, 255], [1, 1]]))
    torch.testing.assert_close(value, torch.tensor(loss * math.log(2)))
    [nothing] = layer(torch.zeros(2, 2, 2), torch.full((2, 2), 255.0))
    assert nothing == 0


def gradient(layer, scores, *rest):
    [loss] = layer(scores, *rest)
    return loss.item(), torch.autograd.grad(loss, scores)[0]


def test_softmax_loss_is_clamped_but_its_gradient_is_not():
    scores = torch.tensor([[1000.0, 0]], requires_grad=True)
    loss, dx = gradient(make_layer('type: "SoftmaxWithLoss"', (1, 2), (1,)), scores, torch.ones(1))
    assert loss == pytest.approx(87.336545)
    assert dx.tolist() == [[1, -1]]


def test_infogain_loss_is_clamped_but_its_gradient_is_not():
    scores = torch.tensor([[1000.0, 0]], requires_grad=True)
    gain = torch.tensor([[1.0, 0], [0.5, 2]])
    loss, dx = gradient(make_layer('type: "InfogainLoss"', (1, 2), (1,), (2, 2)), scores, torch.ones(1), gain)
    assert loss == pytest.approx(2 * 46.051702)
    assert dx.tolist() == [[2.5 - 0.5, -2]]


@pytest.mark.parametrize("name", LOSSES)
def test_the_second_top_holds_the_probabilities(name):
    bottoms = [numbers(2, 3, 4), labels(2, 4)] + [torch.eye(3).double()] * (name == "InfogainLoss")
    layer = make_layer(LOSSES[name] + 'top: "loss" top: "p"', *(tuple(b.shape) for b in bottoms))
    _, probabilities = layer(*bottoms)
    torch.testing.assert_close(probabilities, bottoms[0].detach().softmax(1))
    assert not probabilities.requires_grad


def test_labels_are_cut_to_integers():
    layer = make_layer('type: "SoftmaxWithLoss" loss_param { ignore_label: 2 }', (4, 2), (4,))
    scores = numbers(4, 2)
    [value] = layer(scores, torch.tensor([-0.9, 0.9, 1.9, 2.9]))
    [expected] = layer(scores, torch.tensor([0.0, 0, 1, 2]))
    assert value == expected


def test_half_precision_sums_in_single():
    layer = make_layer('type: "SoftmaxWithLoss" loss_param { normalization: NONE }', (1, 2, 300, 400), (1, 300, 400))
    [loss] = layer(torch.zeros(1, 2, 300, 400).half(), torch.zeros(1, 300, 400).half())
    assert loss.item() == pytest.approx(300 * 400 * math.log(2), rel=1e-3)


def blob_file(path, *shape):
    values = torch.arange(math.prod(shape)).tolist()
    path.write_bytes(BlobProto(num=shape[0], channels=shape[1], height=shape[2], width=shape[3], data=values).SerializeToString())
    return f'type: "InfogainLoss" infogain_loss_param {{ source: "{path}" }}'


def test_infogain_matrix_from_a_file(tmp_path):
    scores, targets = numbers(4, 3), labels(4)
    [value] = make_layer(blob_file(tmp_path / "h.binaryproto", 1, 1, 3, 3), (4, 3), (4,))(scores, targets)
    matrix = torch.arange(9.0).double().view(3, 3)
    [expected] = make_layer('type: "InfogainLoss"', (4, 3), (4,), (3, 3))(scores, targets, matrix)
    torch.testing.assert_close(value, expected)


def test_infogain_refuses_a_matrix_of_another_size(tmp_path):
    with pytest.raises(CaffeError, match="must have 3 x 3 elements"):
        make_layer(blob_file(tmp_path / "h.binaryproto", 1, 1, 2, 2), (4, 3), (4,))
    with pytest.raises(CaffeError, match="must have 3 x 3 elements"):
        make_layer('type: "InfogainLoss"', (4, 3), (4,), (2, 3))


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "Softmax" softmax_param { axis: 2 }', [(2, 3)], "axis 2 is out of range"),
        ('type: "SoftmaxWithLoss"', [(2, 3), (3,)], "The data and label should have the same first dimension."),
        ('type: "SoftmaxWithLoss"', [(2, 3, 4), (2, 3)], "Number of labels must match number of predictions"),
        ('type: "SoftmaxWithLoss" softmax_param { axis: 3 }', [(2, 3, 4), (2, 4)], "axis 3 is out of range"),
        ('type: "SoftmaxWithLoss"', [(2, 3)], "takes 2 bottom blob(s) as input, but 1 are given"),
        ('type: "SoftmaxWithLoss" top: "a" top: "b" top: "c"', [(2, 3), (2,)], "takes at most 2 top blob(s) as output, but 3 are given"),
        ('type: "InfogainLoss"', [(2, 3), (2,)], "Infogain matrix source must be specified"),
        ('type: "InfogainLoss" infogain_loss_param { source: "/no/such" }', [(2, 3), (2,)], "layer 'l' (InfogainLoss): "),
        ('type: "InfogainLoss" loss_param { normalize: true }', [(2, 3), (2,), (3, 3)], 'normalize is deprecated. use "normalization"'),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("label", [-1.0, 3.0, 255.0, float("nan")])
def test_refuses_labels_outside_the_classes(name, label):
    bottoms = [torch.zeros(2, 3), torch.tensor([0, label])] + [torch.eye(3)] * (name == "InfogainLoss")
    layer = make_layer(LOSSES[name] + "loss_param { ignore_label: 254 }", *(tuple(b.shape) for b in bottoms))
    with pytest.raises(CaffeError, match=rf"label {label:g} is outside \[0, 3\) and not ignored \(ignored labels: 254\)"):
        layer(*bottoms)


# -- weights of classes --------------------------------------------------------------------------

SCORES, LABELS = (2, 3, 2, 4), (2, 1, 2, 4)
WEIGHTS = [0.5, 2.0, 4.0]
WEIGHTED = "loss_param { weight_by_label_freqs: true class_weighting: 0.5 class_weighting: 2 class_weighting: 4 %s }"


def plain_weighted_loss(scores, labels, weights, ignored, divisor):
    """Pixel by pixel: the weighted sum over the divisor, and its gradient by the scores.

    `divisor(weights of the counted pixels)` is what is divided by.
    """
    loss, gradient, counted = 0.0, np.zeros_like(scores), []
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    for n, y, x in np.ndindex(scores.shape[0], *scores.shape[2:]):
        label = int(labels[n, 0, y, x])
        if label in ignored:
            continue
        counted.append(weights[label])
        loss -= weights[label] * np.log(p[n, label, y, x])
        gradient[n, :, y, x] = weights[label] * (p[n, :, y, x] - (np.arange(scores.shape[1]) == label))
    return loss / divisor(counted), gradient / divisor(counted)


def check_weighted(text, weights, ignored, divisor):
    scores, targets = numbers(*SCORES), labels(*LABELS)
    layer = make_layer(LOSSES["SoftmaxWithLoss"] + text, SCORES, LABELS)
    loss = layer(scores, targets)[0]
    (gradient,) = torch.autograd.grad(loss, scores)
    expected = plain_weighted_loss(scores.detach().numpy(), targets.numpy(), weights, ignored, divisor)
    np.testing.assert_allclose(loss.item(), expected[0], rtol=1e-6)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("fields", "ignored", "divisor"),
    [
        ("", (), len),
        ("ignore_label: 1", (1,), len),
        ("normalize: false", (), lambda _: 2),
        ("normalization: FULL ignore_label: 0", (0,), lambda _: 16),
        ("normalization: NONE", (), lambda _: 1),
    ],
)
def test_class_weighting_leaves_the_divisor_alone(fields, ignored, divisor):
    """SegNet, ENet."""
    check_weighted(WEIGHTED % fields, WEIGHTS, ignored, divisor)


def test_class_weighting_alone_does_nothing_and_says_so(caplog):
    check_weighted(WEIGHTED.replace("true", "false") % "", [1, 1, 1], (), len)
    assert "class_weighting has no effect without weight_by_label_freqs: true" in caplog.text


@pytest.mark.parametrize(
    ("fields", "ignored", "divisor"),
    [
        ("", (), sum),
        ("ignore_label: 1", (1,), sum),
        ("ignore_label: 0 ignore_label: 2", (0, 2), sum),
    ],
)
def test_weight_source_makes_a_weighted_average(tmp_path, fields, ignored, divisor):
    """DeepLab v1."""
    file = tmp_path / "weights.txt"
    file.write_text("0.5\n2 4\n")
    check_weighted(f'softmaxloss_param {{ weight_source: "{file}" {fields} }}', WEIGHTS, ignored, divisor)
    check_weighted(
        f'softmaxloss_param {{ weight_source: "{file}" {fields} }} loss_param {{ normalization: NONE }}', WEIGHTS, ignored, lambda _: 1
    )


def test_several_labels_are_ignored_and_nothing_counted_is_a_loss_of_0():
    check_weighted("softmaxloss_param { ignore_label: 0 ignore_label: 255 } loss_param { ignore_label: 2 }", [1, 1, 1], (0, 2, 255), len)
    layer = make_layer(LOSSES["SoftmaxWithLoss"] + "softmaxloss_param { ignore_label: 0 ignore_label: 1 ignore_label: 2 }", SCORES, LABELS)
    assert layer(numbers(*SCORES), labels(*LABELS))[0].item() == 0


def test_pre_fixed_normalization():
    """R-FCN: the divisor is a field."""
    check_weighted("loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 7.5 ignore_label: 1 }", [1, 1, 1], (1,), lambda _: 7.5)
    check_weighted("loss_param { normalization: PRE_FIXED }", [1, 1, 1], (), lambda _: 1)


@pytest.mark.parametrize(
    ("content", "fields", "sentence"),
    [
        ("1 2", "", "Number of class weight values does not match the number of classes: 2 weights, 3 classes"),
        ("1 -2 3", "", "weight_source: Weights cannot be negative"),
        ("1 two 3", "", "must hold one number for each class: could not convert string to float: 'two'"),
        (None, "", "weight_source: Could not open"),
        ("1 2 3", WEIGHTED % "", "weights of classes are given by weight_by_label_freqs OR weight_source, not both"),
    ],
)
def test_refuses_weights_that_do_not_fit(tmp_path, content, fields, sentence):
    file = tmp_path / "weights.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CaffeError) as caught:
        make_layer(LOSSES["SoftmaxWithLoss"] + f'softmaxloss_param {{ weight_source: "{file}" }} {fields}', SCORES, LABELS)
    assert sentence in str(caught.value)


def test_refuses_class_weighting_of_another_length():
    with pytest.raises(CaffeError, match="does not match the number of classes: 3 weights, 4 classes"):
        make_layer(LOSSES["SoftmaxWithLoss"] + WEIGHTED % "", (2, 4, 2, 4), LABELS)


@pytest.mark.parametrize(("scores", "positions", "expected"), [((5, 3), (5,), (5, 1)), (SCORES, LABELS, (2, 1, 2, 4))])
def test_the_loss_of_each_position(scores, positions, expected):
    """R-FCN's third top: what online hard example mining sorts by."""
    text = 'type: "SoftmaxWithLossOHEM" top: "loss" top: "p" top: "each" loss_param { ignore_label: 1 normalization: NONE }'
    layer = make_layer(text, scores, positions)
    x, targets = numbers(*scores), labels(*positions)
    loss, p, each = layer(x, targets)
    assert each.shape == expected and not each.requires_grad
    chosen = p.gather(1, targets.long().view(expected))
    torch.testing.assert_close(each, torch.where(targets.view(expected) == 1, 0, -chosen.log()))
    torch.testing.assert_close(each.sum(), loss)
    plain = make_layer(text.replace("OHEM", "").replace(' top: "each"', ""), scores, positions)
    torch.testing.assert_close(*(torch.autograd.grad(each_layer(x, targets)[0], x)[0] for each_layer in (layer, plain)))
