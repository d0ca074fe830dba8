"""Packing predictions for VOC's evaluation server, after a look at what it would refuse.

The server takes an archive of `results/VOC2012/Segmentation/comp6_test_cls/<id>.png`, an indexed
PNG with VOC's palette for every image of the test set (VOC2012 development kit, 5.3 and 10).
"""

import gzip
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segaware_caffe.data.images import open_image
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import replacing
from segaware_caffe.segmentation.evaluate import listed
from segaware_caffe.segmentation.label_images import image_size
from segaware_caffe.segmentation.palette import CLASSES, colormap
from segaware_caffe.segmentation.workers import Track, ahead, untracked
from segaware_caffe.voc.dataset import VocFolder


def check_predictions(folder: Path, names: Sequence[str], voc: VocFolder, track: Track = untracked) -> None:
    """Raise CaffeError listing what the server would refuse: names, sizes, palettes, values, or a wrong number of files."""
    there = {path.stem for path in folder.glob("[!.]*.png")}
    complaints = []
    missing, strange = sorted(set(names) - there), sorted(there - set(names))
    if missing:
        complaints.append(f"missing: {len(missing)} of {len(names)} ({listed(missing)})")
    if strange:
        complaints.append(f"not in the list: {len(strange)} ({listed(strange)})")

    both = sorted(there & set(names))
    looked = ahead(lambda name: _complaint(folder / f"{name}.png", voc.image(name)), both)
    wrong = [complaint for complaint in track(looked, len(both)) if complaint]
    if wrong:
        complaints.append(f"not fit: {len(wrong)} ({listed(wrong)})")
    if complaints:
        raise FileError(f"{folder} cannot be submitted:\n  " + "\n  ".join(complaints))


def _complaint(path: Path, image: Path) -> str | None:
    """What the server would refuse in a prediction."""
    try:
        with open_image(path) as prediction:
            values = np.asarray(prediction)
        size = image_size(image)
    except CaffeError as error:
        return str(error)
    if prediction.format != "PNG" or prediction.mode != "P":
        return f"{path.name}: no PNG with a palette"
    if values.shape != size:
        return f"{path.name}: {values.shape[0]} x {values.shape[1]}, its photograph is {size[0]} x {size[1]} (height x width)"
    if values.max(initial=0) >= len(CLASSES):
        return f"{path.name}: has value {values.max()} (the value should be <= {len(CLASSES) - 1})"
    palette = np.reshape(prediction.getpalette() or [], (-1, 3))
    used = values.max(initial=0) + 1
    if len(palette) < used or not np.array_equal(palette[:used], colormap()[:used]):
        return f"{path.name}: its palette is not VOC's"
    return None


def pack(folder: str | os.PathLike[str], names: Sequence[str], archive: str | os.PathLike[str], competition: str = "comp6_test_cls") -> int:
    """Write the .tgz of checked predictions and return its size in bytes. Equal predictions give equal bytes."""
    inside = f"results/VOC2012/Segmentation/{competition}"
    with (
        replacing(archive) as temporary,
        open(temporary, "wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name in sorted(names):
            content = Path(folder) / f"{name}.png"
            entry = tarfile.TarInfo(f"{inside}/{name}.png")
            entry.size = content.stat().st_size
            with open(content, "rb") as source:
                tar.addfile(entry, source)
    return Path(archive).stat().st_size
