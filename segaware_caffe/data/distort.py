"""Random changes of an image's colours: SSD's `distort_param`.

Brightness, contrast, saturation, hue and the order of the channels each change with a probability of their own. Pixels stay
integers from 0 to 255 between the changes, as in the reference, where OpenCV rounds and clips. Saturation and hue are changed in
OpenCV's HSV of bytes: hues in steps of two degrees, saturation of 255.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from segaware_caffe.errors import FieldError, ShapeError
from segaware_caffe.layers.random import MersenneTwister

HUES = 180
_SHIFT = 12  # of OpenCV's fixed-point division
_TINY = 1e-3  # factors so near 1 change nothing
# which of (v, p, q, t) blue, green and red are in each sixth of the hues
_SECTORS = np.array([[1, 3, 0], [1, 0, 2], [3, 0, 1], [0, 2, 1], [0, 1, 3], [2, 1, 0]])


@dataclass(frozen=True)
class Distortion:
    """What changes the colours of one sample, in this order; the same for all its images."""

    steps: tuple[Callable[[np.ndarray], np.ndarray], ...]

    @classmethod
    def draw(cls, param: Any, random: MersenneTwister) -> "Distortion":
        """What a DistortionParameter leaves to chance, drawn in SSD's order; a fair coin puts contrast first or last."""

        def drawn(chance: float, low: float, high: float) -> float | None:
            return random.uniform(low, high) if random.uniform(0, 1) < chance else None

        contrast_first = random.uniform(0, 1) > 0.5
        steps: list[Callable[[np.ndarray], np.ndarray]] = []

        def contrast() -> None:
            factor = drawn(param.contrast_prob, param.contrast_lower, param.contrast_upper)
            if factor is not None and abs(factor - 1) > _TINY:
                steps.append(partial(_scaled, factor=factor))

        if shift := drawn(param.brightness_prob, -param.brightness_delta, param.brightness_delta):
            steps.append(partial(_shifted, shift=shift))
        if contrast_first:
            contrast()
        factor = drawn(param.saturation_prob, param.saturation_lower, param.saturation_upper)
        if factor is not None and abs(factor - 1) > _TINY:
            steps.append(partial(_saturated, factor=factor))
        if turn := drawn(param.hue_prob, -param.hue_delta, param.hue_delta):
            steps.append(partial(_turned, turn=turn))
        if not contrast_first:
            contrast()
        if random.uniform(0, 1) < param.random_order_prob:
            order = [0, 1, 2]
            random.shuffle(order)
            steps.append(partial(np.take, indices=order, axis=2))
        return cls(tuple(steps))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """`image` (H, W, 3) uint8, blue green red, with its colours changed."""
        if image.dtype != np.uint8 or image.shape[2] != 3:
            raise ShapeError(f"distort_param is for images of 3 channels of bytes, not of {image.shape[2]} of {image.dtype}")
        for step in self.steps:
            image = step(image)
        return image


def check_distortion(param: Any) -> None:
    """Raises FieldError for a DistortionParameter that SSD would stop at."""
    for name in ("brightness", "contrast", "saturation", "hue", "random_order"):
        chance = getattr(param, f"{name}_prob")
        if not 0 <= chance <= 1:
            raise FieldError(f"distort_param: {name}_prob must be between 0 and 1, not {chance:g}")
    for name in ("brightness", "hue"):
        delta = getattr(param, f"{name}_delta")
        if delta < 0:
            raise FieldError(f"distort_param: {name}_delta must be non-negative, not {delta:g}")
    for name in ("contrast", "saturation"):
        low, high = getattr(param, f"{name}_lower"), getattr(param, f"{name}_upper")
        if not 0 <= low <= high:
            raise FieldError(f"distort_param: {name}_lower and {name}_upper must be 0 <= lower <= upper, not {low:g} and {high:g}")


def _bytes(values: np.ndarray) -> np.ndarray:
    """Rounded and clipped to bytes."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _shifted(image: np.ndarray, shift: float) -> np.ndarray:
    return _bytes(image + np.float32(shift))


def _scaled(image: np.ndarray, factor: float) -> np.ndarray:
    return _bytes(image * np.float32(factor))


def _saturated(image: np.ndarray, factor: float) -> np.ndarray:
    hue, saturation, value = hsv(image)
    return bgr(hue, _scaled(saturation, factor), value)


def _turned(image: np.ndarray, turn: float) -> np.ndarray:
    hue, saturation, value = hsv(image)
    return bgr(_shifted(hue, turn), saturation, value)  # clipped at red, and beyond HUES begun anew by `bgr`


def hsv(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue (0 to 179), saturation and value (0 to 255) of (H, W, 3) uint8 pixels in blue, green, red; uint8 (H, W) each."""
    blue, green, red = np.moveaxis(image.astype(np.int32), 2, 0)
    value = np.maximum(np.maximum(blue, green), red)
    spread = value - np.minimum(np.minimum(blue, green), red)
    turn = np.where(value == red, green - blue, np.where(value == green, blue - red + 2 * spread, red - green + 4 * spread))
    half = 1 << (_SHIFT - 1)
    saturation = (spread * _divisors(255)[value] + half) >> _SHIFT
    hue = (turn * _divisors(HUES / 6)[spread] + half) >> _SHIFT
    return np.where(hue < 0, hue + HUES, hue).astype(np.uint8), saturation.astype(np.uint8), value.astype(np.uint8)


def _divisors(unit: float) -> np.ndarray:
    """unit / i in fixed point for i from 0 to 255, 0 for 0."""
    table = np.zeros(256, np.int32)
    table[1:] = np.rint(unit * (1 << _SHIFT) / np.arange(1, 256))
    return table


def bgr(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The pixels (H, W, 3) uint8 of `hsv`'s three planes; a hue of HUES or more begins anew."""
    place = hue * np.float32(6 / HUES)
    sector = place.astype(np.int32)
    place -= sector
    s, v = (plane * np.float32(1 / 255) for plane in (saturation, value))
    parts = np.stack([v, v * (1 - s), v * (1 - s * place), v * (1 - s * (1 - place))], 2)
    return _scaled(np.take_along_axis(parts, _SECTORS[sector % 6], 2), 255)
