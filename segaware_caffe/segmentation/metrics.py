"""How good a segmentation is: the confusion matrix and what the VOC devkit makes of it (spec/pipeline.md 7.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segaware_caffe.errors import FileError, ShapeError
from segaware_caffe.segmentation.palette import CLASSES

#: label of pixels that nobody judges
VOID = 255


@dataclass(frozen=True)
class Scores:
    """What a confusion matrix says, in percent.

    Attributes:
        iou: of each class, intersection over union; 0 for a class that neither labels nor predictions have.
        accuracy: of each class, the share of its pixels that are found; 0 for a class that the labels lack.
        mean_iou: over all classes, absent ones included: the devkit's and the paper's figure.
        pixel_accuracy: share of all judged pixels that are right.
        mean_accuracy: over all classes, absent ones included, as the devkit prints it.
        mean_accuracy_present: over the classes that the labels have, as the reference's trimap script returns it.
        frequency_weighted_iou: iou weighted with the classes' shares of the labels.
    """

    iou: tuple[float, ...]
    accuracy: tuple[float, ...]
    mean_iou: float
    pixel_accuracy: float
    mean_accuracy: float
    mean_accuracy_present: float
    frequency_weighted_iou: float


class ConfusionMatrix:
    """Counts of pixels by true class (row) and predicted class (column), over any number of images.

    The idiom is that of torchvision's reference scripts: `update` with each image, then `compute`,
    or print it. The counts are integers over the whole set, so no order or grouping of images
    changes a result.

    >>> confusion = ConfusionMatrix(classes=2)
    >>> confusion.update(np.array([[0, 1], [1, VOID]]), np.array([[0, 1], [0, 0]]))
    >>> confusion.counts.tolist(), confusion.compute().mean_iou
    ([[1, 0], [1, 1]], 50.0)
    """

    def __init__(self, classes: int = len(CLASSES)):
        self.counts = np.zeros((classes, classes), np.int64)

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count the pixels of an image that are not void, two (H, W) arrays of labels that passed `check_pair`."""
        judged = truth != VOID
        classes = len(self.counts)
        pairs = truth[judged].astype(np.intp) * classes + prediction[judged]
        self.counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    def merge(self, other: "ConfusionMatrix") -> None:
        """Add what another one counted."""
        self.counts += other.counts

    def compute(self) -> Scores:
        """The scores; all zeros if nothing was counted."""
        counts = self.counts.astype(np.float64)
        right, true, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
        total = max(counts.sum(), 1)
        iou = 100 * right / np.maximum(true + predicted - right, 1)
        accuracy = 100 * right / np.maximum(true, 1)
        return Scores(
            iou=tuple(iou.tolist()),
            accuracy=tuple(accuracy.tolist()),
            mean_iou=float(iou.mean()),
            pixel_accuracy=float(100 * right.sum() / total),
            mean_accuracy=float(accuracy.mean()),
            mean_accuracy_present=float(accuracy.sum() / max(np.count_nonzero(true), 1)),
            frequency_weighted_iou=float((iou * true).sum() / total),
        )

    def __str__(self) -> str:
        return devkit_text(self.compute())


def check_pair(name: str, truth: np.ndarray, prediction: np.ndarray, classes: int = len(CLASSES)) -> None:
    """Raise CaffeError, in the devkit's words, if the prediction for image `name` cannot be judged by its labels."""
    highest = int(prediction.max(initial=0))
    if highest >= classes:
        raise FileError(f"Results image '{name}' has out of range value {highest} (the value should be <= {classes - 1})")
    if prediction.shape != truth.shape:
        was, should = (" x ".join(map(str, array.shape)) for array in (prediction, truth))
        raise ShapeError(f"Results image '{name}' is the wrong size, was {was}, should be {should}.")
    wrong = truth[(truth >= classes) & (truth != VOID)]
    if len(wrong):
        raise FileError(f"Label image '{name}' has out of range value {wrong[0]} (the value should be <= {classes - 1} or {VOID})")


def devkit_text(scores: Scores, names: Sequence[str] | None = None) -> str:
    """The table that the devkit prints."""
    names = class_names(len(scores.iou)) if names is None else names

    def table(values: Sequence[float]) -> list[str]:
        return [f"  {name:>14}: {value:6.3f}%" for name, value in zip(names, values, strict=True)] + ["-" * 25]

    return "\n".join(
        [
            f"Percentage of pixels correctly labelled overall: {scores.pixel_accuracy:6.3f}%",
            "Accuracy for each class (pixel accuracy)",
            *table(scores.accuracy),
            f"Mean Class Accuracy: {scores.mean_accuracy:6.3f}%",
            "Accuracy for each class (intersection/union measure)",
            *table(scores.iou),
            f"Average accuracy: {scores.mean_iou:6.3f}%",
        ]
    )


def class_names(classes: int) -> tuple[str, ...]:
    """VOC's names for VOC's 21 classes, numbers for any other number of them.

    >>> class_names(21)[:3]
    ('background', 'aeroplane', 'bicycle')
    """
    return CLASSES if classes == len(CLASSES) else tuple(f"class {index}" for index in range(classes))
