"""The confusion matrix and what the devkit makes of it."""

import json

import numpy as np
import pytest
from voc.support import GOLDEN_VOC

from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation import ConfusionMatrix, read_labels
from segaware_caffe.segmentation.metrics import check_pair, devkit_text
from segaware_caffe.voc.dataset import read_ids


def confusion(truth: list, prediction: list, classes: int = 3) -> ConfusionMatrix:
    matrix = ConfusionMatrix(classes)
    pair = np.array([truth], np.uint8), np.array([prediction], np.uint8)
    check_pair("x", *pair, classes)
    matrix.update(*pair)
    return matrix


def test_the_release_s_own_numbers():
    expected = json.loads((GOLDEN_VOC / "expected.json").read_text())
    matrix = ConfusionMatrix()
    for name in read_ids(GOLDEN_VOC / "val.txt"):
        pair = [read_labels(GOLDEN_VOC / folder / f"{name}.png") for folder in ("labels", "predictions")]
        check_pair(name, *pair)
        matrix.update(*pair)
    scores = matrix.compute()
    assert matrix.counts.tolist() == expected["confusion_rows_true_columns_predicted"]
    np.testing.assert_allclose(scores.iou, expected["iou_percent"], atol=1e-9, rtol=0)
    assert scores.mean_iou == pytest.approx(expected["mean_iou_percent"], abs=1e-9)
    assert scores.pixel_accuracy == pytest.approx(expected["pixel_accuracy_percent"], abs=1e-9)
    assert scores.mean_accuracy == pytest.approx(expected["mean_class_accuracy_percent"], abs=1e-9)


def test_worked_numbers():
    """spec/pipeline.md 10."""
    matrix = confusion([0, 0, 1, 1, 255, 0], [0, 1, 1, 1, 0, 0])
    assert matrix.counts.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    scores = matrix.compute()
    assert scores.iou == pytest.approx((200 / 3, 200 / 3, 0))
    assert scores.mean_iou == pytest.approx(400 / 9)
    assert scores.pixel_accuracy == pytest.approx(80)
    assert scores.accuracy == pytest.approx((200 / 3, 100, 0))
    assert scores.mean_accuracy == pytest.approx(500 / 9)
    assert scores.mean_accuracy_present == pytest.approx(250 / 3)
    assert scores.frequency_weighted_iou == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("truth", "prediction", "iou", "pixel_accuracy"),
    [
        ([255, 255, 255], [0, 1, 2], (0, 0, 0), 0),
        ([0, 0, 0], [0, 0, 0], (100, 0, 0), 100),
        ([0, 0, 0], [2, 0, 0], (200 / 3, 0, 0), 200 / 3),
        ([1, 1, 1], [0, 0, 0], (0, 0, 0), 0),
    ],
    ids=["all void", "absent classes count as 0", "predicted only", "never right"],
)
def test_hand_worked_cases(truth, prediction, iou, pixel_accuracy):
    scores = confusion(truth, prediction).compute()
    assert scores.iou == pytest.approx(iou)
    assert scores.mean_iou == pytest.approx(sum(iou) / 3)
    assert scores.pixel_accuracy == pytest.approx(pixel_accuracy)


def test_counts_of_parts_add_up():
    first, second = confusion([0, 1], [0, 0]), confusion([2, 2], [2, 1])
    first.merge(second)
    assert first.counts.tolist() == confusion([0, 1, 2, 2], [0, 0, 2, 1]).counts.tolist()


@pytest.mark.parametrize(
    ("truth", "prediction", "sentence"),
    [
        ([0, 0], [0, 3], "Results image 'x' has out of range value 3 (the value should be <= 2)"),
        ([255, 0], [255, 0], "Results image 'x' has out of range value 255"),
        ([0, 0], [0, 0, 0], "Results image 'x' is the wrong size, was 1 x 3, should be 1 x 2."),
        ([0, 7], [0, 0], "Label image 'x' has out of range value 7"),
    ],
)
def test_what_cannot_be_judged_is_an_error_in_the_devkits_words(truth, prediction, sentence):
    with pytest.raises(CaffeError) as error:
        confusion(truth, prediction)
    assert sentence in str(error.value)


def test_the_devkits_table():
    text = devkit_text(confusion([0, 0, 1, 1, 255, 0], [0, 1, 1, 1, 0, 0]).compute(), ("background", "aeroplane", "bicycle"))
    assert text.splitlines() == [
        "Percentage of pixels correctly labelled overall: 80.000%",
        "Accuracy for each class (pixel accuracy)",
        "      background: 66.667%",
        "       aeroplane: 100.000%",
        "         bicycle:  0.000%",
        "-------------------------",
        "Mean Class Accuracy: 55.556%",
        "Accuracy for each class (intersection/union measure)",
        "      background: 66.667%",
        "       aeroplane: 66.667%",
        "         bicycle:  0.000%",
        "-------------------------",
        "Average accuracy: 44.444%",
    ]
