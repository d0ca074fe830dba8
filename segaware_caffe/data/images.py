"""Images as OpenCV gives them to the reference, decoded with Pillow and resized with numpy (spec/pipeline.md 6.0).

An image is an (H, W, C) uint8 array, its colours in the order blue, green, red. Against
OpenCV 4 the tests find every pixel equal: JPEG, PNG, BMP, PPM in colour and in grey, and
both resizes. Grey is what the format's own library makes, since OpenCV leaves it to them:
the luminance plane of a JPEG, libpng's sum for a PNG, OpenCV's own for the rest. WebP and
16-bit colour PNG in grey, and CMYK JPEG, may differ by 1. EXIF orientation is ignored.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import open_file
from segaware_caffe.limits import PIXELS

#: what OpenCV reads, in Pillow's words; others are not tried (for EPS Pillow starts a program)
FORMATS = ["BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "SUN", "TIFF", "WEBP"]
#: of a JPEG of any size
MAX_SCANS = 32
#: of a picture that are handled at a time where its values need more room than it
ROWS = 64


def read_image(path: str | os.PathLike[str], color: bool = True) -> np.ndarray:
    """The image in a file: (H, W, 3) blue green red, or (H, W, 1) grey. CaffeError names the file."""
    with open_image(path) as image:
        return _decoded(image, color)


def read_label_image(path: str | os.PathLike[str]) -> tuple[np.ndarray, str]:
    """The grey image (H, W, 1) in a file, and what its palette does to labels: an example, or "" if they are what is stored."""
    with open_image(path) as image:
        indices = np.asarray(image)[..., None] if image.mode == "P" else None
        grey = _grey_of_file(image)
    if indices is None or np.array_equal(indices, grey):
        return grey, ""
    row, column, _ = np.unravel_index(np.argmax(indices != grey), grey.shape)
    return grey, f"{indices[row, column, 0]} is read as {grey[row, column, 0]}"


@contextmanager
def open_image(path: str | os.PathLike[str]) -> Iterator[ImageFile]:
    """The picture in a file, its pixels not yet decoded: of a format that OpenCV reads, and not too many of them.

    Whatever Pillow raises inside the block becomes a CaffeError that names the file.
    """
    with loading(path), open_file(path) as file, _opened(file) as image:
        yield image


def _opened(file: BinaryIO) -> ImageFile:
    image = Image.open(file, formats=FORMATS)
    width, height = image.size
    PIXELS.check(width * height, f"{width} x {height}", FileError)
    if image.format in ("JPEG", "MPO"):
        _check_scans(file, width * height)
    return image


def _check_scans(file: BinaryIO, pixels: int) -> None:
    """A progressive JPEG is decoded as often as it has scans: ten or so, but a small file can have thousands."""
    place = file.tell()
    file.seek(0)
    scans = file.read().count(b"\xff\xda")
    file.seek(place)
    if scans > MAX_SCANS and scans * pixels > PIXELS.most():
        raise FileError(f"a JPEG of {scans} scans, each of {pixels} pixels, takes too long to decode")


@contextmanager
def loading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Makes a CaffeError that names the file of whatever Pillow raises inside the block."""
    try:
        yield
    except Exception as error:  # Pillow documents no set of errors for damaged files
        raise FileError(f"Could not load {os.fspath(path)}: {_reason(error)}") from error


def decode_image(data: bytes, color: bool | None) -> np.ndarray:
    """As `read_image`, from the bytes of a file; `color` None keeps the channels as stored: 1, 3, or 4 with alpha."""
    try:
        with _opened(io.BytesIO(data)) as image:
            return _decoded(image, color)
    except Exception as error:
        raise FileError(f"Could not decode the image: {_reason(error)}") from error


