"""Draw the figures of docs/paper.md: what the paper's layers make of a photograph, computed by the operators behind the layers.

python scripts/make_figures.py [--output FOLDER]

The photograph is a cup of coffee from scikit-image, in the public domain; its embedding is its colours.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot
from skimage import data
from torch.nn.functional import interpolate

from segaware_caffe.ops.distance import im2dist
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_sum
from segaware_caffe.ops.normconv import Filter, mean_field, softmax_mask

TARGET = Path(__file__).resolve().parent.parent / "docs" / "figures"
#: (row, column): in the saucer at its rim, on the cup's rim, in the coffee, on the table
PIXELS = [(300, 130), (95, 180), (150, 280), (60, 520)]
FACTORS = (1, 4, 16)
REACH = 24


def window(kernel: int, dilation: int) -> Geometry:
    """A square window around every pixel."""
    return Geometry((kernel, kernel), (1, 1), (kernel // 2 * dilation,) * 2, (dilation,) * 2)


def masks(photograph: np.ndarray, colours: torch.Tensor) -> pyplot.Figure:
    """Of four pixels the window, the distances to its middle, and masks of three factors."""
    distances = im2dist(colours, window(9, 6), l1=True)[0]
    figure, axes = pyplot.subplots(len(PIXELS), 3 + len(FACTORS), figsize=(11, 6.4), width_ratios=[3.2, *[1] * (2 + len(FACTORS))])
    for axis in axes[:, 0]:
        axis.remove()
    whole = figure.add_subplot(axes[0, 0].get_gridspec()[:, 0])
    whole.imshow(photograph)
    whole.axis("off")
    for number, ((row, column), (patch, apart, *panels)) in enumerate(zip(PIXELS, axes[:, 1:], strict=True), 1):
        whole.add_patch(pyplot.Rectangle((column - REACH, row - REACH), 2 * REACH, 2 * REACH, fill=False, color="yellow", linewidth=1.5))
        whole.text(column + REACH + 4, row - REACH + 14, str(number), color="yellow", fontsize=12, fontweight="bold")
        patch.imshow(photograph[row - REACH : row + REACH + 1, column - REACH : column + REACH + 1])
        patch.set_ylabel(str(number), rotation=0, labelpad=10, fontsize=12)
        here = distances[:, row, column].reshape(9, 9)
        apart.imshow(here, cmap="cividis", vmin=0, vmax=1.5)
        for factor, panel in zip(FACTORS, panels, strict=True):
            panel.imshow(torch.exp(-factor * here), cmap="gray", vmin=0, vmax=1)
    for axis, title in zip(axes[0, 1:], ["window", "distance d", *(f"exp(-{factor} d)" for factor in FACTORS)], strict=True):
        axis.set_title(title, fontsize=10)
    for axis in axes[:, 1:].flat:
        axis.set(xticks=[], yticks=[])
    return figure


def average(photograph: np.ndarray, colours: torch.Tensor) -> pyplot.Figure:
    """A part of the photograph, the average of its windows, and the average under masks."""
    geometry = window(9, 2)
    mask = torch.exp(-16 * im2dist(colours, geometry, l1=True))
    ones = torch.ones_like(mask)
    pictures = {"photograph": colours}
    for title, weights in {"average of the window": ones, "average under the mask": mask}.items():
        pictures[title] = masked_sum(colours, weights, geometry) / masked_sum(torch.ones_like(colours), weights, geometry)
    return row_of({title: picture[0, :, 20:260, 140:500].permute(1, 2, 0).clamp(0, 1) for title, picture in pictures.items()})


def distloss() -> pyplot.Figure:
    """Loss and gradient over the distance."""
    alpha, beta = 0.5, 2.0
    distance = np.linspace(0, 3, 301)
    figure, (loss, gradient) = pyplot.subplots(1, 2, figsize=(9, 2.8))
    for name, style, violation in (
        ("neighbours of one object", "-", np.maximum(distance - alpha, 0)),
        ("neighbours of two", "--", -np.maximum(beta - distance, 0)),
    ):
        loss.plot(distance, abs(violation), style, label=name)
        gradient.plot(distance, violation, style)
    for axis, title in ((loss, "loss"), (gradient, "gradient, times the count")):
        axis.set(title=title, xlabel="distance", xticks=[0, alpha, beta, 3], xticklabels=["0", "α", "β", "3"])
        axis.grid(alpha=0.3)
    loss.legend(fontsize=9)
    return figure


def meanfield(photograph: np.ndarray, colours: torch.Tensor) -> pyplot.Figure:
    """Labels of a sixteenth of the resolution, before and after a mean field of five rounds."""
    small = interpolate(colours, (201, 301), mode="area")
    size = small.shape[2:]
    light = (small.mean(1, keepdim=True) > 0.43).float()
    coarse = interpolate(interpolate(light, (13, 19), mode="area"), size, mode="bilinear", align_corners=True)
    unary = torch.cat([1 - coarse, coarse], 1) * 2
    near, wide = window(3, 1), window(9, 2)
    positions = torch.stack(torch.meshgrid(*(torch.arange(float(side)) for side in size), indexing="ij"))[None]
    flags = {"remove_center": True, "remove_bounds": True}
    filters = [
        Filter(softmax_mask(positions, near, 1, **flags), near, torch.eye(2)),
        Filter(softmax_mask(small, wide, 300, **flags), wide, 4 * torch.eye(2)),
    ]
    scores = mean_field(unary, unary, filters, -torch.eye(2), 5)
    shown = small[0].permute(1, 2, 0)
    labels = {"scores of a sixteenth of the resolution": unary, "after five rounds": scores}
    dimmed = {title: torch.where(each[0].argmax(0)[..., None] == 1, shown, shown / 5) for title, each in labels.items()}
    return row_of({"photograph": shown, **dimmed})


def row_of(pictures: dict[str, torch.Tensor]) -> pyplot.Figure:
    """Pictures (height, width, 3) beside each other, each under its title."""
    figure, axes = pyplot.subplots(1, len(pictures), figsize=(11, 2.9))
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    return figure


def main() -> None:
    """Write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=TARGET, metavar="FOLDER")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    matplotlib.use("Agg")
    photograph = data.coffee()
    colours = torch.from_numpy(photograph / np.float32(255)).permute(2, 0, 1)[None]
    figures = {
        "masks": masks(photograph, colours),
        "average": average(photograph, colours),
        "distloss": distloss(),
        "meanfield": meanfield(photograph, colours),
    }
    for name, figure in figures.items():
        figure.tight_layout()
        figure.savefig(folder / f"{name}.png", dpi=90)
        pyplot.close(figure)


if __name__ == "__main__":
    main()
