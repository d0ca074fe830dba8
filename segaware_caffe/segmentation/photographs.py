"""Photographs as people have them: in any format, sideways, with an alpha channel, single, in folders, as frames of a video."""

import glob
import os
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from segaware_caffe.data.images import open_image
from segaware_caffe.errors import FileError


class Photograph(NamedTuple):
    """A photograph's file; `listed` if it was found in a folder, not named by itself."""

    path: Path
    listed: bool

    @property
    def name(self) -> str:
        """What the files that are made of it are called, before their suffixes."""
        return self.path.stem


def read_photograph(path: str | os.PathLike[str]) -> np.ndarray:
    """A photograph (H, W, 3) uint8 RGB as a viewer shows it. FileError names the file.

    It is turned and mirrored as its EXIF orientation says, and white where it is transparent; of 16 bits the upper 8 are taken.

    >>> Image.new("RGB", (4, 2), "red").save("red.png")
    >>> read_photograph("red.png").shape
    (2, 4, 3)
    """
    with open_image(path) as image:
        return np.asarray(_as_rgb(_upright(image)))


def _upright(image: Image.Image) -> Image.Image:
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its values are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min(initial=0) < 0 or values.max(initial=0) >= 2**16:
            raise ValueError("its values have more than 16 bits; save it with 8 or 16")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def find_photographs(words: Sequence[str]) -> list[Photograph]:
    """The photographs that words name: files, patterns such as `frames/*.png`, and folders, with all images that lie in them.

    Those of a folder or a pattern come in their names' order, numbers in names by value: frame2 before frame10. Of one that is
    named twice the first mention counts.
    Raises FileError for a file that is not there, and for a folder or a pattern without images.

    >>> from pathlib import Path
    >>> Path("frames").mkdir()
    >>> for number in (10, 2):
    ...     Image.new("RGB", (4, 2)).save(f"frames/frame{number}.jpg")
    >>> [photograph.name for photograph in find_photographs(["frames"])]
    ['frame2', 'frame10']
    """
    found: dict[Path, Photograph] = {}
    for photograph in (photograph for word in words for photograph in _found(word)):
        found.setdefault(photograph.path.resolve(), photograph)
    return list(found.values())


def _found(word: str) -> list[Photograph]:
    path = Path(word)
    if word and path.is_dir():
        found = _images(child for child in path.iterdir() if not child.name.startswith(".") and child.is_file())
        if not found:
            raise FileError(f"{word}: a folder without images (files whose names end in .jpg, .png or what else Pillow reads)")
        return [Photograph(image, True) for image in found]
    if word and path.exists():
        return [Photograph(path, False)]
    if not glob.has_magic(word):
        raise FileError(f"{word or repr(word)}: there is no such photograph")
    found = sorted((Path(name) for name in glob.glob(word, recursive=True) if Path(name).is_file()), key=_by_number)
    if not found:
        raise FileError(f"{word}: no file is called so")
    return [Photograph(image, False) for image in found]


def _images(paths: Iterable[Path]) -> list[Path]:
    return sorted((path for path in paths if path.suffix.lower() in _suffixes()), key=_by_number)


@cache
def _suffixes() -> frozenset[str]:
    """How names of files end that Pillow reads as images."""
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN and kind not in ("PDF", "MPEG"))


def _by_number(path: Path) -> tuple[str, list[str | int], str]:
    """What puts paths of a folder in order, numbers in their names by value."""
    parts = re.split(r"(\d+)", path.name)
    return str(path.parent), [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name
