"""Refining stored score maps by the fully connected CRF, as refine_pascal and refine_pascal_v4 do (spec/pipeline.md 8).

What a folder of features holds decides which of the two it is: `<name>.bin` are probabilities of
exactly the photograph's size (refine_pascal); `<name>_blob_0.mat` and `<name>.npy` are scores, of
which the top left part is taken (refine_pascal_v4). Each has its own default settings.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from segaware_caffe.data.images import read_image
from segaware_caffe.data.mat import read_mat
from segaware_caffe.errors import CaffeError, FileError, ShapeError
from segaware_caffe.files import make_folder
from segaware_caffe.ops.densecrf import Kernel, dense_crf
from segaware_caffe.segmentation.bin_matrices import read_bin, write_bin
from segaware_caffe.segmentation.palette import write_label_png
from segaware_caffe.segmentation.workers import THREADS, ahead
from segaware_caffe.weights.npy import read_npy


@dataclass(frozen=True)
class Settings:
    """The tools' options: standard deviations in pixels and grey levels, weights, mean-field iterations."""

    iterations: int = 10
    pos_x_std: float = 3
    pos_y_std: float = 3
    pos_w: float = 3
    bi_x_std: float = 60
    bi_y_std: float = 60
    bi_w: float = 10
    bi_r_std: float = 20
    bi_g_std: float = 20
    bi_b_std: float = 20

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name.endswith("_std") and value <= 0:
                raise CaffeError(f"{option.name} must be positive, not {value:g}")
        if self.iterations < 0:
            raise CaffeError(f"iterations must not be negative: {self.iterations}")

    @property
    def kernels(self) -> list[Kernel]:
        """The positional and the bilateral one."""
        return [
            Kernel(self.pos_w, self.pos_x_std, self.pos_y_std),
            Kernel(self.bi_w, self.bi_x_std, self.bi_y_std, (self.bi_r_std, self.bi_g_std, self.bi_b_std)),
        ]


REFINE_PASCAL = Settings()
REFINE_PASCAL_V4 = Settings(bi_x_std=70, bi_y_std=70, bi_w=5, bi_r_std=5, bi_g_std=5, bi_b_std=5)


class Features(NamedTuple):
    """The stored score maps of a folder, by the names of their photographs."""

    suffix: str
    files: dict[str, Path]

    @property
    def defaults(self) -> Settings:
        """The settings of the tool that these are for."""
        return REFINE_PASCAL if self.suffix == ".bin" else REFINE_PASCAL_V4


class Unrefined(NamedTuple):
    """Scores (K, H, W), of which exp is proportional to the probabilities, and colours (3, H, W) red green blue."""

    name: str
    scores: torch.Tensor
    rgb: torch.Tensor


def find_features(folder: str | os.PathLike[str]) -> Features:
    """What can be refined in a folder, which must be all of one kind. Other .mat files than `_blob_0` are passed over."""
    found = []
    for suffix in (".bin", ".mat", ".npy"):
        paths = sorted(path for path in Path(folder).glob(f"[!.]*{suffix}") if suffix != ".mat" or "_blob_0" in path.name)
        if paths:
            found.append(Features(suffix, {path.stem.partition("_blob_0")[0]: path for path in paths}))
    if len(found) != 1:
        kinds = " and ".join(features.suffix for features in found) or "no .bin, no _blob_0.mat and no .npy"
        raise FileError(f"{os.fspath(folder)}: holds {kinds} files; features must be there, and all of one kind")
    return found[0]


def read_features(path: Path, size: tuple[int, int]) -> torch.Tensor:
    """The scores (K, H, W) in a file of any kind, for a photograph of `size`."""
    if path.suffix == ".bin":
        probabilities = torch.from_numpy(read_bin(path, np.float32)).permute(2, 0, 1)
        if probabilities.shape[1:] != size:
            raise ShapeError(f"{path}: {tuple(probabilities.shape[1:])} is not its photograph's size {size} (height, width)")
        return probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
    scores = torch.from_numpy(read_mat(path) if path.suffix == ".mat" else read_npy(path).astype(np.float32))
    scores = scores[0] if scores.ndim == 4 and len(scores) == 1 else scores
    if scores.ndim != 3 or scores.shape[1] < size[0] or scores.shape[2] < size[1]:
        raise ShapeError(f"{path}: scores of shape {tuple(scores.shape)} do not cover a photograph of {size} (height, width)")
    return scores[:, : size[0], : size[1]]


def find_image(folder: Path, name: str) -> Path:
    """The photograph: .ppm, as the tools want it, .jpg or .png."""
    paths = [folder / f"{name}{suffix}" for suffix in (".ppm", ".jpg", ".png")]
    return next((path for path in paths if path.exists()), paths[0])


def refine(unrefined: Unrefined, settings: Settings) -> np.ndarray:
    """The labels (H, W) uint8 after the mean-field iterations."""
    return dense_crf(unrefined.scores, unrefined.rgb, settings.kernels, settings.iterations).argmax(0).to(torch.uint8).numpy()


def refine_all(
    features: Features,
    images: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: Settings,
    png: bool = False,
    threads: int = THREADS,
) -> Iterator[str]:
    """Refine every file: `<name>.bin`, an int16 label map as the tools write it, or with `png` an indexed PNG.

    Yields each name once its file is there; what was there before is written again, as the tools do.
    """
    folder = make_folder(Path(output))

    def read(name: str) -> Unrefined:
        bgr = read_image(find_image(Path(images), name))
        rgb = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)
        return Unrefined(name, read_features(features.files[name], bgr.shape[:2]), rgb)

    def write(result: tuple[str, np.ndarray]) -> str:
        name, labels = result
        if png:
            write_label_png(folder / f"{name}.png", labels)
        else:
            write_bin(folder / f"{name}.bin", labels.astype(np.int16))
        return name

    refined = ((unrefined.name, refine(unrefined, settings)) for unrefined in ahead(read, list(features.files), threads))
    return ahead(write, refined, threads)


def pngs_from_bins(source: str | os.PathLike[str], output: str | os.PathLike[str], threads: int = THREADS) -> Iterator[str]:
    """Write the int16 label maps `<name>.bin` of a folder as indexed PNGs, whether or not these are there (spec/pipeline.md 7.3)."""
    files = sorted(Path(source).glob("[!.]*.bin"))
    if not files:
        raise FileError(f"{os.fspath(source)}: there are no .bin files")
    folder = make_folder(Path(output))

    def convert(path: Path) -> str:
        labels = read_bin(path, np.int16)
        if labels.shape[2] != 1:
            raise FileError(f"{path}: a label map has 1 channel, not {labels.shape[2]}")
        write_label_png(folder / f"{path.stem}.png", labels[..., 0])
        return path.stem

    return ahead(convert, files, threads)
