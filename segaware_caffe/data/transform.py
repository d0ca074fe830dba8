"""From an image to the values of a blob: resize, crop, pad, mirror, subtract the mean, scale (spec/pipeline.md 6.1, 6.2).

Two ways, as in the reference: `image` for Data, ImageData and MemoryData; `together` for an
image and its label image, which adds scale_factors, oblong crops and padding. All draws come
in the reference's order from one generator: mirror, scale factor, row, column; then colours, which
`distort_param` changes of what the crop has left. (SSD changes them before anything else, of records with boxes.)
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from segaware_caffe.data.distort import Distortion, check_distortion
from segaware_caffe.data.images import resize, resize_nearest
from segaware_caffe.errors import FieldError, FileError, ShapeError
from segaware_caffe.layers.random import MersenneTwister
from segaware_caffe.schema.blobproto import read_blobproto

Size = tuple[int, int]


@dataclass(frozen=True)
class Rules:
    """What a `transform_param` asks for in one phase. `crop` is (height, width), None to keep the image's size."""

    train: bool
    scale: float
    mirror: bool
    crop: Size | None
    mean_values: tuple[float, ...]
    mean_file: str
    scale_factors: tuple[float, ...]
    #: a DistortionParameter, None where colours stay as they are
    distortion: Any = None

    @classmethod
    def plain(cls, param: Any, train: bool) -> "Rules":
        """For `Transformer.image`, which ignores scale_factors, crop_height and crop_width."""
        crop = (param.crop_size, param.crop_size) if param.crop_size else None
        return cls._make(param, train, crop, ())

    @classmethod
    def joint(cls, param: Any, train: bool) -> "Rules":
        """For `Transformer.together`. Raises CaffeError for half a crop size and for a mean file."""
        square, oblong = param.crop_size, (param.crop_height, param.crop_width)
        if any(oblong) and (square or not all(oblong)):
            raise FieldError("Must either specify crop_size or both crop_height and crop_width.")
        if param.HasField("mean_file"):
            raise FieldError("does not support mean file; give mean_value")
        crop = (square, square) if square else oblong if all(oblong) else None
        return cls._make(param, train, crop, tuple(param.scale_factors))

    @classmethod
    def paired(cls, param: Any, train: bool) -> "Rules":
        """For `Transformer.together` as forks without scale_factors have it: with a mean file, and square crops only."""
        return cls.plain(param, train)

    @classmethod
    def _make(cls, param: Any, train: bool, crop: Size | None, factors: tuple[float, ...]) -> "Rules":
        if param.HasField("mean_file") and param.mean_value:
            raise FieldError("Cannot specify mean_file and mean_value at the same time")
        distortion = param.distort_param if param.HasField("distort_param") else None
        if distortion is not None:
            check_distortion(distortion)
        return cls(train, param.scale, param.mirror, crop, tuple(param.mean_value), param.mean_file, factors, distortion)

    @property
    def draws(self) -> bool:
        """Whether anything is left to chance, so that a seed is needed."""
        return self.mirror or bool(self.scale_factors) or self.distortion is not None or (self.train and self.crop is not None)

    def means(self, channels: int) -> np.ndarray | None:
        """The mean values as (C, 1, 1) float32, one repeated for all channels; None if there are none."""
        if not self.mean_values:
            return None
        if len(self.mean_values) not in (1, channels):
            raise ShapeError(f"Specify either 1 mean_value or as many as channels: {channels}, not {len(self.mean_values)}")
        return np.resize(np.asarray(self.mean_values, np.float32), channels).reshape(channels, 1, 1)


@dataclass(frozen=True)
class Window:
    """The part of an image that becomes the top: its place in the image, which it may overhang below and right."""

    top: int
    left: int
    size: Size
    mirror: bool

    def cut(self, array: np.ndarray) -> np.ndarray:
        """What an array (..., H, W) has inside the window, still in the array's memory."""
        return array[..., self.top : self.top + self.size[0], self.left : self.left + self.size[1]]

    def blank(self, channels: int, part: np.ndarray, fill: float = 0) -> tuple[np.ndarray, np.ndarray]:
        """A blob (channels, *size) of `fill`, and the view of it where the cut `part` belongs, mirrored if the window is."""
        blob = np.full((channels, *self.size), fill, np.float32)
        view = blob[..., ::-1] if self.mirror else blob
        return blob, view[:, : part.shape[-2], : part.shape[-1]]


