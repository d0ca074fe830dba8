"""ImageData, ImageSegData and TwoImageData: whole batches, shapes without files, and every error."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.restated import restated_image, restated_order, restated_pair
from data.support import MEAN, MEAN_VALUES, SEED, data_layer, next_batch, noise, words, write_image, write_pairs

from segaware_caffe import CaffeError
from segaware_caffe.schema import message_class

TransformationParameter = message_class("TransformationParameter")
SIZES = [(40, 50), (60, 30), (25, 25), (33, 70), (50, 45)]
SCALES = [0.5, 0.75, 1, 1.25, 1.5]


def fields(folder: Path, image: str = "", transform: str = "", rest: str = "") -> str:
    return f'image_data_param {{ root_folder: "{folder}" source: "{folder}/list.txt" {image} }} transform_param {{ {transform} }} {rest}'


def write_classes(folder: Path, sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Images c<k>.png of class k and their list."""
    images = [noise(k, *size, 3) for k, size in enumerate(sizes)]
    for k, image in enumerate(images):
        write_image(folder / f"c{k}.png", image)
    (folder / "list.txt").write_text("".join(f"/c{k}.png {k}\n" for k in range(len(sizes))))
    return images


# -- whole batches -----------------------------------------------------------------------------

LABELLED = {"ImageSegData": ("label_type: PIXEL", "", 3), "TwoImageData": ("", "two_image_data_param { second_is_color: false }", 2)}


@pytest.mark.parametrize("kind", LABELLED)
def test_training_batches_equal_a_restatement(tmp_path: Path, kind: str) -> None:
    """Shuffled, mirrored, scaled, padded, randomly cropped, as in res/train, with a fixed seed."""
    pairs = write_pairs(tmp_path, SIZES)
    scales = " ".join(f"scale_factors: {scale}" for scale in SCALES)
    image, rest, tops = LABELLED[kind]
    text = fields(tmp_path, f"batch_size: 2 shuffle: true rand_skip: 3 {image}", f"crop_size: 41 mirror: true {MEAN_VALUES} {scales}", rest)
    layer = data_layer(kind, text, tops, train=True)

    _, order_seed, skip, transform_seed = itertools.islice(words(SEED), 4)
    shuffles, draws = words(order_seed), words(transform_seed)
    first, second = (np.arange(len(pairs)), np.arange(len(pairs)))
    first = first[restated_order(len(pairs), shuffles)]
    second = first[restated_order(len(pairs), shuffles)]
    served = [*first[skip % 3 :], *second]
    param = TransformationParameter(crop_size=41, mirror=True, mean_value=MEAN, scale_factors=SCALES)
    for start in range(0, len(served) - 1, 2):
        data, label, *dims = next_batch(layer)
        for n, k in enumerate(served[start : start + 2]):
            expected = restated_pair(*pairs[k], param, True, draws, 255)
            np.testing.assert_array_equal(data[n], expected[0])
            np.testing.assert_array_equal(label[n], expected[1])
            for top in dims:
                assert top[n].ravel().tolist() == [min(41, side) for side in SIZES[k]]


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
def test_image_data_equals_a_restatement(tmp_path: Path, train: bool) -> None:
    images = write_classes(tmp_path, SIZES)
    transform = f"crop_size: 20 mirror: true scale: 0.5 {MEAN_VALUES}"
    layer = data_layer("ImageData", fields(tmp_path, "batch_size: 3 shuffle: true", transform), train=train)
    _, order_seed, transform_seed = itertools.islice(words(SEED), 3)
    order, draws = restated_order(len(images), words(order_seed)), words(transform_seed)
    data, label = next_batch(layer)
    param = TransformationParameter(crop_size=20, mirror=True, mean_value=MEAN, scale=0.5)
    for n, k in enumerate(order[:3]):
        np.testing.assert_array_equal(data[n], restated_image(images[k], param, train, draws))
    assert label.tolist() == order[:3]


