"""Where things are in a PASCAL VOC folder, which images its sets hold, and the list files made of them (spec/pipeline.md 9)."""

import os
from collections.abc import Iterable
from pathlib import Path

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import make_folder, read_bytes, replacing

#: the sets that the paper's experiments use, and how many images they have
SUBSETS = {"train_aug": 10582, "val": 1449, "trainval_aug": 12031, "test": 1456}


class VocFolder:
    """A folder laid out as VOC2012 is.

    `JPEGImages/<id>.jpg`; `SegmentationClass/<id>.png`, the labels that evaluation reads, with a
    palette; `ImageSets/Segmentation/<set>.txt` with an id on each line; and for training
    `SegmentationClassAug/<id>.png`, the labels of VOC and SBD as raw grey images.
    """

    def __init__(self, root: str | os.PathLike[str]):
        self.root = Path(root)
        self.images = self.root / "JPEGImages"
        self.labels = self.root / "SegmentationClass"
        self.training_labels = self.root / "SegmentationClassAug"
        self.sets = self.root / "ImageSets" / "Segmentation"

    def image(self, name: str) -> Path:
        """The photograph of an id."""
        return self.images / f"{name}.jpg"

    def ids(self, subset: str) -> list[str]:
        """The ids of a set, sorted. CaffeError names what is missing.

        `train_aug` is what SegmentationClassAug holds except `val`, `trainval_aug` both together;
        any other name is that of a file under ImageSets/Segmentation.
        """
        if subset == "trainval_aug":
            return sorted({*self.ids("train_aug"), *self.ids("val")})
        if subset == "train_aug":
            names = {path.stem for path in self.training_labels.glob("[!.]*.png")}
            if not names:
                raise FileError(f"{self.training_labels}: there are no labels; make them by `segaware-caffe voc augment`")
            return sorted(names - set(self.ids("val")))
        return sorted(read_ids(self.sets / f"{subset}.txt"))


def read_ids(path: str | os.PathLike[str]) -> list[str]:
    """The images' ids in a list of any kind: the first word of each line without folder and suffix.

    CaffeError if the file cannot be read, is empty, or names an image twice.
    """
    try:
        lines = read_bytes(path).decode().splitlines()
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{os.fspath(path)}: not a text file: {error.reason}") from error
    ids = [Path(line.split()[0]).stem for line in lines if line.strip()]
    if not ids:
        raise FileError(f"{os.fspath(path)}: the list is empty")
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise FileError(f"{os.fspath(path)}: '{name}' is there twice")
        seen.add(name)
    return ids


def write_lists(folder: VocFolder, output: str | os.PathLike[str], subsets: Iterable[str] = SUBSETS) -> dict[str, int | str]:
    """Write the lists that the networks' data layers and MatWrite layers read, byte for byte as published.

    `voc_<set>.txt` has the lines `/JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png`, for the test
    set `/JPEGImages/<id>.jpg 0`; `voc_<set>_id.txt`, which trainval_aug has not, has the ids. Returns for each set
    how many images it has, or why its lists could not be made.
    """
    results: dict[str, int | str] = {}
    for subset in subsets:
        try:
            ids = folder.ids(subset)
        except CaffeError as error:
            results[subset] = str(error)
            continue
        _write_lines(Path(output) / f"voc_{subset}.txt", [list_line(subset, name) for name in ids])
        if subset != "trainval_aug":
            _write_lines(Path(output) / f"voc_{subset}_id.txt", ids)
        results[subset] = len(ids)
    return results


def list_line(subset: str, name: str) -> str:
    """An image and its label as the data layers' lists name them."""
    return f"/JPEGImages/{name}.jpg " + ("0" if subset == "test" else f"/SegmentationClassAug/{name}.png")


def _write_lines(path: Path, lines: list[str]) -> None:
    make_folder(path.parent)
    with replacing(path) as temporary:
        temporary.write_bytes("".join(f"{line}\n" for line in lines).encode())
