"""Predicting from files, JPEG to PNG, against the network alone: it may take at most 10 % longer.

    python benchmarks/bench_predict.py [--config vgg/test] [--variables vgg/voc_val] [--images 4] [--runs 5]

The photographs are made up, 375 x 500 as most of VOC's; the weights are the fillers'. Each run times both, one after the
other, and the fastest counts, which other programs disturbed least. Exit status 1 if the target is missed.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from segaware_caffe.schema import read_net, read_variables
from segaware_caffe.segmentation.predict import Predictor, predict, read_entries

TARGET = 1.10


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


def measure(predictor: Predictor, source: Path, folder: Path, runs: int) -> tuple[float, float]:
    """Least seconds for all images: the network alone on blobs in memory, and from files to files."""
    entries = read_entries(str(source))
    blobs = [predictor.load(entry).blob for entry in entries]
    alone, whole = [], []
    for number in range(-1, runs):  # run -1 warms up
        start = time.perf_counter()
        with torch.no_grad():
            for blob in blobs if number >= 0 else blobs[:1]:
                predictor.net(**{predictor.image: blob}, keep=[predictor.scores_blob])
        middle = time.perf_counter()
        for _ in predict(predictor, entries if number >= 0 else entries[:1], folder / f"run{number}"):
            pass
        if number >= 0:
            alone.append(middle - start)
            whole.append(time.perf_counter() - middle)
    return min(alone), min(whole)


def main() -> int:
    """Run, print, compare with the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="vgg/test", help="template under configs/ (default %(default)s)")
    parser.add_argument("--variables", default="vgg/voc_val", help="variables file under configs/ (default %(default)s)")
    parser.add_argument("--images", type=int, default=4, help="photographs in each run (default %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs (default %(default)s)")
    parser.add_argument("--device", default="cpu", help="device of the network (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = write_photographs(Path(name), arguments.images)
        variables = read_variables(f"configs/{arguments.variables}.vars")
        predictor = Predictor(read_net(f"configs/{arguments.config}.prototxt", variables), root=name)
        predictor.net.to(arguments.device)
        alone, whole = measure(predictor, source, Path(name), arguments.runs)
    per_image = 1 / arguments.images
    print(f"{arguments.config}, {arguments.images} images, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {arguments.device}")
    print(f"network alone      {alone * per_image:8.3f} s an image\nfrom files to files{whole * per_image:8.3f} s an image")
    met = whole <= TARGET * alone
    print(f"{'met   ' if met else 'MISSED'} ratio {whole / alone:.3f} <= {TARGET}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
