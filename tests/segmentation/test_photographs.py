"""Photographs as people have them: formats, folders, patterns."""

import numpy as np
import pytest
from PIL import Image

from segaware_caffe import CaffeError
from segaware_caffe.segmentation.photographs import find_photographs, read_photograph

COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = COLOURS[..., 0]


def palette_image() -> Image.Image:
    image = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7), "P")
    image.putpalette(COLOURS.tobytes() + bytes(3 * (256 - 35)))
    return image


#: what is stored -> what is seen
FORMATS = {
    "colours.png": (lambda: Image.fromarray(COLOURS), COLOURS),
    "colours.tif": (lambda: Image.fromarray(COLOURS), COLOURS),
    "grey.png": (lambda: Image.fromarray(GREY), GREY),
    "black_and_white.png": (lambda: Image.fromarray(GREY > 99), 255 * (GREY > 99)),
    "16_bit.png": (lambda: Image.fromarray(GREY.astype(np.uint16) * 256 + 17), GREY),
    "16_bit.tif": (lambda: Image.fromarray(GREY.astype(np.uint16) * 256 + 17), GREY),
    "32_bit.tif": (lambda: Image.fromarray(GREY.astype(np.int32) * 256), GREY),
    "palette.png": (palette_image, COLOURS),
    "palette.gif": (palette_image, COLOURS),
    "cmyk.tif": (lambda: Image.fromarray(np.dstack((255 - COLOURS, np.zeros_like(GREY))), "CMYK"), COLOURS),
    "alpha.png": (lambda: Image.fromarray(np.dstack((COLOURS, np.full_like(GREY, 255)))), COLOURS),
    "transparent.png": (lambda: Image.fromarray(np.dstack((COLOURS, np.zeros_like(GREY)))), np.full_like(COLOURS, 255)),
    "grey_alpha.png": (lambda: Image.fromarray(np.dstack((GREY, np.full_like(GREY, 255))), "LA"), GREY),
    "colours.webp": (lambda: Image.fromarray(COLOURS), COLOURS),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
def test_a_photograph_is_what_a_viewer_shows(name, tmp_path):
    made, seen = FORMATS[name]
    made().save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    expected = np.broadcast_to(seen if seen.ndim == 3 else seen[..., None], (5, 7, 3))
    np.testing.assert_array_equal(read_photograph(tmp_path / name), expected)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(GREY.astype(np.float32), "floating-point numbers; save it with 8 or 16 bits"), (GREY.astype(np.int32) << 20, "more than 16 bits")],
)
def test_values_of_unknown_range_are_refused(values, sentence, tmp_path):
    Image.fromarray(values).save(tmp_path / "values.tif")
    with pytest.raises(CaffeError, match=rf"Could not load .*values\.tif: its values .*{sentence}"):
        read_photograph(tmp_path / "values.tif")


@pytest.fixture
def frames(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames" / "more").mkdir(parents=True)
    for name in ("f10.png", "f9.JPG", "f9a.png", "f100.png", "e2_11.png", "e2_9.png", "more/x.png"):
        (tmp_path / "frames" / name).touch()
    for name in ("notes.txt", ".hidden.png", "clip.mp4"):
        (tmp_path / "frames" / name).touch()
    (tmp_path / "[odd] *.png").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(*words: str) -> list[str]:
    return [photograph.path.name for photograph in find_photographs(words)]


def test_a_folders_images_come_by_number(frames):
    assert names("frames") == ["e2_9.png", "e2_11.png", "f9.JPG", "f9a.png", "f10.png", "f100.png"]
    assert all(photograph.listed for photograph in find_photographs(["frames"]))


def test_patterns_are_expanded_and_files_come_as_they_are_named(frames):
    assert names("frames/f*.png") == ["f9a.png", "f10.png", "f100.png"]
    assert names("frames/**/x.png", "frames/f100.png", "frames/f10.png", "frames/f100.png") == ["x.png", "f100.png", "f10.png"]
    assert names("[odd] *.png") == ["[odd] *.png"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("nowhere.jpg", "nowhere.jpg: there is no such photograph"),
        ("", "'': there is no such photograph"),
        ("frames/*.jpg", r"frames/\*.jpg: no file is called so"),
        ("empty", "empty: a folder without images"),
    ],
)
def test_what_names_no_photograph_is_said(frames, word, sentence):
    with pytest.raises(CaffeError, match=sentence):
        find_photographs([word])
