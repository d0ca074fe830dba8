"""The WindowData layer: object proposals cut out of images and warped, as R-CNN trains on them."""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.data.images import read_image, resize
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import read_lines
from segaware_caffe.data.seeds import draw_seeds
from segaware_caffe.data.transform import Rules, read_mean
from segaware_caffe.errors import FileError, ShapeError
from segaware_caffe.layers import Shape, register
from segaware_caffe.layers.random import MersenneTwister


class Box(NamedTuple):
    """A window of an image: its class and its corners, which belong to it."""

    image: str
    label: int
    x1: int
    y1: int
    x2: int
    y2: int


class Warp(NamedTuple):
    """Which part of the image (both ends included) goes, resized to `size`, to which place of the crop."""

    x1: int
    y1: int
    x2: int
    y2: int
    size: tuple[int, int]  # height, width
    top: int
    left: int


@dataclass(frozen=True)
class Windows:
    """The foreground and the background windows of a file."""

    foreground: list[Box]
    background: list[Box]


@register("WindowData", source="spec/pipeline.md 6.7")
class WindowData(DataLayer):
    """Windows of images, warped to crop_size, with their classes.

    tops (N, 3, crop, crop) and (N): first the background windows, class 0, then int(N * fg_fraction)
    foreground ones, each drawn at random. (pixel - mean) * window_data_param.scale inside the warped
    window, 0 elsewhere. `cache_images` has no effect: the system caches files.
    """

    tops = 2
    param_field = "window_data_param"

    def setup(self) -> None:
        param, transform = self.options, self.proto.transform_param
        self.check(transform.crop_size > 0, "transform_param needs crop_size")
        self.check(param.batch_size > 0, "Positive batch size required")
        self.check(param.crop_mode in ("warp", "square"), f"crop_mode must be warp or square, not '{param.crop_mode}'")
        self.check(
            2 * param.context_pad < transform.crop_size,
            f"context_pad {param.context_pad} leaves nothing of a crop_size of {transform.crop_size}",
        )
        with located(self):
            self.rules = Rules.plain(transform, self.training)
            self.rules.means(3)
        self.check(self.rules.distortion is None, "transform_param's distort_param is not for windows")
        self.seeds = draw_seeds(self.context, self.rules.draws, order=True)

    def reshape(self) -> list[Shape]:
        count, crop = self.options.batch_size, self.proto.transform_param.crop_size
        return [(count, 3, crop, crop), (count,)]

    def batches(self) -> Iterator[Batch]:
        windows = read_windows(self.options)
        seed = (self.seeds.order or 0) + self.context.share.rank
        return batched(_samples(windows, self.options, self.rules, seed, self.context.paths), self.options.batch_size)


def read_windows(param: Any) -> Windows:
    """The windows of `param.source` (a WindowDataParameter).

    For each image the file has the lines `# index`, path, channels, height, width and number of
    windows, then `label overlap x1 y1 x2 y2` for each window.
    """
    windows = Windows([], [])
    lines = _Lines(param.source)
    while lines.more():
        lines.take("# and an index", _hash, int)
        image = param.root_folder + lines.take("the file of the image", str)[0]
        for what in ("channels", "height", "width"):
            lines.take(what, int)
        for _ in range(lines.take("the number of windows", int)[0]):
            label, overlap, *corners = lines.take("label overlap x1 y1 x2 y2", int, float, int, int, int, int)
            if corners[0] > corners[2] or corners[1] > corners[3]:
                raise FileError(f"{lines.where}: window {tuple(corners)} (x1 y1 x2 y2) ends before it begins")
            if overlap >= param.fg_threshold:
                if label <= 0:
                    raise FileError(f"{lines.where}: a foreground window needs a label > 0, not {label}")
                windows.foreground.append(Box(image, label, *corners))
            elif overlap < param.bg_threshold:
                windows.background.append(Box(image, 0, *corners))
    return windows


def _hash(word: str) -> None:
    if word != "#":
        raise ValueError


class _Lines:
    """The lines of a window file, in turn. `where` tells the one taken last."""

    def __init__(self, source: str):
        self._lines = read_lines(source)
        self._next = next(self._lines, None)
        self._source = source
        self.where = ""

    def more(self) -> bool:
        return self._next is not None

    def take(self, what: str, *kinds: Callable[[str], Any]) -> list[Any]:
        """The words of the next line, each made what its kind makes of it; CaffeError that `what` was expected if they are not."""
        if self._next is None:
            raise FileError(f"source: '{self._source}' ends where {what} should stand")
        (self.where, line), self._next = self._next, next(self._lines, None)
        words = os.fsdecode(line).split()
        try:
            return [kind(word) for kind, word in zip(kinds, words, strict=True)]
        except ValueError:
            raise FileError(f"{self.where}: expected {what}, found '{os.fsdecode(line)}'") from None


