"""Two folders of predictions beside each other, such as the authors' published ones and ours."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segaware_caffe.errors import FileError
from segaware_caffe.segmentation.evaluate import listed
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import ConfusionMatrix, check_pair, class_names
from segaware_caffe.segmentation.palette import CLASSES
from segaware_caffe.segmentation.workers import ahead

#: images named that differ most
WORST = 5


@dataclass
class Comparison:
    """How far two predictions of the same images agree.

    Attributes:
        confusion: pixels by the first folder's class (row) and the second's (column).
        agreement: for each image in both folders the percentage of equal pixels.
        only_first, only_second: names that the other folder lacks.
    """

    confusion: ConfusionMatrix
    agreement: dict[str, float] = field(default_factory=dict)
    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return class_names(len(self.confusion.counts))

    def __str__(self) -> str:
        counts = self.confusion.counts
        scores = self.confusion.compute()
        lines = [f"{len(self.agreement)} images in both; pixels that agree: {scores.pixel_accuracy:.4f}%"]
        lines += [
            f"only in the {which}: {len(names)} ({listed(names)})"
            for which, names in (("first", self.only_first), ("second", self.only_second))
            if names
        ]
        lines.append(f"  {'class':>14}{'first':>12}{'second':>12}{'change':>10}{'IoU':>9}")
        for name, first, second, iou in zip(self.names, counts.sum(1), counts.sum(0), scores.iou, strict=True):
            if first or second:
                change = f"{100 * (second - first) / first:+.2f}%" if first else "new"
                lines.append(f"  {name:>14}{first:12}{second:12}{change:>10}{iou:8.3f}%")
        unlike = sorted((share, name) for name, share in self.agreement.items() if share < 100)
        lines.append(f"images that differ: {len(unlike)}" + "".join(f"\n  {name}: {share:.3f}% agree" for share, name in unlike[:WORST]))
        return "\n".join(lines)


def compare(
    first: str | os.PathLike[str], second: str | os.PathLike[str], names: Sequence[str] | None = None, classes: int = len(CLASSES)
) -> Comparison:
    """Compare `<name>.png` of two folders: the given names, or all that either has.

    Pixels that are void in the first are not compared. CaffeError if sizes differ or nothing is in both.
    """
    folders = Path(first), Path(second)
    there = [{path.stem for path in folder.glob("[!.]*.png")} for folder in folders]
    wanted = set(names) if names is not None else there[0] | there[1]
    here, other = (wanted & names for names in there)
    result = Comparison(ConfusionMatrix(classes), only_first=sorted(here - other), only_second=sorted(other - here))
    both = sorted(here & other)
    if not both:
        raise FileError(f"{folders[0]} and {folders[1]} have no prediction in common")

    def look(name: str) -> ConfusionMatrix:
        pair = [read_labels(folder / f"{name}.png") for folder in folders]
        for one, other in (pair, pair[::-1]):
            check_pair(name, one, other, classes)
        matrix = ConfusionMatrix(classes)
        matrix.update(*pair)
        return matrix

    for name, matrix in zip(both, ahead(look, both), strict=True):
        result.confusion.merge(matrix)
        result.agreement[name] = matrix.compute().pixel_accuracy
    return result
