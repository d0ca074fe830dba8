"""The transformer, against the plain restatement of its rules."""

from pathlib import Path

import numpy as np
import pytest
from data.restated import restated_image, restated_pair
from data.support import MEAN, noise, words

from segaware_caffe import CaffeError
from segaware_caffe.data import Rules, Transformer
from segaware_caffe.schema import BlobProto, message_class

SEEDS = range(6)


def parameters(**fields):
    return message_class("TransformationParameter")(**fields)


PLAIN = {
    "nothing": {},
    "scale": {"scale": 0.017},
    "mean values": {"mean_value": MEAN, "scale": 0.5},
    "one mean value": {"mean_value": [99.5]},
    "crop": {"crop_size": 9},
    "crop as large": {"crop_size": 11},
    "mirror": {"mirror": True, "mean_value": MEAN},
    "all": {"mirror": True, "crop_size": 8, "mean_value": MEAN, "scale": 0.25},
    "ignored fields": {"scale_factors": [0.5], "crop_height": 3, "crop_width": 4},
}


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("fields", PLAIN.values(), ids=PLAIN)
def test_images(fields: dict, train: bool) -> None:
    param = parameters(**fields)
    for seed in SEEDS:
        image = noise(seed, 11, 14, 3)
        actual = Transformer(Rules.plain(param, train), seed).image(image)
        np.testing.assert_array_equal(actual, restated_image(image, param, train, words(seed)))


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
def test_the_mean_image_is_cropped_as_the_image_is_but_not_mirrored_again(tmp_path: Path, train: bool) -> None:
    mean = np.random.default_rng(0).random((3, 11, 14), np.float32) * 255
    legacy = BlobProto(num=1, channels=3, height=11, width=14, data=mean.ravel())
    shaped = BlobProto(data=mean.ravel())
    shaped.shape.dim.extend([1, 3, 11, 14])
    for proto in (legacy, shaped):
        (tmp_path / "mean").write_bytes(proto.SerializeToString())
        param = parameters(mean_file=str(tmp_path / "mean"), mirror=True, crop_size=8, scale=0.5)
        for seed in SEEDS:
            image = noise(seed, 11, 14, 3)
            np.testing.assert_array_equal(
                Transformer(Rules.plain(param, train), seed).image(image), restated_image(image, param, train, words(seed), mean)
            )


JOINT = {
    "crop": {"crop_size": 20},
    "pad": {"crop_size": 64},
    "pad one side": {"crop_size": 40},
    "oblong": {"crop_height": 12, "crop_width": 50},
    "mirror and pad": {"crop_size": 48, "mirror": True},
    "one mean value": {"crop_size": 64, "mean_value": [100.25]},
    "scales": {"crop_size": 33, "scale_factors": [0.5, 0.75, 1, 1.25, 1.5]},
    "all": {"crop_size": 33, "mirror": True, "scale_factors": [0.5, 0.75, 1, 1.25, 1.5], "scale": 0.5},
}


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("fields", JOINT.values(), ids=JOINT)
def test_images_with_labels(fields: dict, train: bool) -> None:
    param = parameters(**{"mean_value": MEAN} | fields)
    rules = Rules.joint(param, train)
    for seed in range(12):
        image, label = noise(seed, 37, 45, 3), noise(50 + seed, 37, 45, 1)
        data, top = Transformer(rules, seed).together(image, label, 254)
        expected = restated_pair(image, label, param, train, words(seed), 254)
        np.testing.assert_array_equal(data, expected[0])
        np.testing.assert_array_equal(top, expected[1])


def test_two_images_are_treated_alike() -> None:
    param = parameters(crop_size=33, mirror=True, scale_factors=[0.5, 1.5], mean_value=MEAN, scale=0.5)
    image = noise(0, 37, 45, 3)
    first, second = Transformer(Rules.joint(param, True), 3).together(image, image, None)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("read", "fields", "train", "draws"),
    [
        (Rules.plain, {}, True, False),
        (Rules.plain, {"crop_size": 3}, False, False),
        (Rules.plain, {"crop_size": 3}, True, True),
        (Rules.plain, {"mirror": True}, False, True),
        (Rules.plain, {"scale_factors": [2], "crop_height": 3, "crop_width": 3}, True, False),
        (Rules.joint, {"crop_height": 3, "crop_width": 3}, True, True),
        (Rules.joint, {"scale_factors": [2]}, False, True),
        (Rules.joint, {"crop_size": 3}, False, False),
    ],
)
def test_what_needs_a_seed(read, fields: dict, train: bool, draws: bool) -> None:
    assert read(parameters(**fields), train).draws is draws


