"""The .bin matrices of the densecrf tools (spec/pipeline.md 8.1).

Three little-endian int32: rows, columns, channels; then the elements column by column: the row
runs fastest, then the column, then the channel. The file does not say their type: features are
float32, label maps int16, images uint8.
"""

import os
import struct

import numpy as np

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes, replacing


def read_bin(path: str | os.PathLike[str], dtype: type[np.generic]) -> np.ndarray:
    """The matrix (rows, columns, channels) of a .bin file whose elements are of `dtype`."""
    try:
        content = read_bytes(path)
    except OSError as error:
        raise FileError(f"Could not open {os.fspath(path)}: {error.strerror}") from error
    kind = np.dtype(dtype).newbyteorder("<")
    sizes = struct.unpack("<3i", content[:12]) if len(content) >= 12 else (-1,) * 3
    if min(sizes) < 0 or len(content) != 12 + sizes[0] * sizes[1] * sizes[2] * kind.itemsize:
        raise FileError(f"{os.fspath(path)}: {len(content)} bytes are no matrix of {kind.name} with the sizes {sizes}")
    return np.frombuffer(content, kind, offset=12).astype(dtype).reshape(sizes, order="F")


def write_bin(path: str | os.PathLike[str], matrix: np.ndarray) -> None:
    """Write a matrix (rows, columns) or (rows, columns, channels) of any number type."""
    matrix = matrix[..., None] if matrix.ndim == 2 else matrix
    with replacing(path) as temporary:
        temporary.write_bytes(struct.pack("<3i", *matrix.shape) + matrix.astype(matrix.dtype.newbyteorder("<")).tobytes(order="F"))
