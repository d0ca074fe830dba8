"""How good a segmentation is near the objects' outlines: trimaps and the boundary F-score."""

import numpy as np
from scipy import ndimage

from segaware_caffe.segmentation.metrics import VOID, ConfusionMatrix
from segaware_caffe.segmentation.palette import CLASSES

#: widths of the bands that are judged, in pixels: 1 to 40
BANDS = 40


class Trimap:
    """Confusion matrices of the pixels in bands round the true outlines (spec/pipeline.md 7.6, MyVOCevalsegBoundary).

    VOC's labels draw every outline as a line of void pixels. The band of width w holds the
    labelled pixels of which a void one is at most w rows and at most w columns away. Images
    without void pixels have no band.
    """

    def __init__(self, classes: int = len(CLASSES), widest: int = BANDS):
        #: for each distance 1 to `widest` from the nearest void pixel, counts by true and predicted class
        self.counts = np.zeros((widest, classes, classes), np.int64)

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count the pixels of an image, (H, W) labels each."""
        labelled = truth != VOID
        if labelled.all():
            return
        distance = ndimage.distance_transform_cdt(labelled, "chessboard")
        widest, classes, _ = self.counts.shape
        judged = labelled & (distance <= widest)
        cells = ((distance[judged].astype(np.intp) - 1) * classes + truth[judged]) * classes + prediction[judged]
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: "Trimap") -> None:
        """Add what another one counted."""
        self.counts += other.counts

    def within(self, width: int) -> ConfusionMatrix:
        """The confusion matrix of the band of that width."""
        result = ConfusionMatrix(len(self.counts[0]))
        result.counts += self.counts[:width].sum(0)
        return result


class BoundaryF:
    """The boundary F-score of G. Csurka, D. Larlus, F. Perronnin, "What is a good evaluation measure for
    semantic segmentation?", BMVC 2013.

    In each image, for each class that the labels or the prediction have: the class' boundary is those
    of its pixels that have a neighbour (of four) of another class; void counts as another one. Precision is
    the share of predicted boundary pixels with a true one within `tolerance` (a share of the image's
    diagonal, 0.75 % as in the paper, by Euclidean distance), recall the same the other way round,
    F = 2PR / (P + R). A class scores the mean of its F over the images that have it, the set the
    mean over its classes. Two empty boundaries agree fully, one empty boundary not at all.
    """

    def __init__(self, classes: int = len(CLASSES), tolerance: float = 0.0075):
        self.tolerance = tolerance
        self.sums = np.zeros(classes)
        self.images = np.zeros(classes, np.int64)

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Score an image, (H, W) labels each."""
        reach = self.tolerance * float(np.hypot(*truth.shape))
        for label in np.union1d(truth, prediction):
            if label != VOID:
                self.sums[label] += _f_score(_boundary(truth == label), _boundary(prediction == label), reach)
                self.images[label] += 1

    def merge(self, other: "BoundaryF") -> None:
        """Add the images that another one scored."""
        self.sums += other.sums
        self.images += other.images

    def compute(self) -> tuple[list[float | None], float]:
        """In percent: the score of each class, None for one that no image has, and their mean."""
        present = self.images > 0
        scores = 100 * self.sums[present] / self.images[present]
        by_class = iter(scores.tolist())
        return [next(by_class) if there else None for there in present], float(scores.mean()) if len(scores) else 0.0


def _boundary(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def _f_score(truth: np.ndarray, prediction: np.ndarray, reach: float) -> float:
    if not (truth.any() and prediction.any()):
        return float(truth.any() == prediction.any())
    precision = _near(prediction, truth, reach)
    recall = _near(truth, prediction, reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(pixels: np.ndarray, others: np.ndarray, reach: float) -> float:
    """The share of `pixels` with one of `others` within `reach`."""
    return float((ndimage.distance_transform_edt(~others)[pixels] <= reach).mean())
