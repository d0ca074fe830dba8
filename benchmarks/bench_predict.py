"""Predicting from files, JPEG to PNG, against the network alone: it may take at most 10 % longer, and in batches no longer than one
by one; and what a second thread gives.

    python benchmarks/bench_predict.py [--config vgg/test] [--variables vgg/voc_val] [--images 8] [--batch 8] [--threads 1 2] [--runs 3]

The photographs are made up, 375 x 500 as most of VOC's; the weights are the fillers'. Each run times all, one after the
other, and the fastest counts, which other programs disturbed least. Exit status 1 if a target is missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from segaware_caffe.schema import read_net, read_variables
from segaware_caffe.segmentation.predict import Predictor, predict, read_entries

#: at most so many times the time of the network alone, and of single images (equal, but for what clocks and other programs do)
WHOLE, BATCHED = 1.10, 1.05


def write_photographs(folder: Path, count: int) -> Path:
    """JPEGs of coloured waves with noise, and their list."""
    rows, columns = np.mgrid[:375, :500]
    random = np.random.default_rng(0)
    for index in range(count):
        waves = [127 + 90 * np.sin(rows / random.uniform(5, 50) + columns / random.uniform(5, 50)) for _ in range(3)]
        rgb = np.stack(waves, -1) + random.normal(0, 8, (375, 500, 3))
        Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(folder / f"{index:04}.jpg", quality=90)
    path = folder / "list.txt"
    path.write_text("".join(f"/{index:04}.jpg 0\n" for index in range(count)))
    return path


class Speed(NamedTuple):
    """Seconds an image: of the network alone on blobs in memory, and from files to files one by one and in batches."""

    alone: float
    whole: float
    batched: float


def measure(predictor: Predictor, source: Path, folder: Path, runs: int, batch: int) -> Speed:
    """The least that each took, one after the other in every run."""
    entries = read_entries(str(source))
    blobs = [predictor.load(entry).blob for entry in entries]

    def alone(_: int) -> None:
        with torch.no_grad():
            for blob in blobs:
                predictor.net(**{predictor.image: blob}, keep=[predictor.scores_blob])

    def whole(number: int, batch: int = 1) -> None:
        target = folder / f"run{number}_{batch}"
        for _ in predict(predictor, entries, target, batch=batch):
            pass
        shutil.rmtree(target)

    found = [[], [], []]
    for number in range(-1, runs):  # run -1 warms up
        for times, work in zip(found, (alone, whole, partial(whole, batch=batch)), strict=True):
            start = time.perf_counter()
            work(number)
            if number >= 0:
                times.append((time.perf_counter() - start) / len(entries))
    return Speed(*map(min, found))


def main() -> int:
    """Run, print, compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="vgg/test", help="template under configs/ (default %(default)s)")
    parser.add_argument("--variables", default="vgg/voc_val", help="variables file under configs/ (default %(default)s)")
    parser.add_argument("--images", type=int, default=8, help="photographs in each run (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="photographs in a batch (default %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="timed runs (default %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads of the network (default 1 2)")
    parser.add_argument("--device", default="cpu", help="device of the network (default %(default)s)")
    arguments = parser.parse_args()
    print(f"{arguments.config}, {arguments.images} images, {os.cpu_count()} cores, {arguments.device}; images/s")
    print(f"threads  network alone  files to files  in batches of {arguments.batch}")
    speeds = []
    with tempfile.TemporaryDirectory() as name:
        source = write_photographs(Path(name), arguments.images)
        variables = read_variables(f"configs/{arguments.variables}.vars") if arguments.variables else {}
        predictor = Predictor(read_net(f"configs/{arguments.config}.prototxt", variables), root=name)
        predictor.net.to(arguments.device)
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            speeds.append(speed := measure(predictor, source, Path(name), arguments.runs, arguments.batch))
            print(f"{threads:7}  {1 / speed.alone:13.2f}  {1 / speed.whole:14.2f}  {1 / speed.batched:10.2f}", flush=True)
    print(f"from {arguments.threads[0]} to {arguments.threads[-1]} threads: {speeds[0].whole / speeds[-1].whole:.2f} times as fast")
    checks = [
        ("files to files / network alone", max(speed.whole / speed.alone for speed in speeds), WHOLE),
        ("in batches / one by one", max(speed.batched / speed.whole for speed in speeds), BATCHED),
    ]
    for what, ratio, target in checks:
        print(f"{'met   ' if ratio <= target else 'MISSED'} {what}: {ratio:.3f} <= {target}")
    return 0 if all(ratio <= target for _, ratio, target in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
