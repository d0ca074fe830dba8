"""Label images are read as labels, whatever way they are stored."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segaware_caffe.cli import main
from segaware_caffe.data.images import read_image
from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation import colormap, read_labels, write_label_png
from segaware_caffe.segmentation.label_images import write_raw_labels

LABELS = np.array([[0, 1, 15], [20, 255, 3]], np.uint8)


def grey_png(path: Path, values: np.ndarray, bits: int) -> None:
    """A grey PNG of any bit depth, written here since Pillow writes only some."""
    rows = b""
    for row in values:
        number = "".join(f"{value:0{bits}b}" for value in row.tolist())
        number += "0" * (-len(number) % 8)
        rows += b"\0" + int(number, 2).to_bytes(len(number) // 8, "big")

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">2I5B", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def foreign_palette(path: Path) -> None:
    image = Image.fromarray(LABELS, mode="P")
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(path)


STORED = {
    "vocs palette": lambda path: write_label_png(path, LABELS),
    "another palette": foreign_palette,
    "grey": lambda path: Image.fromarray(LABELS).save(path),
    "16 bits": lambda path: Image.fromarray(LABELS.astype(np.uint16)).save(path),
    "16 bits, written here": lambda path: grey_png(path, LABELS, 16),
    "vocs colours": lambda path: Image.fromarray(colormap()[LABELS]).save(path),
}


@pytest.mark.parametrize("how", STORED)
def test_the_same_labels(tmp_path, how):
    STORED[how](tmp_path / "x.png")
    labels = read_labels(tmp_path / "x.png")
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, LABELS)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_few_bits_are_not_stretched(tmp_path, bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (3, 5), dtype=np.uint8)
    grey_png(tmp_path / "x.png", values, bits)
    assert np.array_equal(read_labels(tmp_path / "x.png"), values)


def test_raw_labels_of_files_and_folders(tmp_path, capsys):
    folder = tmp_path / "coloured"
    folder.mkdir()
    write_label_png(folder / "a.png", LABELS)
    foreign_palette(folder / "b.png")
    write_label_png(tmp_path / "c.png", LABELS[:, ::-1])
    assert main(["voc", "labels", str(folder), str(tmp_path / "c.png"), "--output", str(tmp_path / "raw")]) == 0
    assert f"{tmp_path}/raw: labels of 3 images" in capsys.readouterr().out
    for name, labels in (("a", LABELS), ("b", LABELS), ("c", LABELS[:, ::-1])):
        assert np.array_equal(read_image(tmp_path / "raw" / f"{name}.png", color=False)[..., 0], labels), "what data layers read"


@pytest.mark.parametrize(
    ("sources", "output", "sentence"),
    [
        (["a"], "a", "x.png: lies in the output folder and would be replaced"),
        (["a", "b/x.png"], "raw", "has the same name"),
        (["empty"], "raw", "empty: there are no .png files"),
        (["b/none.png"], "raw", "none.png: No such file"),
    ],
)
def test_raw_labels_that_cannot_be_written(tmp_path, sources, output, sentence):
    for folder in ("a", "b", "empty"):
        (tmp_path / folder).mkdir()
    for folder in ("a", "b"):
        write_label_png(tmp_path / folder / "x.png", LABELS)
    before = (tmp_path / "a" / "x.png").read_bytes()
    with pytest.raises(CaffeError) as caught:
        write_raw_labels([tmp_path / source for source in sources], tmp_path / output)
    assert sentence in str(caught.value)
    assert (tmp_path / "a" / "x.png").read_bytes() == before


def test_all_256_labels_survive(tmp_path):
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_label_png(tmp_path / "x.png", labels)
    assert np.array_equal(read_labels(tmp_path / "x.png"), labels)
    Image.fromarray(colormap()[labels]).save(tmp_path / "rgb.png")
    assert np.array_equal(read_labels(tmp_path / "rgb.png"), labels)


def foreign_colour(path: Path) -> None:
    pixels = colormap()[LABELS]
    pixels[1, 2] = (1, 2, 3)
    Image.fromarray(pixels).save(path)


def truncated(path: Path) -> None:
    write_label_png(path, np.random.default_rng(0).integers(0, 21, (50, 50)))
    path.write_bytes(path.read_bytes()[:-700])


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (foreign_colour, "(1, 2, 3) at row 1, column 2 is none of VOC's"),
        (lambda path: Image.fromarray(np.full((2, 2), 256, np.uint16)).save(path), "label 256 is larger than 255"),
        (lambda path: Image.new("RGBA", (2, 2)).save(path), "mode RGBA holds no labels"),
        (lambda path: path.write_text("no image"), "Could not load"),
        (truncated, "truncated"),
        (lambda path: None, "No such file"),
    ],
    ids=["a colour of no label", "too large", "alpha", "no image", "truncated", "missing"],
)
def test_what_is_no_label_image_is_an_error_with_its_name(tmp_path, write, sentence):
    write(tmp_path / "x.png")
    with pytest.raises(CaffeError) as error:
        read_labels(tmp_path / "x.png")
    assert sentence in str(error.value) and "x.png" in str(error.value)


def test_equal_labels_are_equal_files(tmp_path):
    for name in ("a.png", "b.png"):
        write_label_png(tmp_path / name, LABELS)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
