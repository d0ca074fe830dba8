"""Optical flow in Middlebury's .flo files (spec/pipeline.md 6.10)."""

import os
import struct

import numpy as np

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes

MAGIC = 202021.25


def read_flo(path: str | os.PathLike[str]) -> np.ndarray:
    """The flow in a .flo file, (2, H, W) float32: u, then v. CaffeError for a wrong magic number or a short file."""
    try:
        data = read_bytes(path)
    except OSError as error:
        raise FileError(f"Could not open flow file: {os.fspath(path)}: {error.strerror}") from error
    magic, width, height = struct.unpack("<fii", data[:12]) if len(data) >= 12 else (None, 0, 0)
    if magic != MAGIC:
        raise FileError(f"File corrupted: {os.fspath(path)}: not a .flo file, which starts with the number {MAGIC}")
    if min(width, height) < 1 or len(data) < 12 + 8 * width * height:
        raise FileError(f"File corrupted: {os.fspath(path)}: {len(data)} bytes do not hold a flow of {width} x {height} (width x height)")
    values = np.frombuffer(data, "<f4", 2 * width * height, 12)
    return np.array(values.reshape(height, width, 2).transpose(2, 0, 1), np.float32, order="C")
