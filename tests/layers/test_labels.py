"""Bias by labels and lists of labels: the reference's numbers, their definitions, refusals."""

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError


@pytest.mark.parametrize("file", goldens("adaptivebias", "biaschannel_*", "uniquelabel"))
def test_golden(file):
    run_golden(file)


@pytest.mark.parametrize(
    ("options", "labels", "gains"),
    [
        ("", [0, 2, -1, 2], [1, 0, 4]),
        ("bg_bias: 0.5 fg_bias: 3 ignore_label: 2", [0, 2, 1], [0.5, 3, 0]),
        ("background_label: 1 fg_bias: 3", [0, 1, -1], [1, 3, 0]),
    ],
)
def test_image_labels_bias_their_channels(options, labels, gains):
    """Label 0 gains bg_bias whatever background_label says; a repeated label gains repeatedly."""
    shapes = (1, 3, 2, 2), (1, len(labels), 1, 1)
    layer = make_layer(f'type: "BiasChannel" bias_channel_param {{ {options} }}', *shapes)
    scores = numbers(*shapes[0])
    top = layer(scores, torch.tensor(labels).double().view(shapes[1]))
    torch.testing.assert_close(top - scores, torch.tensor(gains).double().view(1, 3, 1, 1).expand(shapes[0]))


@pytest.mark.parametrize(
    ("options", "gains"),
    [
        ("", [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]]),
        ("bg_bias: 1", [[1, 1, 1, 0], [0, 2, 0, 0], [0, 0, 2, 0]]),
        ("background_label: 1 bg_bias: 0.5", [[2, 0, 0, 0], [0.5, 0.5, 0.5, 0], [0, 0, 2, 0]]),
        ("background_label: 0 ignore_label: 1", [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 2, 0]]),
    ],
)
def test_pixel_labels_bias_channels_at_their_pixels(options, gains):
    """Pixels labelled 0, 1, 2, -1; a background takes part if background_label or bg_bias is given."""
    shapes = (1, 3, 1, 4), (1, 1, 1, 4)
    layer = make_layer(f'type: "BiasChannel" bias_channel_param {{ label_type: PIXEL {options} }}', *shapes)
    scores = numbers(*shapes[0])
    top = layer(scores, torch.tensor([[[[0.0, 1, 2, -1]]]]))
    torch.testing.assert_close(top - scores, torch.tensor(gains).double().view(shapes[0]))


def test_bias_gradients():
    layer = make_layer('type: "BiasChannel" bias_channel_param { label_type: PIXEL }', (2, 3, 2, 1), (2, 1, 2, 1))
    check_gradients(layer, numbers(2, 3, 2, 1), torch.tensor([0, 1, 2, -1]).double().view(2, 1, 2, 1))


def adaptive(options, scores, labels):
    scores, labels = torch.tensor(scores), torch.tensor(labels)
    scores, labels = scores.view(1, len(scores), 1, -1), labels.view(1, -1, 1, 1)
    layer = make_layer(f'type: "AdaptiveBiasChannel" adaptive_bias_channel_param {{ {options} }}', tuple(scores.shape), tuple(labels.shape))
    return layer(scores, labels)[0, :, 0]


def test_adaptive_bias_lets_a_class_win_its_portion():
    """Class 1 is behind class 0 by 1, 2, 3, 4; half of 4 pixels: it gains the distance of index 2, which is 3."""
    top = adaptive("fg_portion: 0.5 bg_portion: 0 suppress_others: false", [[1.0, 2, 3, 4], [0.0, 0, 0, 0], [9, 9, 9, 9]], [0.0, 1, -1])
    raised = torch.tensor([[1.0, 2, 3, 4], [3.0, 3, 3, 3], [9, 9, 9, 9]])
    gained = torch.tensor([3.0, 3, 3, 4]).mean() - 2.5
    torch.testing.assert_close(top, raised - gained)


def test_adaptive_bias_counts_pixels_in_single_precision():
    """0.7 of 10 pixels are 7 there; class 1 gains the distance of index 7 of 0 ... 9."""
    top = adaptive("fg_portion: 0.7 bg_portion: 0", [list(map(float, range(10))), [0.0] * 10], [0.0, 1])
    assert (top[1] - top[0] + torch.arange(10)).tolist() == pytest.approx([7.0] * 10)


def test_adaptive_bias_suppresses_absent_classes():
    top = adaptive("fg_portion: 0 bg_portion: 0 margin_others: 0.5", [[1.0, 5], [3.0, 4], [2.0, 0.5]], [0.0, 1])
    torch.testing.assert_close(top, torch.tensor([[1.0, 5], [3.0, 4], [0.5, 0.5]]))


