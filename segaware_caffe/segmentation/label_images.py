"""Reading label images as labels, whatever way a program chose to store them (spec/pipeline.md 6.0, 7.4).

Labels are numbers, never colours: of a palette PNG the indices count, even under a palette that
is not VOC's, and a grey image holds its values as they are stored, in 1 to 16 bits. A picture of
the labels' colours (RGB) is read back only if every colour in it is one of VOC's 256, which are
all different; else it is refused, since a guessed label is worse than none.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from segaware_caffe.data.images import ROWS, open_image
from segaware_caffe.errors import FileError
from segaware_caffe.files import make_folder, replacing
from segaware_caffe.segmentation.palette import colormap
from segaware_caffe.segmentation.workers import Track, ahead, untracked

#: by what Pillow multiplies grey values of 2 and 4 bits, which it calls so
_STRETCHED = {"L;2": 85, "L;4": 17}


def read_labels(path: str | os.PathLike[str]) -> np.ndarray:
    """The labels (H, W) uint8 in an image file. CaffeError names the file and says what is wrong with it.

    >>> from segaware_caffe.segmentation import write_label_png
    >>> write_label_png("labels.png", np.array([[0, 15], [255, 0]], np.uint8))
    >>> read_labels("labels.png").tolist()
    [[0, 15], [255, 0]]
    """
    with open_image(path) as image:
        stored = image.tile[0][3] if image.tile else None
        values = np.asarray(image)
    if image.mode == "RGB":
        return _from_colours(path, values)
    if image.mode not in ("P", "L", "1") and not image.mode.startswith("I"):
        raise FileError(f"{os.fspath(path)}: an image of mode {image.mode} holds no labels; save indices or grey values")
    if image.mode == "L" and stored in _STRETCHED:
        values = values // _STRETCHED[stored]
    if values.max(initial=0) > 255:
        raise FileError(f"{os.fspath(path)}: label {values.max()} is larger than 255")
    return values.astype(np.uint8)


def write_raw_png(path: str | os.PathLike[str], labels: np.ndarray) -> None:
    """Write labels (H, W) uint8 as a grey PNG whose pixels are the labels."""
    with replacing(path) as temporary:
        Image.fromarray(labels).save(temporary, format="PNG")


def write_raw_labels(sources: Iterable[str | os.PathLike[str]], output: str | os.PathLike[str], track: Track = untracked) -> int:
    """Write the labels of images, and of folders of .png files, as `output`/NAME.png, raw; the number of files written.

    Raises FileError for a source that holds no labels, for two of one name, and for an output that is a source.
    """
    files: dict[str, Path] = {}
    for source in map(Path, sources):
        found = sorted(source.glob("[!.]*.png")) if source.is_dir() else [source]
        if not found:
            raise FileError(f"{source}: there are no .png files")
        for path in found:
            if path.resolve().parent == Path(output).resolve():
                raise FileError(f"{path}: lies in the output folder and would be replaced; give another one")
            if path.stem in files:
                raise FileError(f"{path}: {files[path.stem]} has the same name")
            files[path.stem] = path
    make_folder(Path(output))

    def write(name: str) -> None:
        write_raw_png(Path(output) / f"{name}.png", read_labels(files[name]))

    for _ in track(ahead(write, files), len(files)):
        pass
    return len(files)


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """(height, width) of an image, from its header alone."""
    with open_image(path) as image:
        return image.height, image.width


def _from_colours(path: str | os.PathLike[str], rgb: np.ndarray) -> np.ndarray:
    """The index in VOC's palette of every pixel (H, W, 3)."""
    colours = _packed(colormap())
    order = np.argsort(colours)
    labels = np.empty(rgb.shape[:2], np.uint8)
    for start in range(0, len(rgb), ROWS):
        packed = _packed(rgb[start : start + ROWS])
        found = order[np.searchsorted(colours[order], packed).clip(max=255)]
        unknown = np.argwhere(colours[found] != packed)
        if len(unknown):
            row, column = start + int(unknown[0, 0]), int(unknown[0, 1])
            raise FileError(
                f"{os.fspath(path)}: a picture of colours, and {tuple(rgb[row, column].tolist())} at row {row}, column {column} "
                "is none of VOC's; labels are wanted: indices or grey values"
            )
        labels[start : start + ROWS] = found
    return labels


def _packed(rgb: np.ndarray) -> np.ndarray:
    """A number for each colour of (..., 3) uint8."""
    return rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