class Transformer:
    """Applies rules to one image after another; equal seeds give equal draws."""

    def __init__(self, rules: Rules, seed: int | None):
        self.rules = rules
        self._random = MersenneTwister(seed) if seed is not None else None
        self._mean_image = read_mean(rules.mean_file) if rules.mean_file else None

    def image(self, image: np.ndarray, pad: bool = False) -> np.ndarray:
        """(H, W, C) numbers -> (C, h, w) float32 (spec/pipeline.md 6.1).

        An image smaller than the crop is an error, or with `pad` padded as `together` does.
        """
        if not pad:
            self._check_crop(image)
        mirror = self._below(2) == 1 if self.rules.mirror else False
        window = self._window(image.shape[:2], mirror)
        return self._pixels(image, window, self._distortion())

    def together(self, first: np.ndarray, second: np.ndarray, ignore_label: int | None, pad: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Two images of one size, transformed alike: (C, h, w) float32 each (spec/pipeline.md 6.2).

        The second is a label image, resized by nearest neighbour, padded with `ignore_label` and
        else untouched; or with None an image like the first. Without `pad` an image smaller than the crop is an error.
        """
        if first.shape[:2] != second.shape[:2]:
            raise ShapeError(f"the image is {_size(first.shape)}, but its label is {_size(second.shape)} (height x width)")
        if not pad:
            self._check_crop(first)
        mirror = self._below(2) == 1 if self.rules.mirror else False
        if self.rules.scale_factors:
            factor = self.rules.scale_factors[self._below(len(self.rules.scale_factors))]
            first = scaled(first, factor, resize)
            second = scaled(second, factor, resize if ignore_label is None else resize_nearest)
        window = self._window(first.shape[:2], mirror)
        distortion = self._distortion()
        top = self._pixels(second, window, distortion) if ignore_label is None else _labels(second, window, ignore_label)
        return self._pixels(first, window, distortion), top

    def _check_crop(self, image: np.ndarray) -> None:
        crop = self.rules.crop
        if crop and (image.shape[0] < crop[0] or image.shape[1] < crop[1]):
            wanted = f"crop_size {crop[0]}" if crop[0] == crop[1] else f"the crop of {_size(crop)}"
            raise ShapeError(f"an image of {_size(image.shape)} (height x width) is smaller than {wanted}")

    def _below(self, count: int) -> int:
        assert self._random is not None  # rules.draws says when a seed is needed
        return self._random.below(count)

    def _window(self, size: Size, mirror: bool) -> Window:
        crop = self.rules.crop
        if crop is None:
            return Window(0, 0, size, mirror)
        rooms = [max(have - want, 0) for have, want in zip(size, crop, strict=True)]
        top, left = (self._below(room + 1) if self.rules.train else room // 2 for room in rooms)
        return Window(top, left, crop, mirror)

    def _distortion(self) -> Distortion | None:
        """How the next sample's colours change."""
        if self.rules.distortion is None:
            return None
        assert self._random is not None  # as in _below
        return Distortion.draw(self.rules.distortion, self._random)

    def _pixels(self, image: np.ndarray, window: Window, distortion: Distortion | None) -> np.ndarray:
        """(pixel - mean) * scale inside the image, 0 outside: what the mean becomes."""
        planes = image.transpose(2, 0, 1)
        part = window.cut(planes)
        if distortion:
            part = distortion(part.transpose(1, 2, 0)).transpose(2, 0, 1)
        mean = self._mean(planes.shape, window)
        if mean is None and part.shape[1:] != window.size:
            raise ShapeError(
                f"an image of {_size(image.shape)} is smaller than the crop of {_size(window.size)} (height x width); "
                "to pad it, give mean_value"
            )
        blob, inside = window.blank(len(planes), part)
        if mean is None:
            inside[...] = part
        else:
            np.subtract(part, mean, out=inside)
        if self.rules.scale != 1:
            inside *= np.float32(self.rules.scale)
        return blob

    def _mean(self, shape: tuple[int, ...], window: Window) -> np.ndarray | None:
        """What to subtract from the part of an image of `shape` (C, H, W) that the window cuts out."""
        if self._mean_image is None:
            return self.rules.means(shape[0])
        if self._mean_image.shape != shape:
            raise ShapeError(f"mean_file '{self.rules.mean_file}' has shape {self._mean_image.shape}, but the image has {shape}")
        return window.cut(self._mean_image)


def scaled(image: np.ndarray, factor: float, how: Any) -> np.ndarray:
    """`image` resized by `how` to the sizes times `factor`, multiplied in float32 and cut to integers."""
    height, width = (int(np.float32(size) * np.float32(factor)) for size in image.shape[:2])
    if min(height, width) < 1:
        raise ShapeError(f"scale_factors {factor:g} leaves nothing of an image of {_size(image.shape)} (height x width)")
    return how(image, height, width)


def _labels(label: np.ndarray, window: Window, ignore_label: int) -> np.ndarray:
    part = window.cut(label.transpose(2, 0, 1))
    blob, inside = window.blank(1, part, fill=np.clip(ignore_label, 0, 255))
    inside[...] = part
    return blob


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"


def read_mean(path: str | os.PathLike[str]) -> np.ndarray:
    """The mean image in a binary BlobProto, (C, H, W) float32."""
    try:
        mean = read_blobproto(path)
    except FileError as error:
        raise FileError(f"mean_file: {error}") from error
    if mean.ndim != 4 or mean.shape[0] != 1 or not mean.size:
        raise FileError(f"mean_file: '{path}' holds values of shape {mean.shape}, not one image (1, C, H, W)")
    return mean[0].astype(np.float32, copy=False)