def _samples(windows: Windows, param: Any, rules: Rules, seed: int, paths: AllowedPaths) -> Iterator[tuple[str, Batch]]:
    """Batch after batch: its background windows, then its foreground ones."""
    generator = MersenneTwister(seed)
    mean = read_mean(rules.mean_file) if rules.mean_file else None
    foreground = int(np.float32(param.batch_size) * np.float32(param.fg_fraction))
    kinds = [(windows.background, "background")] * (param.batch_size - foreground) + [(windows.foreground, "foreground")] * foreground
    while True:
        for boxes, kind in kinds:
            if not boxes:
                raise FileError(
                    f"source: '{param.source}' has no {kind} windows, but fg_fraction {param.fg_fraction:g} "
                    f"of a batch of {param.batch_size} asks for some"
                )
            box = boxes[generator.below(len(boxes))]
            paths.check(box.image, "image")
            mirror = rules.mirror and generator.below(2) == 1
            yield box.image, [_pixels(box, mirror, param, rules, mean), np.asarray(box.label, np.float32)]


def _pixels(box: Box, mirror: bool, param: Any, rules: Rules, mean: np.ndarray | None) -> np.ndarray:
    """The window as (3, crop, crop) float32."""
    image = read_image(box.image)
    (crop, _) = rules.crop or (0, 0)
    warp = place(box, image.shape[:2], crop, param.context_pad, param.crop_mode == "square", mirror)
    inside = 0 <= warp.x1 <= warp.x2 < image.shape[1] and 0 <= warp.y1 <= warp.y2 < image.shape[0]
    if not inside or min(warp.size) < 1:
        raise FileError(
            f"window {tuple(box[2:])} (x1 y1 x2 y2) does not lie in {box.image}, "
            f"which is {image.shape[1]} x {image.shape[0]} (width x height)"
        )
    blob = np.zeros((3, crop, crop), np.float32)
    part = resize(image[warp.y1 : warp.y2 + 1, warp.x1 : warp.x2 + 1], *warp.size)[:, :: -1 if mirror else 1].transpose(2, 0, 1)
    here = np.s_[:, warp.top : warp.top + warp.size[0], warp.left : warp.left + warp.size[1]]
    blob[here] = part
    if mean is not None:
        blob[here] -= _centre(mean, crop)[here]
    elif (means := rules.means(3)) is not None:
        blob[here] -= means
    blob[here] *= np.float32(param.scale)
    return blob


def _centre(mean: np.ndarray, crop: int) -> np.ndarray:
    """The crop-sized part of a mean image, as far from the top and from the left as its width says."""
    offset = (mean.shape[2] - crop) // 2
    part = mean[:, offset : offset + crop, offset : offset + crop]
    if offset < 0 or part.shape != (3, crop, crop):
        raise ShapeError(f"mean_file has shape {mean.shape}, which does not hold a crop of {crop} x {crop}")
    return part


def place(box: Box, image: tuple[int, int], crop: int, context_pad: int, square: bool, mirror: bool) -> Warp:
    """Where a window, grown by its context, lies in an `image` (height, width) and in the crop.

    Without context_pad and square the window itself fills the crop. Else it is grown so that
    `context_pad` pixels around it belong to the crop, first made square if wanted; what then lies
    outside the image leaves zeros at its place in the crop. Arithmetic is the reference's float32.
    """
    x1, y1, x2, y2 = box[2:]
    if not context_pad and not square:
        return Warp(x1, y1, x2, y2, (crop, crop), 0, 0)
    growth = np.float32(crop) / np.float32(crop - 2 * context_pad)
    halves = [np.float32(y2 - y1 + 1) / 2, np.float32(x2 - x1 + 1) / 2]
    centres = [np.float32(y1) + halves[0], np.float32(x1) + halves[1]]
    if square:
        halves = [max(halves)] * 2
    (y1, y2, height, top, _), (x1, x2, width, left, right) = (
        _grow(centre, half * growth, limit, crop) for centre, half, limit in zip(centres, halves, image, strict=True)
    )
    if mirror:
        left = right
    return Warp(x1, y1, x2, y2, (min(height, crop - top), min(width, crop - left)), top, left)


def _grow(centre: np.float32, half: np.float32, limit: int, crop: int) -> tuple[int, int, int, int, int]:
    """Along one axis: first and last pixel in the image, their extent in the crop, and the crop's pixels before and after them."""
    first, last = _round(centre - half), _round(centre + half)
    before, after = max(0, -first), max(0, last - limit + 1)
    scale = np.float32(crop) / np.float32(last - first + 1)
    first, last = first + before, last - after
    extent, before, after = (_round(np.float32(pixels) * scale) for pixels in (last - first + 1, before, after))
    return first, last, extent, before, after


def _round(value: np.float32) -> int:
    """C's round: halves away from zero."""
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), value))