def test_image_data_pads_as_image_seg_data_does(tmp_path: Path) -> None:
    """The extension that vgg/test_voc_test needs."""
    write_classes(tmp_path, SIZES)
    transform = f"crop_size: 55 {MEAN_VALUES}"
    plain = data_layer("ImageData", fields(tmp_path, "", transform))
    labelled = data_layer("ImageSegData", fields(tmp_path, "label_type: IMAGE", transform), 3)
    for k, size in enumerate(SIZES):
        data, label = next_batch(plain)
        expected, plane, _ = next_batch(labelled)
        np.testing.assert_array_equal(data, expected)
        assert label.tolist() == [k]
        assert set(np.unique(plane)) <= {k, 255} and (plane[0, 0, : min(size[0], 55), : min(size[1], 55)] == k).all()


@pytest.mark.parametrize(
    ("param", "line", "inside"),
    [
        ("label_type: IMAGE", "/c0.png 7", 7),
        ("", "/c0.png 300", 255),
        ("", "/c0.png -3", 0),
        ("label_type: NONE", "/c0.png", 255),
        ("label_type: NONE ignore_label: 9", "/c0.png 0 0", 9),
    ],
)
def test_label_planes_without_label_images(tmp_path: Path, param: str, line: str, inside: int) -> None:
    write_classes(tmp_path, [(12, 15)])
    (tmp_path / "list.txt").write_text(line)
    data, label, dims = next_batch(data_layer("ImageSegData", fields(tmp_path, param), 3))
    assert data.shape == (1, 3, 12, 15) and label.shape == (1, 1, 12, 15) and (label == inside).all()
    assert dims.tolist() == [[[[12, 15]]]]


def test_label_images_are_resized_as_photographs_by_image_seg_data_only(tmp_path: Path) -> None:
    ((image, label),) = write_pairs(tmp_path, [(40, 30)])
    size = "new_height: 23 new_width: 31"
    seg = next_batch(data_layer("ImageSegData", fields(tmp_path, f"{size} label_type: PIXEL"), 3))
    two = next_batch(data_layer("TwoImageData", fields(tmp_path, size, rest="two_image_data_param { second_is_color: false }")))
    bilinear, nearest = (cv2.resize(label, (31, 23), interpolation=how) for how in (cv2.INTER_LINEAR, cv2.INTER_NEAREST))
    np.testing.assert_array_equal(seg[0][0], cv2.resize(image, (31, 23)).transpose(2, 0, 1))
    np.testing.assert_array_equal(two[0], seg[0])
    np.testing.assert_array_equal(seg[1][0, 0], bilinear)
    np.testing.assert_array_equal(two[1][0, 0], nearest)
    assert seg[2].ravel().tolist() == [23, 31]


def test_a_second_image_in_colour_is_treated_as_the_first(tmp_path: Path) -> None:
    write_classes(tmp_path, [(20, 30)])
    (tmp_path / "list.txt").write_text("/c0.png /c0.png")
    layer = data_layer("TwoImageData", fields(tmp_path, "", f"crop_size: 25 mirror: true scale: 0.5 {MEAN_VALUES}"), train=True)
    first, second = next_batch(layer)
    assert first.shape == (1, 3, 25, 25)
    np.testing.assert_array_equal(first, second)


def test_grey_images(tmp_path: Path) -> None:
    write_pairs(tmp_path, [(9, 8)])
    grey = cv2.imread(str(tmp_path / "i0.png"), cv2.IMREAD_GRAYSCALE)
    text = fields(tmp_path, "is_color: false label_type: PIXEL", "mean_value: 3 crop_size: 12")
    data, *_ = next_batch(data_layer("ImageSegData", text, 3))
    assert data.shape == (1, 1, 12, 12)
    np.testing.assert_array_equal(data[0, 0, :9, :8], grey.astype(np.float32) - 3)
    assert not data[0, 0, 9:].any() and not data[0, 0, :, 8:].any()


