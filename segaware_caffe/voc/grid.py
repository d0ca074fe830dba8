"""The search for a CRF's settings over a grid, in the order and the words of the reference's script (spec/pipeline.md 7.6)."""

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from segaware_caffe.files import make_folder
from segaware_caffe.segmentation.evaluate import evaluate
from segaware_caffe.segmentation.refine import Features, Settings, refine_all


class Point(NamedTuple):
    """A point of the grid; the y deviations are as x, green and blue as red."""

    bi_w: float = 5
    bi_x_std: float = 49
    bi_r_std: float = 4
    pos_w: float = 3
    pos_x_std: float = 3

    @property
    def folder(self) -> str:
        """Name of the folder for its results."""
        return "post_densecrf_W{:g}_XStd{:g}_RStd{:g}_PosW{:g}_PosXStd{:g}".format(*self)

    def line(self, mean_iou: float) -> str:
        """What is printed and recorded of it."""
        values = ", ".join(f"{name} {value:2.2f}" for name, value in zip(("w", "x_std", "r_std", "pos_w", "pos_x_std"), self, strict=True))
        return f"{values}, avacc {mean_iou:6.3f}%"

    def settings(self, iterations: int) -> Settings:
        """As the tools take them."""
        return Settings(
            iterations,
            self.pos_x_std,
            self.pos_x_std,
            self.pos_w,
            self.bi_x_std,
            self.bi_x_std,
            self.bi_w,
            self.bi_r_std,
            self.bi_r_std,
            self.bi_r_std,
        )


#: the values of each of a point's coordinates that the reference's script tries
GRID = ((5,), (49,), (4, 5), (3,), (3,))


class Sample(NamedTuple):
    """Part of the features, and the ends of the names of folders and of the record that say which part."""

    features: Features
    folder_suffix: str = ""
    record_suffix: str = ""


def sample(features: Features, every: int | None = None, count: int | None = None) -> Sample:
    """Every `every`-th file, or `count` of them at random (always the same ones, but not those that MATLAB draws); else all."""
    names = list(features.files)
    if every:
        chosen, ends = names[::every], (f"_downsampleBy{every}", f"DownSample{every}")
    elif count:
        chosen, ends = sorted(random.Random(10).sample(names, min(count, len(names)))), (f"_numSample{count}", f"NumSample{count}")
    else:
        chosen, ends = names, ("", "")
    return Sample(features._replace(files={name: features.files[name] for name in chosen}), *ends)


def search(
    part: Sample,
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    output: str | os.PathLike[str],
    grid: Sequence[Sequence[float]] = GRID,
    iterations: int = 10,
) -> Iterator[tuple[Point, float]]:
    """Refine and evaluate at every point, bi_w slowest and pos_x_std fastest; yields each with its mean IoU in percent.

    The predictions of a point go to a folder of its own under `output`, its line to the end of the record `cross_avgIOU<part>.txt`.
    """
    root = make_folder(Path(output))
    names = list(part.features.files)
    for values in itertools.product(*grid):
        point = Point(*values)
        folder = root / (point.folder + part.folder_suffix)
        for _ in refine_all(part.features, images, folder, point.settings(iterations), png=True):
            pass
        mean_iou = evaluate(names, [folder], labels).scores.mean_iou
        with open(root / f"cross_avgIOU{part.record_suffix}.txt", "a") as record:
            record.write(point.line(mean_iou) + "\n")
        yield point, mean_iou
