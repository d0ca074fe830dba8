"""The reference's rules for random order and for the transformer, restated plainly: pixel by pixel, draw by draw, with OpenCV.

`stream` gives the random words; what a restatement draws is gone from it.
"""

from collections.abc import Iterator

import cv2
import numpy as np


def restated_order(count: int, stream: Iterator[int]) -> list[int]:
    """One shuffle with Boost's uniform integers, from the last item down (spec/pipeline.md 4.8)."""
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = next(value for word in stream if (value := word // (2**32 // (last + 1))) <= last)
        order[last], order[other] = order[other], order[last]
    return order


def restated_image(image: np.ndarray, param, train: bool, stream: Iterator[int], mean: np.ndarray | None = None) -> np.ndarray:
    """spec/pipeline.md 6.1, one pixel after the other."""
    mirror = param.mirror and next(stream) % 2
    height, width = image.shape[:2]
    crop_h = crop_w = param.crop_size
    if not param.crop_size:
        crop_h, crop_w, top, left = height, width, 0, 0
    elif train:
        top = next(stream) % (height - crop_h + 1)
        left = next(stream) % (width - crop_w + 1)
    else:
        top, left = (height - crop_h) // 2, (width - crop_w) // 2
    result = np.empty((image.shape[2], crop_h, crop_w), np.float32)
    for c, y, x in np.ndindex(*result.shape):
        value = np.float32(image[top + y, left + x, c])
        if mean is not None:
            value -= mean[c, top + y, left + x]
        elif param.mean_value:
            value -= np.float32(param.mean_value[c % len(param.mean_value)])
        result[c, y, crop_w - 1 - x if mirror else x] = value * np.float32(param.scale)
    return result


def restated_pair(
    image: np.ndarray, label: np.ndarray, param, train: bool, stream: Iterator[int], ignore: int
) -> tuple[np.ndarray, np.ndarray]:
    """spec/pipeline.md 6.2, with OpenCV."""
    mirror = param.mirror and next(stream) % 2
    if param.scale_factors:
        factor = np.float32(param.scale_factors[next(stream) % len(param.scale_factors)])
        size = tuple(int(np.float32(side) * factor) for side in image.shape[1::-1])
        if factor != 1:
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
            label = cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)
    crop_h, crop_w = (param.crop_size,) * 2 if param.crop_size else (param.crop_height, param.crop_width)
    down, right = max(crop_h - image.shape[0], 0), max(crop_w - image.shape[1], 0)
    means = list(param.mean_value) * (3 // max(len(param.mean_value), 1))
    image = cv2.copyMakeBorder(image.astype(np.float64), 0, down, 0, right, cv2.BORDER_CONSTANT, value=means)
    label = cv2.copyMakeBorder(label, 0, down, 0, right, cv2.BORDER_CONSTANT, value=(ignore,))
    room_h, room_w = image.shape[0] - crop_h, image.shape[1] - crop_w
    top, left = (next(stream) % (room_h + 1), next(stream) % (room_w + 1)) if train else (room_h // 2, room_w // 2)
    image, label = image[top : top + crop_h, left : left + crop_w], label[top : top + crop_h, left : left + crop_w]
    if mirror:
        image, label = image[:, ::-1], label[:, ::-1]
    data = (image.astype(np.float32) - np.float32(means)) * np.float32(param.scale)
    return data.transpose(2, 0, 1), label.astype(np.float32)[None]
