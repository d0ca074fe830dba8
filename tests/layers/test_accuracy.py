"""Accuracy and SegAccuracy: the reference's numbers, ties, ignored and missing classes, refusals."""

import pytest
import torch
from golden_oracle import run_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.support import goldens, make_layer

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.accuracy import confusion_matrix, segmentation_scores

NAN = float("nan")


@pytest.mark.parametrize("file", goldens("accuracy*", "segaccuracy*"))
def test_golden(file):
    run_golden(file)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.data())
@settings(deadline=None)
def test_ties_count_against_the_label(scores, data):
    label = data.draw(st.integers(0, len(scores) - 1))
    top_k = data.draw(st.integers(1, len(scores)))
    layer = make_layer(f'type: "Accuracy" accuracy_param {{ top_k: {top_k} }}', (1, len(scores)), (1,))
    [accuracy] = layer(torch.tensor([scores], dtype=torch.float32), torch.tensor([float(label)]))
    assert accuracy == (sum(score >= scores[label] for score in scores) <= top_k)


@pytest.mark.parametrize(("scores", "right"), [([NAN, 0.0], 0), ([1.0, NAN], 1), ([NAN, NAN], 0)])
@pytest.mark.parametrize("top_k", [1, 2])
def test_a_true_class_that_scores_nan_is_wrong(scores, right, top_k):
    layer = make_layer(f'type: "Accuracy" accuracy_param {{ top_k: {top_k} }}', (1, 2), (1,))
    [accuracy] = layer(torch.tensor([scores]), torch.zeros(1))
    assert accuracy == right


def test_accuracy_of_each_class():
    layer = make_layer('type: "Accuracy" top: "a" top: "c" accuracy_param { ignore_label: 3 }', (1, 4, 5), (1, 5))
    scores = torch.eye(4)[[0, 1, 0, 2, 2]].T.unsqueeze(0)
    accuracy, classes = layer(scores, torch.tensor([[0.0, 0, 0, 2, 3]]))
    assert accuracy == 0.75
    torch.testing.assert_close(classes, torch.tensor([2 / 3, 0, 1, 0]))


def test_segmentation_scores():
    """4 classes of equal scores: the last wins; labels 3 and 0 (spec/layers.md 13.9)."""
    layer = make_layer('type: "SegAccuracy"', (1, 4, 1, 2), (1, 1, 1, 2))
    top = layer(torch.zeros(1, 4, 1, 2), torch.tensor([[[[3.0, 0]]]]))
    assert top.tolist() == [[[[0.5, 0.5, 0.625]]]]


@given(st.integers(2, 5), st.data())
@settings(deadline=None)
def test_segmentation_scores_are_their_definition(classes, data):
    indices = st.lists(st.integers(0, classes - 1), min_size=6, max_size=6)
    truth, predicted = data.draw(indices), data.draw(indices)
    hits = [sum(t == p == c for t, p in zip(truth, predicted, strict=True)) for c in range(classes)]
    recalls = [hits[c] / truth.count(c) for c in range(classes) if c in truth]
    unions = [truth.count(c) + predicted.count(c) - hits[c] for c in range(classes)]
    ious = [hit / union if union else 1.0 for hit, union in zip(hits, unions, strict=True)]
    matrix = confusion_matrix(torch.tensor(truth), torch.tensor(predicted), torch.ones(len(truth)), classes)
    expected = [sum(hits) / 6, sum(recalls) / len(recalls), sum(ious) / classes]
    assert segmentation_scores(matrix).tolist() == pytest.approx(expected)


def test_segmentation_scores_of_nothing():
    layer = make_layer('type: "SegAccuracy" seg_accuracy_param { ignore_label: 255 ignore_label: 1 }', (1, 2, 1, 2), (1, 1, 1, 2))
    top = layer(torch.zeros(1, 2, 1, 2), torch.tensor([[[[255.0, 1]]]]))
    assert top.flatten().tolist() == [0, 0, 1]


@pytest.mark.parametrize(("reset", "second"), [("true", 0.0), ("false", 0.5)])
def test_counts_add_up_unless_reset(reset, second):
    layer = make_layer(f'type: "SegAccuracy" seg_accuracy_param {{ reset: {reset} }}', (1, 2, 1, 1), (1, 1, 1, 1))
    scores = torch.tensor([[[[0.0]], [[1.0]]]])
    assert layer(scores, torch.ones(1, 1, 1, 1)).flatten()[0] == 1
    assert layer(scores, torch.zeros(1, 1, 1, 1)).flatten()[0] == second
    assert layer.half().state_dict() == {}, "the counts are no part of a model"
    assert layer(scores.half(), torch.zeros(1, 1, 1, 1).half()).dtype == torch.float16


@pytest.mark.parametrize("text", ['type: "Accuracy"', 'type: "SegAccuracy"'])
def test_no_gradient(text):
    layer = make_layer(text, (1, 2, 1, 1), (1, 1, 1, 1))
    top = layer(torch.zeros(1, 2, 1, 1, requires_grad=True), torch.zeros(1, 1, 1, 1))
    assert not (top[0] if isinstance(top, list) else top).requires_grad


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "Accuracy"', [(2, 3, 4), (2, 3)], "Number of labels must match number of predictions"),
        ('type: "Accuracy" accuracy_param { top_k: 4 }', [(2, 3), (2,)], "top_k 4 must be less than or equal to the number of classes 3."),
        ('type: "Accuracy" accuracy_param { axis: 2 }', [(2, 3), (2,)], "axis 2 is out of range"),
        ('type: "Accuracy" top: "a" top: "b" top: "c"', [(2, 3), (2,)], "takes at most 2 top blob(s)"),
        ('type: "SegAccuracy"', [(2, 3), (2,)], "the scores must have 4 axes"),
        ('type: "SegAccuracy"', [(2, 3, 4, 5), (2, 3, 4, 5)], "the labels must have shape 2 1 4 5 (40), not 2 3 4 5"),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


def test_seg_accuracy_keeps_its_classes():
    layer = make_layer('type: "SegAccuracy"', (1, 2, 1, 1), (1, 1, 1, 1))
    with pytest.raises(CaffeError, match="the number of classes changed from 2 to 3"):
        layer.top_shapes((1, 3, 1, 1), (1, 1, 1, 1))


@pytest.mark.parametrize("text", ['type: "Accuracy"', 'type: "SegAccuracy"'])
@pytest.mark.parametrize("label", [-1.0, 2.0])
def test_refuses_labels_outside_the_classes(text, label):
    layer = make_layer(text, (1, 2, 1, 1), (1, 1, 1, 1))
    with pytest.raises(CaffeError, match=rf"label {label:g} is outside \[0, 2\) and not ignored \(ignored labels: none\)"):
        layer(torch.zeros(1, 2, 1, 1), torch.full((1, 1, 1, 1), label))
