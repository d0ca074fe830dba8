"""Trimaps and the boundary F-score."""

import json
import math

import numpy as np
import pytest
from scipy import ndimage
from voc.support import GOLDEN_VOC, labels_of

from segaware_caffe.segmentation import ConfusionMatrix, read_labels
from segaware_caffe.segmentation.boundaries import BoundaryF, Trimap
from segaware_caffe.voc.dataset import read_ids


def test_trimaps_give_the_release_s_own_numbers():
    trimap = Trimap()
    for name in read_ids(GOLDEN_VOC / "val.txt"):
        trimap.update(*(read_labels(GOLDEN_VOC / folder / f"{name}.png") for folder in ("labels", "predictions")))
    for width, expected in json.loads((GOLDEN_VOC / "expected.json").read_text())["trimap"].items():
        scores = trimap.within(int(width)).compute()
        assert scores.mean_iou == pytest.approx(expected["mean_iou_percent"], abs=1e-9)
        assert scores.pixel_accuracy == pytest.approx(expected["pixel_accuracy_percent"], abs=1e-9)
        assert scores.mean_accuracy_present == pytest.approx(expected["mean_class_accuracy_percent"], abs=1e-9)


@pytest.mark.parametrize("width", [1, 2, 7, 40])
def test_a_band_is_void_dilated_by_a_square(width):
    truth, prediction = labels_of(1, 50, 61), labels_of(2, 50, 61) % 21
    band = ndimage.binary_dilation(truth == 255, np.ones((2 * width + 1,) * 2)) & (truth != 255)
    expected = ConfusionMatrix()
    expected.update(np.where(band, truth, 255).astype(np.uint8), prediction)
    trimap = Trimap()
    trimap.update(truth, prediction)
    assert np.array_equal(trimap.within(width).counts, expected.counts) and expected.counts.any()


def test_no_void_no_band():
    trimap = Trimap()
    trimap.update(np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8))
    assert not trimap.counts.any()


def square(top: int, left: int, label: int = 1) -> np.ndarray:
    """A square of 20 by 20 pixels on background, 100 by 100: 0.75 % of the diagonal are 1.06 pixels."""
    labels = np.zeros((100, 100), np.uint8)
    labels[top : top + 20, left : left + 20] = label
    return labels


def f_scores(truth: np.ndarray, prediction: np.ndarray, tolerance: float = 0.0075) -> tuple[list[float | None], float]:
    score = BoundaryF(3, tolerance)
    score.update(truth, prediction)
    return score.compute()


@pytest.mark.parametrize(
    ("prediction", "one"),
    [(square(30, 30), 100.0), (square(31, 30), 100.0), (square(30, 60), 0.0), (np.zeros((100, 100), np.uint8), 0.0)],
    ids=["equal", "off by one pixel", "elsewhere", "nothing"],
)
def test_boundary_f_of_a_square(prediction, one):
    by_class, mean = f_scores(square(30, 30), prediction)
    assert by_class[1] == pytest.approx(one)
    assert by_class[2] is None
    assert mean == pytest.approx((by_class[0] + by_class[1]) / 2)


def test_boundary_f_worked_by_hand():
    """Off by three rows: 18 pixels of each side, and two of the row across, have one within a pixel: 38 of 76."""
    by_class, _ = f_scores(square(30, 30), square(33, 30))
    assert by_class[1] == pytest.approx(50)


def test_boundary_f_by_brute_force():
    truth, prediction = (np.kron(np.random.default_rng(seed).integers(0, 3, (8, 11)), np.ones((5, 4))).astype(np.uint8) for seed in (1, 2))
    truth[20:23] = 255
    reach = 0.05 * math.hypot(40, 44)

    def outline(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1, mode="edge")
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        return np.argwhere(mask & ~inner)

    by_class, _ = f_scores(truth, prediction, 0.05)
    for label in range(3):
        one, other = outline(truth == label), outline(prediction == label)
        distances = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1))
        precision, recall = (distances.min(0) <= reach).mean(), (distances.min(1) <= reach).mean()
        assert by_class[label] == pytest.approx(100 * 2 * precision * recall / (precision + recall))


def test_an_image_of_one_class_has_no_boundary_and_agrees():
    assert f_scores(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8)) == ([100.0, None, None], 100.0)
