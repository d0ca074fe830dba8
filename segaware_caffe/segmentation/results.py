"""What is written of a segmented photograph, and segmenting many: reading, network and writing at once, and going on after a stop.

Of each photograph NAME there are NAME_overlay.png, with scores NAME_blob_0.mat, and last NAME.png, the labels: where a sound
NAME.png is, the others are there too.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from segaware_caffe.data.mat import write_mat
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import left_behind, make_folder, replacing
from segaware_caffe.segmentation.legend import shares, with_names
from segaware_caffe.segmentation.palette import overlay, palette, write_label_png
from segaware_caffe.segmentation.photographs import Photograph, read_photograph
from segaware_caffe.segmentation.predict import is_label_png
from segaware_caffe.segmentation.segment import Fitted, Segmentation, Segmenter
from segaware_caffe.segmentation.workers import THREADS, ahead

#: zlib's level for overlays, whose pixels hardly repeat: more takes several times as long for a few percent
COMPRESSION = 2


class Written(NamedTuple):
    """A photograph whose results are there: the label image, and each label's share of its pixels, the largest first."""

    photograph: Photograph
    labels: Path
    shares: dict[int, float]


class Results:
    """A folder of results.

    Args:
        folder: where they go; it is made when the first is written.
        classes: names of the classes, by label. If the first is "background" it is not coloured in overlays.
        colours: the classes' colours as 0xRRGGBB; VOC's if there are none.
        mat: whether scores are written too.
        names: whether overlays have the classes' names and a legend on them.
    """

    def __init__(
        self, folder: str | os.PathLike[str], classes: Sequence[str], colours: Sequence[int] = (), mat: bool = False, names: bool = True
    ):
        self.folder = Path(folder)
        self.classes = classes
        self.palette = palette(colours)
        self.mat = mat
        self.names = names

    def paths(self, name: str) -> list[Path]:
        """The files of a photograph, in the order in which they are written."""
        ends = ["_overlay.png", *(["_blob_0.mat"] if self.mat else []), ".png"]
        return [self.folder / f"{name}{end}" for end in ends]

    def check(self, photographs: Iterable[Photograph]) -> None:
        """FileError if the folder is a file, if a photograph would be written over, or two would become one file."""
        if self.folder.exists() and not self.folder.is_dir():
            raise FileError(f"{self.folder}: is a file; name a folder for the results")
        sources = {photograph.path.resolve(): photograph for photograph in photographs}
        makers: dict[Path, Photograph] = {}
        for photograph in sources.values():
            if photograph.listed and photograph.path.parent.resolve() == self.folder.resolve():
                raise FileError(f"{self.folder}: results would lie among the photographs, and be taken for some; name another folder")
            for target in self.paths(photograph.name):
                if target.resolve() in sources:
                    raise FileError(f"{target}: results of {photograph.path} would be written over this photograph; name another folder")
                other = makers.setdefault(target, photograph)
                if other is not photograph:
                    raise FileError(
                        f"{other.path} and {photograph.path}: both would become {target}; segment them into folders of their own"
                    )

    def unfinished(self, photographs: Iterable[Photograph]) -> list[Photograph]:
        """Those without sound results; what a run that was killed left half written of theirs is cleared away."""
        stale = left_behind(self.folder)
        result = []
        for photograph in photographs:
            paths = self.paths(photograph.name)
            for path in paths:
                for temporary in stale.get(path.name, []):
                    temporary.unlink(missing_ok=True)
            if not (all(path.exists() for path in paths) and is_label_png(paths[-1])):
                result.append(photograph)
        return result

    def write(self, photograph: Photograph, rgb: np.ndarray, result: Segmentation) -> Written:
        """Write all of a photograph's results."""
        make_folder(self.folder)
        drawn, *mat, labels = self.paths(photograph.name)
        background = 0 if self.classes[0] == "background" else None
        picture = overlay(rgb, result.labels, colours=self.palette, background=background)
        if self.names:
            picture = with_names(picture, result.labels, self.classes, self.palette)
        with replacing(drawn) as temporary:
            Image.fromarray(picture).save(temporary, format="PNG", compress_level=COMPRESSION)
        if mat and result.scores is not None:
            write_mat(mat[0], result.scores[None])
        write_label_png(labels, result.labels, self.palette)
        return Written(photograph, labels, shares(result.labels))


def segment_photographs(
    segmenter: Segmenter,
    photographs: Iterable[Photograph],
    results: Results,
    failed: Callable[[CaffeError], None],
    batch: int = 1,
    readers: int = THREADS,
    writers: int = THREADS,
) -> Iterator[Written]:
    """Segment photographs and write their results, reading ahead and writing behind on threads; yields each once its results are there.

    One that cannot be read is left out, and `failed` is told why; an error in writing ends it all.
    """
    in_work: deque[tuple[Photograph, np.ndarray]] = deque()

    def read(photograph: Photograph) -> tuple[Photograph, Fitted | CaffeError]:
        try:
            return photograph, segmenter.fit(read_photograph(photograph.path))
        except CaffeError as error:
            return photograph, error

    def readable() -> Iterator[Fitted]:
        for photograph, found in ahead(read, photographs, readers):
            if isinstance(found, CaffeError):
                failed(found)
            else:
                in_work.append((photograph, found.rgb))
                yield found

    segmented = segmenter.segment(readable(), batch, results.mat)
    return ahead(lambda done: results.write(*done), ((*in_work.popleft(), result) for result in segmented), writers)