HALF_A_CROP = "Must either specify crop_size or both crop_height and crop_width."


@pytest.mark.parametrize(
    ("read", "fields", "sentence"),
    [
        (Rules.plain, {"mean_file": "m", "mean_value": [1]}, "Cannot specify mean_file and mean_value at the same time"),
        (Rules.joint, {"mean_file": "m"}, "does not support mean file; give mean_value"),
        (Rules.joint, {"crop_height": 3}, HALF_A_CROP),
        (Rules.joint, {"crop_width": 3}, HALF_A_CROP),
        (Rules.joint, {"crop_size": 3, "crop_width": 3}, HALF_A_CROP),
        (Rules.joint, {"crop_size": 3, "crop_height": 3, "crop_width": 3}, HALF_A_CROP),
    ],
)
def test_bad_rules(read, fields: dict, sentence: str) -> None:
    with pytest.raises(CaffeError) as error:
        read(parameters(**fields), False)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("fields", "pad", "sentence"),
    [
        ({"crop_size": 12}, False, "an image of 11 x 14 (height x width) is smaller than crop_size 12"),
        ({"crop_size": 12}, True, "an image of 11 x 14 is smaller than the crop of 12 x 12 (height x width); to pad it, give mean_value"),
        ({"mean_value": [1, 2]}, False, "Specify either 1 mean_value or as many as channels: 3, not 2"),
        ({"mean_file": "no/such"}, False, "mean_file: no/such: cannot be read: No such file or directory"),
    ],
)
def test_bad_images(fields: dict, pad: bool, sentence: str) -> None:
    with pytest.raises(CaffeError) as error:
        Transformer(Rules.plain(parameters(**fields), False), None).image(noise(0, 11, 14, 3), pad)
    assert str(error.value) == sentence


def mean_file(num: int, channels: int, height: int, width: int, count: int) -> bytes:
    return BlobProto(num=num, channels=channels, height=height, width=width, data=[0] * count).SerializeToString()


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (mean_file(1, 3, 5, 5, 75), "has shape (3, 5, 5), but the image has (3, 11, 14)"),
        (mean_file(1, 3, 5, 5, 74), "the blob's shape is 1 3 5 5 (75), but it holds 74 values"),
        (mean_file(2, 1, 5, 5, 50), "not one image (1, C, H, W)"),
        (b"\xff" * 20, "not a BlobProto"),
        (b"", "holds 0 values"),
    ],
)
def test_bad_mean_files(tmp_path: Path, content: bytes, fragment: str) -> None:
    (tmp_path / "mean").write_bytes(content)
    with pytest.raises(CaffeError) as error:
        Transformer(Rules.plain(parameters(mean_file=str(tmp_path / "mean")), False), None).image(noise(0, 11, 14, 3))
    assert fragment in str(error.value) and "mean_file" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "label", "sentence"),
    [
        ({}, (37, 44), "the image is 37 x 45, but its label is 37 x 44 (height x width)"),
        ({"scale_factors": [0.01]}, (37, 45), "scale_factors 0.01 leaves nothing of an image of 37 x 45 (height x width)"),
        (
            {"crop_size": 40},
            (37, 45),
            "an image of 37 x 45 is smaller than the crop of 40 x 40 (height x width); to pad it, give mean_value",
        ),
    ],
)
def test_bad_pairs(fields: dict, label: tuple[int, int], sentence: str) -> None:
    with pytest.raises(CaffeError) as error:
        Transformer(Rules.joint(parameters(**fields), False), 1).together(noise(0, 37, 45, 3), noise(1, *label, 1), 255)
    assert str(error.value) == sentence
