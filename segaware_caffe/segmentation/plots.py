"""Evaluations as pictures: the confusion matrix, and the curve over the trimaps' widths. Needs the extra `plot`."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from segaware_caffe.extras import optional_import
from segaware_caffe.files import make_folder, replacing
from segaware_caffe.segmentation.boundaries import BANDS
from segaware_caffe.segmentation.evaluate import Evaluation
from segaware_caffe.segmentation.metrics import class_names


def write_pictures(evaluation: Evaluation, folder: str | os.PathLike[str]) -> list[Path]:
    """Write confusion.png and trimap.png under `folder`."""
    optional_import("matplotlib", "plot", folder)
    from matplotlib.figure import Figure

    paths = [make_folder(Path(folder)) / name for name in ("confusion.png", "trimap.png")]
    for path, draw in zip(paths, (_draw_confusion, _draw_trimap), strict=True):
        figure = Figure(layout="constrained")
        draw(evaluation, figure)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})
    return paths


def _draw_confusion(evaluation: Evaluation, figure: Any) -> None:
    """Each true class' pixels by predicted class, as shares of its row."""
    counts = evaluation.confusion.counts
    names = class_names(len(counts))
    figure.set_size_inches(0.4 * len(names) + 2, 0.4 * len(names) + 1.5)
    axes = figure.add_subplot()
    image = axes.imshow(100 * counts / np.maximum(counts.sum(1, keepdims=True), 1), vmin=0, vmax=100, cmap="Blues")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(image, label="% of the true class", shrink=0.7)


def _draw_trimap(evaluation: Evaluation, figure: Any) -> None:
    """Mean IoU against the width of the band."""
    widths = range(1, BANDS + 1)
    figure.set_size_inches(6, 4)
    axes = figure.add_subplot()
    axes.plot(widths, [evaluation.trimap.within(width).compute().mean_iou for width in widths], marker=".")
    axes.axhline(evaluation.scores.mean_iou, linestyle=":", color="grey", label="whole images")
    axes.set_xlabel("width of the band round the outlines (pixels)")
    axes.set_ylabel("mean IoU (%)")
    axes.grid(alpha=0.3)
    axes.legend()
