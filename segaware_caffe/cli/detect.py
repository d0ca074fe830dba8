"""`detect`: class scores of windows in images."""

import csv
import os
import time
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from segaware_caffe.cli.classify import FLAGS as NET_FLAGS
from segaware_caffe.cli.classify import net_arguments
from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import open_file, read_bytes, replacing

COORDINATES = ("ymin", "xmin", "ymax", "xmax")
DESCRIPTION = """\
usage: detect [FLAGS] input_file output_file

Write the class scores of windows in images. input_file is a .csv table with the columns filename, ymin, xmin, ymax, xmax
(--crop_mode=list), or a .txt list of images whose windows selective search finds (--crop_mode=selective_search, which needs
Matlab). output_file is a .csv table with the columns prediction or, if there are several classes, class0, class1, ...; or an
.h5 file with the datasets filename, window and prediction.

  segaware-caffe detect --crop_mode=list --model_def deploy.prototxt --pretrained_model net.caffemodel windows.csv scores.csv"""
FLAGS = {
    "crop_mode": ("selective_search", "list or selective_search"),
    "context_pad": (16, "pixels of the net's input, on each side, that show what lies around a window"),
    **{name: flag for name, flag in NET_FLAGS.items() if name not in ("center_only", "images_dim", "ext")},
}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "detect", DESCRIPTION, FLAGS, range(2, 3), detect)


def detect(words: list[str], flags: dict[str, Any]) -> None:
    """Read the windows, run the net, write the scores."""
    from segaware_caffe.pycaffe import Detector

    source, target = words
    if Path(target).suffix.lower() not in (".csv", ".h5", ".hdf5"):
        raise CaffeError(f"output_file {target}: its name ends in .csv or .h5")
    if flags["crop_mode"] not in ("list", "selective_search"):
        raise CaffeError(f"--crop_mode {flags['crop_mode']}: it is list or selective_search")
    detector = Detector(context_pad=flags["context_pad"], **net_arguments(flags))
    print("Loading input...")
    start = time.perf_counter()
    if flags["crop_mode"] == "list":
        detections = detector.detect_windows(_windows(source).items())
    else:
        detections = detector.detect_selective_search(os.fsdecode(read_bytes(source)).split())
    print(f"Processed {len(detections)} windows in {time.perf_counter() - start:.3f} s.")
    (_write_csv if target.lower().endswith(".csv") else _write_hdf5)(target, detections)
    print(f"Saved to {target}")


def _windows(source: str) -> dict[str, list[Any]]:
    """The windows of each image, images in the order of their first."""
    import numpy as np

    windows: dict[str, list[Any]] = {}
    with TextIOWrapper(open_file(source), newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        missing = [name for name in ("filename", *COORDINATES) if name not in (rows.fieldnames or ())]
        if missing:
            raise FileError(f"{source}: the first line must name the columns filename, {', '.join(COORDINATES)}; {missing[0]} is missing")
        for row in rows:
            try:
                window = np.array([int(float(row[name])) for name in COORDINATES])
            except (TypeError, ValueError) as error:
                raise FileError(f"{source}:{rows.line_num}: {', '.join(COORDINATES)} must be numbers") from error
            windows.setdefault(row["filename"], []).append(window)
    return windows


def _write_csv(target: str, detections: Iterable[dict[str, Any]]) -> None:
    rows = list(detections)
    count = rows[0]["prediction"].size if rows else 1
    names = ["prediction"] if count == 1 else [f"class{index}" for index in range(count)]
    with replacing(target) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["filename", *COORDINATES, *names])
        for row in rows:
            table.writerow([row["filename"], *row["window"].tolist(), *row["prediction"].ravel().tolist()])


def _write_hdf5(target: str | os.PathLike[str], detections: Iterable[dict[str, Any]]) -> None:
    h5py = optional_import("h5py", "hdf5", target)
    rows = list(detections)
    with replacing(target) as temporary, h5py.File(temporary, "w") as file:
        file["filename"] = [row["filename"] for row in rows]
        file["window"] = [row["window"] for row in rows]
        file["prediction"] = [row["prediction"] for row in rows]
