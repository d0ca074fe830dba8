"""Decoding and resizing, pixel by pixel against OpenCV."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.support import noise
from PIL import Image

from segaware_caffe import CaffeError
from segaware_caffe.data.images import decode_image, read_image, resize, resize_nearest

SMOOTH = cv2.GaussianBlur(noise(1, 37, 53, 3), (0, 0), 2)


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


RGB = Image.fromarray(SMOOTH)
ALPHA = Image.fromarray(np.dstack([SMOOTH, SMOOTH[..., :1]]))
FILES = {
    "jpeg": encoded(RGB, "JPEG"),
    "jpeg 4:4:4": encoded(RGB, "JPEG", subsampling=0, quality=95),
    "jpeg progressive": encoded(RGB, "JPEG", progressive=True),
    "jpeg grey": encoded(RGB.convert("L"), "JPEG"),
    "jpeg rgb": encoded(RGB, "JPEG", keep_rgb=True),
    "png": encoded(RGB, "PNG"),
    "png grey": encoded(RGB.convert("L"), "PNG"),
    "png 1 bit": encoded(RGB.convert("1"), "PNG"),
    "png 16 bit": encoded(Image.fromarray(noise(2, 37, 53).astype(np.uint16) * 257 + 100), "PNG"),
    "png palette": encoded(RGB.quantize(32), "PNG"),
    "png palette transparent": encoded(RGB.quantize(32), "PNG", transparency=3),
    "png alpha": encoded(ALPHA, "PNG"),
    "png grey alpha": encoded(ALPHA.convert("LA"), "PNG"),
    "bmp": encoded(RGB, "BMP"),
    "ppm": encoded(RGB, "PPM"),
}
IGNORE = cv2.IMREAD_IGNORE_ORIENTATION


@pytest.mark.parametrize("color", [True, False], ids=["colour", "grey"])
@pytest.mark.parametrize("name", FILES)
def test_decoding_equals_opencv(name: str, color: bool) -> None:
    expected = cv2.imdecode(np.frombuffer(FILES[name], np.uint8), (cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE) | IGNORE)
    actual = decode_image(FILES[name], color)
    assert actual.dtype == np.uint8
    np.testing.assert_array_equal(actual, expected.reshape(*expected.shape[:2], -1))


@pytest.mark.parametrize(
    ("name", "channels"),
    [("jpeg", 3), ("jpeg grey", 1), ("png", 3), ("png grey", 1), ("png palette", 3), ("png palette transparent", 4), ("png alpha", 4)],
)
def test_decoding_as_stored_equals_opencv(name: str, channels: int) -> None:
    expected = cv2.imdecode(np.frombuffer(FILES[name], np.uint8), cv2.IMREAD_UNCHANGED)
    actual = decode_image(FILES[name], None)
    assert actual.shape[2] == channels
    np.testing.assert_array_equal(actual, expected.reshape(*expected.shape[:2], -1))


def test_colour_labels_become_luminance() -> None:
    """The release's trap: a palette PNG read as a label gives its colours' grey, not its indices."""
    image = Image.fromarray(np.full((2, 2), 1, np.uint8), mode="L").convert("P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    assert (decode_image(encoded(image, "PNG"), False) == 128 * 9797 >> 15).all()


def test_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert decode_image(encoded(RGB, "JPEG", exif=exif), True).shape == (37, 53, 3)


def test_real_photographs_decode_as_opencv_decodes_them(shared: Path) -> None:
    files = [*sorted(shared.glob("data/voc_sample/JPEGImages/*.jpg")), *sorted(shared.glob("data/bsds500/JPEGImages/*.jpg"))[::10]]
    assert len(files) == 53
    for path in files:
        for color, flag in ((True, cv2.IMREAD_COLOR), (False, cv2.IMREAD_GRAYSCALE)):
            expected = cv2.imread(str(path), flag | IGNORE)
            np.testing.assert_array_equal(read_image(path, color), expected.reshape(*expected.shape[:2], -1), err_msg=str(path))


SIZES = [((7, 9), (7, 9)), ((60, 40), (45, 61)), ((31, 17), (62, 34)), ((40, 24), (20, 12)), ((5, 3), (200, 211)),
         ((200, 211), (5, 3)), ((1, 8), (6, 1)), ((50, 49), (49, 50)), ((375, 500), (187, 250))]  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize(("ours", "theirs"), [(resize, cv2.INTER_LINEAR), (resize_nearest, cv2.INTER_NEAREST)])
def test_resizing_equals_opencv(ours, theirs, old, new, channels: int) -> None:
    image = noise(3, *old, channels)
    expected = cv2.resize(image, new[::-1], interpolation=theirs).reshape(*new, channels)
    np.testing.assert_array_equal(ours(image, *new), expected)


def test_resizing_equals_opencv_at_random_sizes() -> None:
    random = np.random.default_rng(4)
    for _ in range(400):
        *old, height, width = (int(size) for size in random.integers(1, 80, 4))
        image = random.integers(0, 256, (*old, 3), dtype=np.uint8)
        for ours, theirs in ((resize, cv2.INTER_LINEAR), (resize_nearest, cv2.INTER_NEAREST)):
            np.testing.assert_array_equal(
                ours(image, height, width), cv2.resize(image, (width, height), interpolation=theirs), err_msg=f"{old} -> {height} x {width}"
            )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.jpg", None, "No such file or directory"),
        ("empty.png", b"", "not an image of a known format"),
        ("text.jpg", b"no image at all", "not an image of a known format"),
        ("cut.jpg", FILES["jpeg"][:-100], "truncated"),
        ("cut.png", FILES["png"][: len(FILES["png"]) // 2], "truncated"),
        ("torn.png", FILES["png"][:60] + b"\0" * 40 + FILES["png"][100:], ""),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CaffeError, match=f"^Could not load {path}: .*{reason}"):
        read_image(path)


def test_damaged_files_raise_nothing_else() -> None:
    """Bytes changed or cut anywhere: an image or a CaffeError."""
    random = np.random.default_rng(5)
    for data in FILES.values():
        for _ in range(25):
            broken = bytearray(data)
            for place in random.integers(0, len(data), 8):
                broken[place] = random.integers(256)
            try:
                assert decode_image(bytes(broken[: random.integers(len(data) // 2, len(data) + 1)]), True).dtype == np.uint8
            except CaffeError as error:
                assert str(error).startswith("Could not decode the image: ")