def encode_image(image: np.ndarray, extension: str) -> bytes:
    """An (H, W, 3) blue green red or (H, W, 1) grey image as the bytes of a file with that extension, as OpenCV writes it.

    JPEG has quality 95 and half the colours' resolution. CaffeError for an extension that Pillow writes no file of.
    """
    Image.init()
    form = Image.registered_extensions().get(f".{extension.lower()}")
    if form not in Image.SAVE:
        raise CaffeError(f"Could not encode an image as '{extension}'")
    options = {"quality": 95, "subsampling": "4:2:0"} if form == "JPEG" else {}
    file = io.BytesIO()
    pixels = image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image[..., ::-1])
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _decoded(image: Image.Image, color: bool | None) -> np.ndarray:
    if color is None:
        return _as_stored(image)
    return _bgr(image) if color else _grey_of_file(image)


def _grey_of_file(image: Image.Image) -> np.ndarray:
    if image.format in ("JPEG", "MPO"):
        image.draft("L", image.size)
    return _grey(image)


def _as_stored(image: Image.Image) -> np.ndarray:
    if image.mode in ("1", "L", "I;16", "I;16B", "I"):
        return _grey(image)
    if "A" in image.getbands() or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]]
    return _bgr(image)


def _bgr(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return np.repeat(_grey(image), 3, axis=2)
    return np.asarray(image.convert("RGB"))[..., ::-1]


def _grey(image: Image.Image) -> np.ndarray:
    """One channel, (H, W, 1)."""
    if image.mode.startswith("I"):  # 16 bits: the high byte, as libpng strips it
        return (np.asarray(image) >> 8).astype(np.uint8)[..., None]
    if image.mode in ("1", "L", "LA"):
        return np.asarray(image.convert("L"))[..., None]
    rgb = np.asarray(image.convert("RGB"))
    grey = np.empty((*rgb.shape[:2], 1), np.uint8)
    for start in range(0, len(rgb), ROWS):  # 32 bits a value are much for a whole picture
        grey[start : start + ROWS, :, 0] = _luminance(rgb[start : start + ROWS].astype(np.int32), image.format == "PNG")
    return grey


def _luminance(rgb: np.ndarray, png: bool) -> np.ndarray:
    """libpng's sum, or OpenCV's."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    if png:
        mixed = (9797 * red + 19234 * green + 3737 * blue) >> 15
        return np.where((red == green) & (green == blue), red, mixed)
    return (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """OpenCV's bilinear resize of an (H, W, C) uint8 image: half-pixel centres, weights of 11 bits.

    Columns outside the image repeat the border pixel, and so do rows; the sums are cut and
    rounded where OpenCV cuts and rounds them, so that pixels are equal and not just close.
    """
    if image.shape[:2] == (height, width):
        return image
    last = image.shape[1] - 1
    left, fraction = _positions(image.shape[1], width)
    fraction[(left < 0) | (left >= last)] = 0
    low, high = _weights(fraction)
    wide = np.multiply(image[:, left.clip(0, last)], low[:, None], dtype=np.int32)
    wide += np.multiply(image[:, (left + 1).clip(0, last)], high[:, None], dtype=np.int32)
    wide >>= 4

    last = image.shape[0] - 1
    above, fraction = _positions(image.shape[0], height)
    upper, lower = wide[above.clip(0, last)], wide[(above + 1).clip(0, last)]
    for rows, weight in zip((upper, lower), _weights(fraction), strict=True):
        rows *= weight[:, None, None]
        rows >>= 16
    upper += lower
    upper += 2
    upper >>= 2
    return upper.astype(np.uint8)


def _positions(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the centres of `new` pixels lie on `old` ones: the pixel before each, and the float32 rest."""
    centre = ((np.arange(new) + 0.5) * (1 / (new / old)) - 0.5).astype(np.float32)
    before = np.floor(centre)
    return before.astype(np.intp), centre - before


def _weights(fraction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 11-bit weights of the pixels before and after."""
    unit = np.float32(2048)
    return np.rint((1 - fraction) * unit).astype(np.int32), np.rint(fraction * unit).astype(np.int32)


def resize_nearest(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """OpenCV's nearest-neighbour resize: pixel x of the result is pixel floor(x * W / width)."""
    if image.shape[:2] == (height, width):
        return image
    rows, columns = (
        np.floor(np.arange(new) * (1 / (new / old))).astype(np.intp).clip(max=old - 1)
        for old, new in zip(image.shape, (height, width), strict=False)
    )
    return image[rows[:, None], columns]
