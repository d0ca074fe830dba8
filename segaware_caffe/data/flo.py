"""Optical flow in Middlebury's .flo files, and the FloData layer that reads them (spec/pipeline.md 6.10)."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import Entry, cycle, read_files
from segaware_caffe.data.random import draw_seeds
from segaware_caffe.data.transform import Rules
from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Shape, register

MAGIC = 202021.25


def read_flo(path: str | os.PathLike) -> np.ndarray:
    """The flow in a .flo file, (2, H, W) float32: u, then v. CaffeError for a wrong magic number or a short file."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CaffeError(f"Could not open flow file: {os.fspath(path)}: {error.strerror}") from error
    magic, width, height = struct.unpack("<fii", data[:12]) if len(data) >= 12 else (None, 0, 0)
    if magic != MAGIC:
        raise CaffeError(f"File corrupted: {os.fspath(path)}: not a .flo file, which starts with the number {MAGIC}")
    if min(width, height) < 1 or len(data) < 12 + 8 * width * height:
        raise CaffeError(f"File corrupted: {os.fspath(path)}: {len(data)} bytes do not hold a flow of {width} x {height} (width x height)")
    values = np.frombuffer(data, "<f4", 2 * width * height, 12)
    return np.ascontiguousarray(values.reshape(height, width, 2).transpose(2, 0, 1), np.float32)


@register("FloData")
class FloData(DataLayer):
    """Optical flow from .flo files, every word of the list one file (spec/pipeline.md 6.10).

    top (N, 2, H, W): u and v. All files of a batch must have one size. `transform_param` and new sizes
    have no effect, as in the reference.
    """

    param_field = "image_data_param"

    def setup(self) -> None:
        self.check(self.options.batch_size > 0, "Positive batch size required")
        with located(self):
            draws = Rules.plain(self.proto.transform_param, self.training).draws
        self._seeds = draw_seeds(draws, self.options.shuffle, self.options.rand_skip)

    def reshape(self) -> list[Shape]:
        return self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        param = self.options
        entries = self.share.of(cycle(read_files(param.source), self._seeds.order, self._seeds.skip))
        return batched(_samples(entries, param.root_folder), param.batch_size)


def _samples(entries: Iterator[Entry], root: str) -> Iterator[tuple[str, Batch]]:
    for entry in entries:
        yield entry.name, [read_flo(root + entry.name)]