def test_adaptive_bias_without_labels_changes_nothing():
    assert torch.equal(adaptive("", [[1.0, 5], [3.0, 4]], [-1.0]), torch.tensor([[1.0, 5], [3.0, 4]]))


def test_adaptive_bias_draws_the_order_of_foreground_classes():
    """Every order raises both classes; which comes first makes a difference."""
    scores = numbers(4, 30).detach().tolist()
    found = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found.add(tuple(adaptive("fg_portion: 0.5", scores, [1.0, 2, 3]).sum(1).tolist()))
    assert 1 < len(found) <= 6


def test_adaptive_bias_has_no_gradient():
    layer = make_layer('type: "AdaptiveBiasChannel"', (1, 2, 1, 3), (1, 1, 1, 1))
    assert not layer(numbers(1, 2, 1, 3), torch.zeros(1, 1, 1, 1)).requires_grad


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ("", [[0, 3, 7, -1], [1, 255, -1, -1]]),
        ("ignore_label: 255 ignore_label: 0", [[3, 7, -1, -1], [1, -1, -1, -1]]),
        ("ignore_label: 0 force_label: 0 force_label: 2.5", [[0, 2.5, 3, 7], [0, 1, 2.5, 255]]),
    ],
)
def test_unique_labels(options, rows):
    layer = make_layer(f'type: "UniqueLabel" unique_label_param {{ max_labels: 4 {options} }}', (2, 1, 2, 2))
    top = layer(torch.tensor([[7.0, 0, 3, 3], [255, 1, 1, 1]]).view(2, 1, 2, 2))
    assert top.shape == (2, 4, 1, 1)
    assert top.flatten(1).tolist() == rows


ADAPTIVE = 'type: "AdaptiveBiasChannel" adaptive_bias_channel_param '


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        (ADAPTIVE + "{ num_iter: 0 }", [(1, 2, 3, 3), (1, 1, 1, 1)], "num_iter must be positive, not 0"),
        (ADAPTIVE + "{ fg_portion: 1 }", [(1, 2, 3, 3), (1, 1, 1, 1)], "fg_portion must be in [0, 1), not 1"),
        (ADAPTIVE + "{ bg_portion: -1 }", [(1, 2, 3, 3), (1, 1, 1, 1)], "bg_portion must be in [0, 1)"),
        (ADAPTIVE + "{ margin_others: -1 }", [(1, 2, 3, 3), (1, 1, 1, 1)], "margin_others must not be"),
        ('type: "AdaptiveBiasChannel"', [(1, 1, 3, 3), (1, 1, 1, 1)], "4 axes and several channels"),
        ('type: "AdaptiveBiasChannel"', [(1, 2, 3, 3), (1, 1, 3, 3)], "image labels must have shape (1, L, 1, 1), not 1 1 3 3"),
        ('type: "BiasChannel" bias_channel_param { bg_bias: -1 }', [(1, 2, 3, 3), (1, 1, 1, 1)], "bg_bias must not be negative, not -1"),
        (
            'type: "BiasChannel" bias_channel_param { label_type: PIXEL }',
            [(1, 2, 3, 3), (1, 1, 1, 1)],
            "PIXEL labels must have shape 1 1 3 3",
        ),
        (
            'type: "BiasChannel" bias_channel_param { label_type: PIXEL background_label: 2 }',
            [(1, 2, 3, 3), (1, 1, 3, 3)],
            "background_label 2 is outside [0, 2)",
        ),
        ('type: "BiasChannel"', [(1, 2), (1, 1)], "the scores must have 4 axes"),
        (
            'type: "UniqueLabel" unique_label_param { max_labels: 1 force_label: 3 force_label: 3 }',
            [(1, 1, 2, 2)],
            "max_labels 1 must exceed the 1 labels in force_label",
        ),
        ('type: "UniqueLabel" unique_label_param { max_labels: 3 }', [(1, 2, 2, 2)], "the labels must have shape (N, 1, H, W)"),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("type_name", ["AdaptiveBiasChannel", "BiasChannel"])
@pytest.mark.parametrize("label", [-2.0, 2.0])
def test_refuses_labels_outside_the_channels(type_name, label):
    layer = make_layer(f'type: "{type_name}"', (1, 2, 1, 1), (1, 1, 1, 1))
    with pytest.raises(CaffeError, match=rf"label {label:g} is outside \[0, 2\)"):
        layer(torch.zeros(1, 2, 1, 1), torch.full((1, 1, 1, 1), label))


def test_refuses_more_labels_than_places():
    layer = make_layer('type: "UniqueLabel" unique_label_param { max_labels: 2 }', (1, 1, 1, 3))
    with pytest.raises(CaffeError, match="an image has 3 labels, more than max_labels 2"):
        layer(torch.tensor([[[[1.0, 2, 3]]]]))
