"""Judging a folder of label images by the true ones: all figures, as text and as JSON (spec/pipeline.md 7.4)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.segmentation.boundaries import BANDS, BoundaryF, Trimap
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import ConfusionMatrix, Scores, check_pair, class_names, devkit_text
from segaware_caffe.segmentation.palette import CLASSES
from segaware_caffe.segmentation.workers import THREADS, Track, ahead, untracked

#: names written out in a message before "and 7 more"
SHOWN = 10


@dataclass
class Evaluation:
    """What predictions are worth.

    Attributes:
        confusion, trimap, boundary: the three measures.
        images: number of predictions judged.
        missing: names without a readable prediction; they are left out, as the devkit does.
        by_image: of each image (3, classes) pixels: of the labels, of the prediction, and right ones.
    """

    classes: int = len(CLASSES)
    images: int = 0
    missing: list[str] = field(default_factory=list)
    confusion: ConfusionMatrix = field(init=False)
    trimap: Trimap = field(init=False)
    boundary: BoundaryF = field(init=False)
    by_image: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.confusion = ConfusionMatrix(self.classes)
        self.trimap = Trimap(self.classes)
        self.boundary = BoundaryF(self.classes)

    @property
    def scores(self) -> Scores:
        """The devkit's figures."""
        return self.confusion.compute()

    def merge(self, other: "Evaluation") -> None:
        """Add the images that another one judged."""
        self.images += other.images
        self.missing += other.missing
        self.confusion.merge(other.confusion)
        self.trimap.merge(other.trimap)
        self.boundary.merge(other.boundary)
        self.by_image |= other.by_image

    def as_json(self) -> dict[str, Any]:
        """All figures, in percent, ready for `json.dump`."""
        scores = self.scores
        by_class, mean = self.boundary.compute()
        bands = {width: self.trimap.within(width).compute() for width in range(1, BANDS + 1)}
        return {
            "images": self.images,
            "missing": self.missing,
            "mean_iou_percent": scores.mean_iou,
            "pixel_accuracy_percent": scores.pixel_accuracy,
            "mean_class_accuracy_percent": scores.mean_accuracy,
            "mean_class_accuracy_of_present_classes_percent": scores.mean_accuracy_present,
            "frequency_weighted_iou_percent": scores.frequency_weighted_iou,
            "boundary_f_percent": mean,
            "classes": list(class_names(self.classes)),
            "iou_percent": list(scores.iou),
            "accuracy_percent": list(scores.accuracy),
            "boundary_f_by_class_percent": by_class,
            "trimap": {
                str(width): {
                    "mean_iou_percent": band.mean_iou,
                    "pixel_accuracy_percent": band.pixel_accuracy,
                    "mean_class_accuracy_percent": band.mean_accuracy_present,
                }
                for width, band in bands.items()
            },
            "confusion_rows_true_columns_predicted": self.confusion.counts.tolist(),
        }

    def __str__(self) -> str:
        scores = self.scores
        lines = [devkit_text(scores)]
        if self.missing:
            lines.insert(0, f"WARNING: There are {len(self.missing)} missing results! ({listed(self.missing)})")
        lines += [
            f"Frequency weighted IoU: {scores.frequency_weighted_iou:6.3f}%",
            f"Boundary F-score: {self.boundary.compute()[1]:6.3f}%",
            "Average accuracy within w pixels of void: "
            + ", ".join(f"w={width} {self.trimap.within(width).compute().mean_iou:.3f}%" for width in (1, 5, 10, 20, 40)),
        ]
        return "\n".join(lines)


def evaluate(
    names: Sequence[str],
    predictions: Sequence[str | os.PathLike[str]],
    labels: str | os.PathLike[str],
    classes: int = len(CLASSES),
    threads: int = THREADS,
    track: Track = untracked,
) -> Evaluation:
    """Judge `<name>.png` under the first of the folders `predictions` that has it by `<name>.png` under `labels`.

    Several folders are what several machines predicted. A prediction that is not there or cannot
    be read is left out and listed. CaffeError if a label is missing, if sizes differ, for values
    that are no classes, and if there is nothing to judge. `track` sees the images go by.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from segaware_caffe.segmentation import write_label_png
    >>> for folder, labels in (("true", [[0, 1], [1, 255]]), ("predicted", [[0, 1], [0, 0]])):
    ...     Path(folder).mkdir()
    ...     write_label_png(f"{folder}/a.png", np.array(labels, np.uint8))
    >>> evaluate(["a"], ["predicted"], "true", classes=2).scores.mean_iou
    50.0
    """
    total = Evaluation(classes)
    judged = ahead(lambda name: _judge(name, [Path(folder) for folder in predictions], Path(labels), classes), names, threads)
    for one in track(judged, len(names)):
        total.merge(one)
    if not total.images:
        raise FileError(f"{', '.join(map(str, predictions))}: none of the {len(names)} predictions is there or can be read")
    return total


def _judge(name: str, predictions: Sequence[Path], labels: Path, classes: int) -> Evaluation:
    truth = read_labels(labels / f"{name}.png")
    result = Evaluation(classes)
    prediction = None
    try:
        prediction = read_labels(find_prediction(name, predictions))
    except CaffeError:
        result.missing.append(name)
        return result
    check_pair(name, truth, prediction, classes)
    result.confusion.update(truth, prediction)
    result.trimap.update(truth, prediction)
    result.boundary.update(truth, prediction)
    counts = result.confusion.counts
    result.by_image[name] = np.stack([counts.sum(1), counts.sum(0), counts.diagonal()])
    result.images = 1
    return result


def find_prediction(name: str, folders: Sequence[Path]) -> Path:
    """The file of a prediction: in the first of the folders that has it, or else where it should be in the first."""
    paths = [folder / f"{name}.png" for folder in folders]
    return next((path for path in paths if path.exists()), paths[0])


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
