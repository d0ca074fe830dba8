"""PASCAL VOC's colours and indexed PNGs (spec/pipeline.md 7.5)."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from segaware_caffe.errors import ShapeError
from segaware_caffe.files import replacing

CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse",
    "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
#: colours that most people tell apart whatever colours they see: the first nine Okabe and Ito's, the rest after Krzywinski's 15
SAFE = (
    "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999", "#920000", "#b6dbff",
    "#24ff24", "#490092", "#ffb6db", "#004949", "#db6d00", "#6db6ff", "#924900", "#006ddb", "#b66dff", "#ffff6d",
)  # fmt: skip
#: pixels that are coloured at once
STRIP = 2**20


def colormap() -> np.ndarray:
    """VOC's 256 colours, (256, 3) uint8: the bits of an index, dealt in turn to red, green and blue from the top down.

    >>> colormap()[:3].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    """
    index = np.arange(256)[:, None]
    channel = np.arange(3)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours |= ((index >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return colours


def safe_colours() -> np.ndarray:
    """Colours that most people tell apart whatever colours they see, as a palette (256, 3) uint8 that repeats itself.

    >>> safe_colours()[1].tolist()
    [230, 159, 0]
    """
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SAFE], np.uint8)
    return colours[np.arange(256) % len(colours)]


def palette(colours: Sequence[int] = ()) -> np.ndarray:
    """256 colours, (256, 3) uint8: those given as 0xRRGGBB, and VOC's for the indices after them.

    >>> palette([0x0A0B0C])[:2].tolist()
    [[10, 11, 12], [128, 0, 0]]
    """
    result = colormap()
    given = np.asarray(colours, np.int64).reshape(-1, 1)
    result[: len(given)] = given >> (16, 8, 0) & 255
    return result


def write_label_png(path: str | os.PathLike[str], labels: np.ndarray, colours: np.ndarray | None = None) -> None:
    """Write an (H, W) array of labels 0..255 as a PNG whose pixels are the labels and whose palette is VOC's, or `colours` (256, 3).

    >>> write_label_png("labels.png", np.array([[0, 15], [255, 0]], np.uint8))
    >>> from segaware_caffe.segmentation import read_labels
    >>> read_labels("labels.png").tolist()
    [[0, 15], [255, 0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.min(initial=0) < 0 or labels.max(initial=0) > 255:
        raise ShapeError(f"labels for {os.fspath(path)} must be an (H, W) array of values 0 to 255, not shape {labels.shape}")
    image = Image.fromarray(labels.astype(np.uint8), mode="P")
    image.putpalette((colormap() if colours is None else colours).astype(np.uint8).tobytes())
    with replacing(Path(path)) as temporary:
        image.save(temporary, format="PNG")


def overlay(
    rgb: np.ndarray, labels: np.ndarray, opacity: float = 0.6, colours: np.ndarray | None = None, background: int | None = 0
) -> np.ndarray:
    """The photograph (H, W, 3) uint8 with VOC's colours for the labels, or `colours` (256, 3), laid over it; the background stays as it is.

    >>> rgb = np.full((1, 2, 3), 100, np.uint8)
    >>> overlay(rgb, np.array([[0, 1]]), opacity=0.5).tolist()
    [[[100, 100, 100], [114, 50, 50]]]
    """
    weights = np.full(256, opacity, np.float32)
    if background is not None:
        weights[background] = 0
    tints = (colormap() if colours is None else colours) * weights[:, None]
    result = np.empty_like(rgb)
    rows = max(1, STRIP // max(1, rgb.shape[1]))
    for first in range(0, len(rgb), rows):
        part = slice(first, first + rows)
        result[part] = (rgb[part] * (1 - weights)[labels[part], None] + tints[labels[part]]).round()
    return result
