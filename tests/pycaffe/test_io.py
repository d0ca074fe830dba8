"""`caffe.io` beyond the goldens: held against scikit-image, which pycaffe uses and we do not need."""

import numpy as np
import pytest
from PIL import Image

from segaware_caffe.errors import FileError
from segaware_caffe.pycaffe import io

SIZES = [((5, 6), (9, 11)), ((12, 10), (6, 7)), ((8, 8), (8, 8)), ((7, 9), (14, 4)), ((30, 20), (5, 5))]


def image(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 5, (height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_is_scikit_images(order, old, new, channels):
    transform = pytest.importorskip("skimage.transform")
    picture = image(*old, channels)
    low, high = picture.min(), picture.max()
    expected = transform.resize((picture - low) / (high - low), new, order=order, mode="constant") * (high - low) + low
    np.testing.assert_allclose(io.resize_image(picture, new, order), expected, atol=2e-5)


def test_resizing_takes_any_number_of_channels_and_constants():
    assert io.resize_image(image(4, 5, 7), (6, 3)).shape == (6, 3, 7)
    constant = np.full((4, 4, 3), 0.25)
    assert (io.resize_image(constant, (7, 2)) == 0.25).all() and io.resize_image(constant, (7, 2)).dtype == np.float32


def pictures() -> dict[str, Image.Image]:
    draw = np.random.default_rng(0)
    colours = Image.fromarray(draw.integers(0, 256, (6, 7, 3), np.uint8))
    alpha = Image.fromarray(draw.integers(0, 256, (6, 7, 4), np.uint8))
    grey = Image.fromarray(draw.integers(0, 256, (6, 7), np.uint8))
    return {
        "rgb": colours,
        "rgba": alpha,
        "grey": grey,
        "16 bits": Image.fromarray(draw.integers(0, 65536, (6, 7), np.uint16)),
        "palette": colours.quantize(16),
        "bits": grey.convert("1"),
    }


@pytest.mark.parametrize("kind", pictures())
@pytest.mark.parametrize("color", [True, False])
def test_pictures_are_read_as_scikit_image_reads_them(tmp_path, kind, color):
    skimage, skimage_io = pytest.importorskip("skimage"), pytest.importorskip("skimage.io")
    path = tmp_path / "p.png"
    pictures()[kind].save(path)
    expected = skimage.img_as_float(skimage_io.imread(path, as_gray=not color)).astype(np.float32)
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3 if color else 1, axis=2)
    np.testing.assert_allclose(io.load_image(path, color), expected[..., :3], atol=1e-6)


def test_what_is_no_picture_is_told_by_name(tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    for name in ("x.png", "missing.png"):
        with pytest.raises(FileError, match=name):
            io.load_image(tmp_path / name)


def test_the_picture_of_the_caller_stays_what_it_is():
    transformer = io.Transformer({"data": (1, 3, 4, 5)})
    transformer.set_raw_scale("data", 255)
    transformer.set_transpose("data", (2, 0, 1))
    picture = image(4, 5)
    before = picture.copy()
    transformer.deprocess("data", transformer.preprocess("data", picture))
    np.testing.assert_array_equal(picture, before)


def test_a_mean_picture_is_resized_to_the_input():
    transformer = io.Transformer({"data": (1, 3, 4, 5)})
    mean = image(8, 10).transpose(2, 0, 1)
    transformer.set_mean("data", mean)
    assert transformer.mean["data"].shape == (3, 4, 5)
    transformer.set_mean("data", np.full((3, 2, 2), 7.0))
    assert (transformer.mean["data"] == 7).all()
    for wrong in (np.zeros((2, 4, 5)), np.zeros((1, 3, 4, 5))):
        with pytest.raises(ValueError, match="Mean"):
            transformer.set_mean("data", wrong)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4, 5), (1, 1, 1, 1, 2)])
def test_blobs_survive_their_messages(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    blob = io.caffe_pb2.BlobProto.FromString(io.array_to_blobproto(values, -values).SerializeToString())
    np.testing.assert_array_equal(io.blobproto_to_array(blob), values)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, return_diff=True), -values)


def test_datums():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    datum = io.array_to_datum(pixels, 5)
    assert datum.data == pixels.tobytes() and datum.label == 5
    np.testing.assert_array_equal(io.datum_to_array(datum), pixels)
    np.testing.assert_array_equal(io.datum_to_array(io.array_to_datum(pixels / 7)), np.float32(pixels / 7))
    with pytest.raises(ValueError, match="Incorrect array shape"):
        io.array_to_datum(pixels[0])


def test_ten_crops():
    picture = image(9, 8)
    crops = io.oversample([picture, 2 * picture], (5, 4))
    assert crops.shape == (20, 5, 4, 3)
    for index, (top, left) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]):
        np.testing.assert_array_equal(crops[index], picture[top : top + 5, left : left + 4])
        np.testing.assert_array_equal(crops[index + 5], crops[index][:, ::-1])
    np.testing.assert_array_equal(crops[10:], 2 * crops[:10])