@pytest.mark.parametrize("kind", ["ImageData", "ImageSegData"])
def test_without_a_crop_every_batch_has_its_own_size(tmp_path: Path, kind: str) -> None:
    write_classes(tmp_path, SIZES)
    layer = data_layer(kind, fields(tmp_path, "batch_size: 1"), 2)
    assert layer.top_shapes()[0] == (1, 3, *SIZES[0])
    for size in SIZES:
        assert next_batch(layer)[0].shape == (1, 3, *size)


def test_the_third_top_may_be_left_out(tmp_path: Path) -> None:
    write_pairs(tmp_path, [(9, 8)] * 2)
    assert len(next_batch(data_layer("ImageSegData", fields(tmp_path, "label_type: PIXEL batch_size: 2"), tops=2))) == 3


# -- shapes without files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "image", "transform", "rest", "shapes"),
    [
        ("ImageData", "batch_size: 2", "crop_size: 21", "", [(2, 3, 21, 21), (2,)]),
        ("ImageData", "new_height: 4 new_width: 5 is_color: false", "", "", [(1, 1, 4, 5), (1,)]),
        ("ImageSegData", "batch_size: 2", "crop_height: 20 crop_width: 30", "", [(2, 3, 20, 30), (2, 1, 20, 30), (2, 1, 1, 2)]),
        ("TwoImageData", "", "crop_size: 21", "two_image_data_param { second_is_color: false }", [(1, 3, 21, 21), (1, 1, 21, 21)]),
        ("TwoImageData", "", "crop_size: 21", "two_image_data_param { first_is_color: false }", [(1, 1, 21, 21), (1, 3, 21, 21)]),
    ],
)
def test_shapes_that_the_fields_decide_need_no_files(kind: str, image: str, transform: str, rest: str, shapes: list) -> None:
    layer = data_layer(kind, fields(Path("no/such/folder"), image, transform, rest), 3 if kind == "ImageSegData" else 2)
    assert layer.top_shapes() == shapes
    with pytest.raises(CaffeError, match=f"^layer 'it' \\({kind}\\): source: Could not open 'no/such/folder/list.txt': No such file"):
        layer()


# -- errors ------------------------------------------------------------------------------------

BAD_FIELDS = [
    ("ImageData", "batch_size: 0", "", "Positive batch size required"),
    ("ImageData", "new_height: 3", "", "new_height and new_width to be set at the same time: they are 3 and 0"),
    ("ImageData", "", "mean_file: 'm' mean_value: 1", "Cannot specify mean_file and mean_value at the same time"),
    ("ImageData", "", "mean_value: 1 mean_value: 2", "Specify either 1 mean_value or as many as channels: 3, not 2"),
    ("ImageData", "is_color: false", MEAN_VALUES, "Specify either 1 mean_value or as many as channels: 1, not 3"),
    ("ImageSegData", "", "mean_file: 'm'", "does not support mean file"),
    ("ImageSegData", "", "crop_height: 5", "Must either specify crop_size or both crop_height and crop_width."),
    ("TwoImageData", "", "crop_size: 5 crop_width: 5 crop_height: 5", "Must either specify crop_size or both crop_height and crop_width."),
    ("ImageData", "", "", "source: Could not open"),
]


@pytest.mark.parametrize(("kind", "image", "transform", "fragment"), BAD_FIELDS)
def test_bad_fields_are_refused_when_the_net_is_built(tmp_path: Path, kind: str, image: str, transform: str, fragment: str) -> None:
    with pytest.raises(CaffeError) as error:
        data_layer(kind, fields(tmp_path, image, transform), 3 if kind == "ImageSegData" else 2)
    assert str(error.value).startswith(f"layer 'it' ({kind}): ") and fragment in str(error.value)


def test_too_few_tops() -> None:
    with pytest.raises(CaffeError, match="ImageData Layer takes 2 top blob"):
        data_layer("ImageData", fields(Path("/no"), "", "crop_size: 5"), tops=1)


