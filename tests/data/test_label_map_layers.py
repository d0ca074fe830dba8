"""DenseImageData and ImageLabelmapData: whole batches against a restatement, palettes, and every error."""

import itertools
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.restated import restated_image, restated_order
from data.support import MEAN, MEAN_VALUES, SEED, data_layer, next_batch, noise, words, write_image, write_pairs
from PIL import Image

from segaware_caffe import CaffeError
from segaware_caffe.schema import message_class
from segaware_caffe.segmentation.palette import colormap

TransformationParameter = message_class("TransformationParameter")
PARAMS = {"DenseImageData": "dense_image_data_param", "ImageLabelmapData": "image_data_param"}
SIZES = [(30, 41), (35, 33), (28, 28)]


def fields(kind: str, folder: Path, image: str = "", transform: str = "") -> str:
    return f'{PARAMS[kind]} {{ root_folder: "{folder}" source: "{folder}/list.txt" {image} }} transform_param {{ {transform} }}'


def write_maps(folder: Path, sizes: list[tuple[int, int]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """As `write_pairs`, with all grey values in the maps."""
    pairs = write_pairs(folder, sizes)
    pairs = [(image, noise(200 + k, *label.shape)) for k, (image, label) in enumerate(pairs)]
    for k, (_, label) in enumerate(pairs):
        write_image(folder / f"l{k}.png", label)
    return pairs


def top_of(kind: str, grey: np.ndarray) -> np.ndarray:
    """What a map's grey values are in the top: HED's divided by 255 and rounded, half to even."""
    return np.rint(grey / 255) if kind == "ImageLabelmapData" else grey


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("kind", PARAMS)
def test_batches_equal_a_restatement(tmp_path: Path, kind: str, train: bool) -> None:
    """Shuffled, mirrored and cropped, the map as its image; mean and scale for the image alone."""
    pairs = write_maps(tmp_path, SIZES)
    layer = data_layer(
        kind, fields(kind, tmp_path, "batch_size: 3 shuffle: true", f"crop_size: 20 mirror: true scale: 0.5 {MEAN_VALUES}"), train=train
    )
    _, order_seed, transform_seed = itertools.islice(words(SEED), 3)
    order, draws, again = restated_order(len(pairs), words(order_seed)), words(transform_seed), words(transform_seed)
    data, label = next_batch(layer)
    assert label.shape == (3, 1, 20, 20)
    param = TransformationParameter(crop_size=20, mirror=True, mean_value=MEAN, scale=0.5)
    bare = TransformationParameter(crop_size=20, mirror=True)
    for n, k in enumerate(order):
        np.testing.assert_array_equal(data[n], restated_image(pairs[k][0], param, train, draws))
        np.testing.assert_array_equal(label[n], top_of(kind, restated_image(pairs[k][1][..., None], bare, train, again)))


@pytest.mark.parametrize(("kind", "how"), [("DenseImageData", cv2.INTER_NEAREST), ("ImageLabelmapData", cv2.INTER_LINEAR)])
def test_new_sizes(tmp_path: Path, kind: str, how: int) -> None:
    pairs = write_maps(tmp_path, SIZES)
    data, label = next_batch(data_layer(kind, fields(kind, tmp_path, "batch_size: 3 new_height: 17 new_width: 23")))
    for n, (image, grey) in enumerate(pairs):
        np.testing.assert_array_equal(data[n], cv2.resize(image, (23, 17)).transpose(2, 0, 1))
        np.testing.assert_array_equal(label[n, 0], top_of(kind, cv2.resize(grey, (23, 17), interpolation=how)))


def test_the_fields_of_dense_image_data_crop_and_mirror_too(tmp_path: Path) -> None:
    (image, grey), *_ = write_maps(tmp_path, SIZES[:1])
    layer = data_layer(
        "DenseImageData", fields("DenseImageData", tmp_path, "batch_size: 8 crop_height: 10 crop_width: 12 mirror: true"), train=True
    )
    data, label = next_batch(layer)
    assert label.shape == (8, 1, 10, 12)
    places = set()
    for cut, labels in zip(data, label, strict=True):
        found = [
            (y, x, mirror)
            for y, x, mirror in itertools.product(range(21), range(30), (1, -1))
            if np.array_equal(labels[0], grey[y : y + 10, x : x + 12][:, ::mirror])
        ]
        (y, x, mirror) = found[0]
        np.testing.assert_array_equal(cut, image[y : y + 10, x : x + 12][:, ::mirror].transpose(2, 0, 1))
        places.add((y, x, mirror))
    assert len(places) > 4
    assert {mirror for *_, mirror in places} == {1, -1}


@pytest.mark.parametrize("kind", PARAMS)
def test_shapes_without_files(kind: str) -> None:
    layer = data_layer(kind, f'{PARAMS[kind]} {{ source: "nowhere" batch_size: 4 is_color: false }} transform_param {{ crop_size: 9 }}')
    assert layer.top_shapes() == [(4, 1, 9, 9), (4, 1, 9, 9)]


@pytest.mark.parametrize(
    ("kind", "image", "transform", "sentence"),
    [
        ("DenseImageData", "", "", "Positive batch size required"),
        ("DenseImageData", "batch_size: 1 crop_height: 3", "", "crop_height and crop_width to be set at the same time: they are 3 and 0"),
        (
            "DenseImageData",
            "batch_size: 1 crop_height: 3 crop_width: 3",
            "crop_size: 3",
            "crop_size OR crop_height and crop_width, not both",
        ),
        (
            "DenseImageData",
            "batch_size: 1 crop_height: 31 crop_width: 3",
            "",
            "an image of 30 x 41 (height x width) is smaller than the crop of 31 x 3",
        ),
        ("ImageLabelmapData", "", "crop_size: 31", "an image of 30 x 41 (height x width) is smaller than crop_size 31"),
        ("ImageLabelmapData", "new_height: 3", "", "new_height and new_width to be set at the same time: they are 3 and 0"),
    ],
)
def test_errors(tmp_path: Path, kind: str, image: str, transform: str, sentence: str) -> None:
    write_maps(tmp_path, SIZES)
    with pytest.raises(CaffeError) as caught:
        next_batch(data_layer(kind, fields(kind, tmp_path, image, transform)))
    assert sentence in str(caught.value)


def test_a_map_of_another_size_is_refused(tmp_path: Path) -> None:
    write_maps(tmp_path, SIZES[:1])
    write_image(tmp_path / "l0.png", noise(0, 5, 5))
    with pytest.raises(CaffeError, match=r"the image is 30 x 41, but its label is 5 x 5 .*list.txt:1: /i0.png"):
        next_batch(data_layer("DenseImageData", fields("DenseImageData", tmp_path, "batch_size: 1")))


# -- palettes ----------------------------------------------------------------------------------

LABELS = np.arange(30 * 41).reshape(30, 41) % 21


def write_palette(path: Path, palette: np.ndarray) -> None:
    image = Image.fromarray(LABELS.astype(np.uint8), "P")
    image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(path)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ImageSegData", "image_data_param { %s batch_size: 1 label_type: PIXEL }"),
        ("TwoImageData", "image_data_param { %s batch_size: 1 } two_image_data_param { second_is_color: false }"),
        ("DenseImageData", "dense_image_data_param { %s batch_size: 1 }"),
    ],
)
def test_labels_with_a_palette_are_read_as_caffe_reads_them_and_warned_of_once(tmp_path: Path, caplog, kind: str, text: str) -> None:
    write_pairs(tmp_path, [(30, 41)] * 2)
    for k in range(2):
        write_palette(tmp_path / f"l{k}.png", colormap())
    source = f'root_folder: "{tmp_path}" source: "{tmp_path}/list.txt"'
    with caplog.at_level(logging.WARNING):
        layers = [data_layer(kind, text % source, 3 if kind == "ImageSegData" else 2) for _ in range(2)]
        labels = [next_batch(layer)[1] for layer in layers for _ in range(2)]
    grey = cv2.imread(str(tmp_path / "l0.png"), cv2.IMREAD_GRAYSCALE)
    assert grey.max() > 100
    np.testing.assert_array_equal(labels[0][0, 0], grey)
    (message,) = [record.getMessage() for record in caplog.records if "palette" in record.getMessage()]
    assert f"source '{tmp_path}/list.txt': label image '/l0.png' has a palette" in message
    assert "label 1 is read as 38" in message
    assert "segaware-caffe voc labels" in message


def test_a_palette_of_greys_is_no_cause_for_a_warning(tmp_path: Path, caplog) -> None:
    write_pairs(tmp_path, [(30, 41)])
    write_palette(tmp_path / "l0.png", np.repeat(np.arange(256)[:, None], 3, 1))
    (_, label) = next_batch(data_layer("DenseImageData", fields("DenseImageData", tmp_path, "batch_size: 1")))
    np.testing.assert_array_equal(label[0, 0], LABELS)
    assert "palette" not in caplog.text
