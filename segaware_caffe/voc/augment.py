"""SegmentationClassAug: the labels that the networks train on, VOC's and SBD's, as raw grey images (spec/pipeline.md 7.6, 9).

SBD (B. Hariharan et al., "Semantic contours from inverse detectors", ICCV 2011) labels more of
VOC's photographs. Where both have a label VOC's is taken, which draws outlines as void. The data
layers read labels as grey images, so palettes go: what the release's SavePngAsRawPng does.
"""

import os
from pathlib import Path

import numpy as np

from segaware_caffe.data.mat import read_mat_field
from segaware_caffe.errors import FileError
from segaware_caffe.files import make_folder
from segaware_caffe.segmentation.label_images import read_labels, write_raw_png
from segaware_caffe.segmentation.workers import Track, ahead, untracked
from segaware_caffe.voc.dataset import VocFolder


def augment(folder: VocFolder, sbd: str | os.PathLike[str] | None, track: Track = untracked) -> int:
    """Make SegmentationClassAug of SegmentationClass and SBD's `dataset` folder (None: of VOC's labels alone).

    Files that are there stay. `track` sees the images go by; returns their number.
    """
    sources = _by_name(Path(sbd) / "cls", ".mat") if sbd is not None else {}
    sources |= _by_name(folder.labels, ".png")
    make_folder(folder.training_labels)

    def make(name: str) -> None:
        target = folder.training_labels / f"{name}.png"
        if not target.exists():
            source = sources[name]
            write_raw_png(target, read_sbd(source) if source.suffix == ".mat" else read_labels(source))

    for _ in track(ahead(make, sorted(sources)), len(sources)):
        pass
    return len(sources)


def _by_name(folder: Path, suffix: str) -> dict[str, Path]:
    """The files of a folder by their names' stems."""
    found = {path.stem: path for path in folder.glob(f"[!.]*{suffix}")}
    if not found:
        raise FileError(f"{folder}: there are no {suffix} files")
    return found


def read_sbd(path: str | os.PathLike[str]) -> np.ndarray:
    """The labels (H, W) uint8 in one of SBD's `cls/<id>.mat`, whose struct GTcls has them as Segmentation."""
    return read_mat_field(path, "GTcls", "Segmentation")
