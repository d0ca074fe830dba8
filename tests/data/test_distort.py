"""Random changes of colours: against OpenCV, which SSD changes colours with, and its draws against a plain restatement."""

import cv2
import numpy as np
import pytest
from data.support import noise

from segaware_caffe import CaffeError
from segaware_caffe.data import Rules, Transformer
from segaware_caffe.data.distort import Distortion, bgr, hsv
from segaware_caffe.layers.random import WORDS, MersenneTwister
from segaware_caffe.schema import message_class

ALL = {
    **{"brightness_prob": 0.5, "brightness_delta": 32, "contrast_prob": 0.5, "contrast_lower": 0.5, "contrast_upper": 1.5},
    **{"saturation_prob": 0.5, "saturation_lower": 0.5, "saturation_upper": 1.5, "hue_prob": 0.5, "hue_delta": 18},
    "random_order_prob": 0.5,
}
#: SIMD rounds down the colours of rows that fill its registers; rows as narrow as this are rounded, as all are in older OpenCV
NARROW = 5


def distortion(**fields):
    return message_class("DistortionParameter")(**fields)


def agree(actual, expected):
    """Equal, but for a rare fused multiplication of OpenCV's that falls on the other side of a half."""
    np.testing.assert_allclose(actual.astype(int), expected, rtol=0, atol=1)
    assert (actual != expected).mean() < 5e-3


def reference(image, param, seed):
    """SSD's ApplyDistort, by OpenCV."""
    random = MersenneTwister(seed)

    def uniform(low, high):
        return low + random.next32() / (WORDS - 1) * (high - low)

    def converted(plane, factor, shift=0.0):
        return np.clip(np.rint(plane * np.float32(factor) + np.float32(shift)), 0, 255).astype(np.uint8)

    def contrast(image):
        if uniform(0, 1) < param.contrast_prob:
            image = converted(image, uniform(param.contrast_lower, param.contrast_upper))
        return image

    def in_hsv(image, plane, *change):
        planes = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2HSV)
        planes[..., plane] = converted(planes[..., plane], *change)
        return cv2.cvtColor(planes, cv2.COLOR_HSV2BGR)

    before = uniform(0, 1) > 0.5
    if uniform(0, 1) < param.brightness_prob:
        image = converted(image, 1, uniform(-param.brightness_delta, param.brightness_delta))
    if before:
        image = contrast(image)
    if uniform(0, 1) < param.saturation_prob:
        image = in_hsv(image, 1, uniform(param.saturation_lower, param.saturation_upper))
    if uniform(0, 1) < param.hue_prob:
        image = in_hsv(image, 0, 1, uniform(-param.hue_delta, param.hue_delta))
    if not before:
        image = contrast(image)
    if uniform(0, 1) < param.random_order_prob:
        order = [0, 1, 2]
        random.shuffle(order)
        image = image[..., order]
    return image


@pytest.mark.parametrize("seed", range(24))
def test_colours_change_as_in_ssd(seed: int) -> None:
    image, param = noise(seed, 40, NARROW, 3), distortion(**ALL)
    agree(Distortion.draw(param, MersenneTwister(seed))(image), reference(image, param, seed))


def test_all_colours_have_opencv_s_hue_saturation_and_value() -> None:
    colours = np.stack(np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3), -1).reshape(-1, 1, 3)
    planes = np.stack(hsv(colours), 2)
    np.testing.assert_array_equal(planes, cv2.cvtColor(colours, cv2.COLOR_BGR2HSV))
    agree(bgr(*np.moveaxis(planes, 2, 0)), cv2.cvtColor(planes, cv2.COLOR_HSV2BGR))


def test_nothing_changes_where_no_chance_is_given() -> None:
    image = noise(0, 9, 9, 3)
    assert all(Distortion.draw(distortion(hue_delta=18), MersenneTwister(seed))(image) is image for seed in range(9))


def test_a_pair_of_photographs_changes_alike_and_a_label_image_not_at_all() -> None:
    param = message_class("TransformationParameter")(distort_param=distortion(**ALL), crop_size=8, mirror=True)
    image, labels = noise(1, 11, 14, 3), noise(2, 11, 14, 1)
    for seed in range(6):
        first, second = Transformer(Rules.joint(param, True), seed).together(image, image, None)
        np.testing.assert_array_equal(first, second)
        alone, truth = Transformer(Rules.joint(param, True), seed).together(image, labels, 255)
        np.testing.assert_array_equal(alone, first)
        assert set(np.unique(truth)) <= set(np.unique(labels))


def test_mirror_and_crop_are_drawn_before_colours() -> None:
    crop = {"crop_size": 8, "mirror": True}
    param = message_class("TransformationParameter")(distort_param=distortion(brightness_prob=1, brightness_delta=9), **crop)
    plain = message_class("TransformationParameter")(**crop)
    image = np.clip(noise(1, 11, 14, 3), 50, 200)
    for seed in range(6):
        step = Transformer(Rules.plain(param, True), seed).image(image) - Transformer(Rules.plain(plain, True), seed).image(image)
        assert step.min() == step.max() and abs(step.max()) <= 9


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hue_prob": 1.5}, "hue_prob must be between 0 and 1, not 1.5"),
        ({"brightness_delta": -1}, "brightness_delta must be non-negative, not -1"),
        ({"contrast_lower": 1.5, "contrast_upper": 0.5}, "0 <= lower <= upper, not 1.5 and 0.5"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict, words: str) -> None:
    param = message_class("TransformationParameter")(distort_param=distortion(**fields))
    with pytest.raises(CaffeError, match=words):
        Rules.joint(param, True)


def test_grey_images_are_refused() -> None:
    with pytest.raises(CaffeError, match="images of 3 channels of bytes, not of 1 of uint8"):
        Distortion(())(noise(0, 4, 4, 1))