BAD_ITEMS = [
    ("ImageData", "", "crop_size: 9", "/c0.png 1\n/c1.jpg 1",
     "Could not load {0}/c1.jpg: No such file or directory ({0}/list.txt:2: /c1.jpg)"),
    ("ImageData", "", "crop_size: 9", "/c0.png one", "{0}/list.txt:1: 'one' is no label"),
    ("ImageData", "", "crop_size: 99", "/c0.png 1", "an image of 20 x 30 is smaller than the crop of 99 x 99"),
    ("ImageData", "batch_size: 2", "", "/c0.png 1\n/c1.png 1",
     "/c1.png has shape (3, 20, 31), but /c0.png in the same batch has (3, 20, 30)"),
    ("ImageSegData", "label_type: PIXEL", "crop_size: 9", "/c0.png",
     "{0}/list.txt:1: '/c0.png' stands alone; the line must be a file name and the name"),
    ("ImageSegData", "", "crop_size: 9", "/c0.png /c1.png", "{0}/list.txt:1: '/c1.png' is no label"),
    ("ImageSegData", "label_type: PIXEL", "crop_size: 9", "/c0.png /c1.png",
     "the image is 20 x 30, but its label is 20 x 31 (height x width) ({0}/list.txt:1: /c0.png)"),
    ("ImageSegData", "label_type: PIXEL", "crop_size: 9", "/c0.png /gone.png", "Could not load {0}/gone.png: No such file or directory"),
    ("ImageSegData", "label_type: NONE rand_skip: 1000", "crop_size: 9", "/c0.png", "Not enough points to skip"),
    ("TwoImageData", "", "crop_size: 9", "/c0.png /text.png", "Could not load {0}/text.png: not an image of a known format"),
    ("TwoImageData", "", "crop_size: 9", "/cut.jpg /c0.png", "Could not load {0}/cut.jpg: image file is truncated"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "image", "transform", "lines", "sentence"), BAD_ITEMS)
def test_bad_items_are_named(tmp_path: Path, kind: str, image: str, transform: str, lines: str, sentence: str) -> None:
    write_classes(tmp_path, [(20, 30), (20, 31)])
    write_image(tmp_path / "whole.jpg", noise(0, 20, 30, 3))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-200])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "list.txt").write_text(lines)
    with pytest.raises(CaffeError) as error:
        layer = data_layer(kind, fields(tmp_path, image, transform), 3 if kind == "ImageSegData" else 2)
        for _ in range(3):
            layer()
    assert str(error.value).startswith(f"layer 'it' ({kind}): ") and sentence.format(tmp_path) in str(error.value)


# -- real pictures -----------------------------------------------------------------------------


def test_real_voc_images_at_513(shared: Path, tmp_path: Path) -> None:
    """Photograph and (palette) label through ImageSegData as res/test reads them; OpenCV says what is right."""
    root = shared / "data" / "voc_sample"
    ids = (root / "ImageSets" / "Segmentation" / "val.txt").read_text().split()
    (tmp_path / "list.txt").write_text("".join(f"/JPEGImages/{i}.jpg /SegmentationClass/{i}.png\n" for i in ids))
    source = f'image_data_param {{ root_folder: "{root}" source: "{tmp_path}/list.txt" label_type: PIXEL }}'
    layer = data_layer("ImageSegData", f"{source} transform_param {{ crop_size: 513 {MEAN_VALUES} }}", 3)
    for i in ids:
        data, label, dims = next_batch(layer)
        image = cv2.imread(str(root / "JPEGImages" / f"{i}.jpg"))
        plane = cv2.imread(str(root / "SegmentationClass" / f"{i}.png"), cv2.IMREAD_GRAYSCALE)
        height, width = plane.shape
        np.testing.assert_array_equal(data[0, :, :height, :width], (image.astype(np.float32) - np.float32(MEAN)).transpose(2, 0, 1))
        np.testing.assert_array_equal(label[0, 0, :height, :width], plane)
        assert not data[0, :, height:].any() and (label[0, 0, :, width:] == 255).all() and dims.ravel().tolist() == [height, width]
