"""Blobs in MATLAB files as the reference's MatRead and MatWrite keep them (spec/pipeline.md 6.11, 6.12).

A version 5 file with one variable `data`, whose dimensions are the blob's from the last to the
first: what MATLAB stores column by column is the blob's memory as it is. Files are written
uncompressed, in the layout of the reference's; what MATLAB and SciPy write is read too.

A file is a header of 128 bytes and elements, each a tag (type, number of bytes), its bytes and
padding to 8; an element of at most 4 bytes may sit in the tag. A variable is an element whose
bytes are elements again: flags, dimensions, name, values.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segaware_caffe.errors import FileError
from segaware_caffe.files import replacing

VARIABLE = b"data"
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
#: element type -> how its values are stored
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
#: class of a variable -> type of its values
CLASSES: dict[int, Any] = {6: np.dtype(np.float64), 7: np.dtype(np.float32)}
COMPLEX = 0x800
#: of an element, since its size is stored in 32 bits
MAX_BYTES = 2**32 - 1

Element = tuple[int, memoryview]


def write_mat(path: str | os.PathLike[str], blob: np.ndarray) -> None:
    """Write a blob of at most 4 axes, float32 or float64, completely or not at all; folders are made."""
    kind = next((number for number, dtype in CLASSES.items() if dtype == blob.dtype), None)
    if kind is None or blob.ndim > 4:
        raise FileError(
            f"{os.fspath(path)}: only blobs of floats or doubles with at most 4 axes can be written, not {blob.dtype} {blob.shape}"
        )
    values = np.ascontiguousarray(blob.reshape(*blob.shape, *[1] * (4 - blob.ndim)))
    tag, order = (9, "<f8") if kind == 6 else (7, "<f4")
    head = (
        struct.pack("<6I", UINT32, 8, kind, 0, INT32, 16)
        + struct.pack("<4i", *values.shape[::-1])
        + struct.pack("<HH4s", INT8, len(VARIABLE), VARIABLE)
        + struct.pack("<2I", tag, values.nbytes)
    )
    padding = -values.nbytes % 8
    if len(head) + values.nbytes + padding > MAX_BYTES:
        raise FileError(f"{os.fspath(path)}: a blob of {values.nbytes} bytes is too large for a .mat file, which holds 4 GiB")
    header = b"MATLAB 5.0 MAT-file, written by segaware_caffe".ljust(116) + bytes(8) + struct.pack("<H2s", 0x0100, b"IM")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from error
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(header + struct.pack("<2I", MATRIX, len(head) + values.nbytes + padding) + head)
        file.write(values.astype(order, copy=False).data)
        file.write(bytes(padding))


def read_mat(path: str | os.PathLike[str]) -> np.ndarray:
    """The blob (N, C, H, W) in a .mat file, float32 or float64. CaffeError if it is damaged or holds something else."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"Error opening MAT file {os.fspath(path)}: {error.strerror}") from error
    try:
        return _find(memoryview(content))
    except (ValueError, struct.error, zlib.error) as error:
        raise FileError(f"Error reading MAT file {os.fspath(path)}: {error}") from error


def _find(content: memoryview) -> np.ndarray:
    """The blob of the variable `data`."""
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]))
    if order is None or bytes(content[:6]) != b"MATLAB":
        raise ValueError("not a MATLAB 5 file")
    for kind, body in _elements(content[128:], order):
        if kind == COMPRESSED:
            kind, body = next(_elements(memoryview(zlib.decompressobj().decompress(body, MAX_BYTES)), order), (0, body))
        if kind == MATRIX:
            parts = _elements(body, order)
            (flags, sizes, name), values = [next(parts, (0, memoryview(b"")))[1] for _ in range(3)], next(parts, None)
            if name == VARIABLE:
                return _blob(flags, sizes, values, order)
    raise ValueError("it has no variable 'data'")


def _elements(content: memoryview, order: str) -> Iterator[Element]:
    """The type and the bytes of each element in turn."""
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(order + "2I", content, place)
        start, end = place + 8, place + 8 + size
        if kind >> 16:  # a small element: size and type share the first word
            kind, size = kind & 0xFFFF, kind >> 16
            start, end = place + 4, place + 4 + size
        if end > len(content):
            raise ValueError("it is truncated")
        yield kind, content[start:end]
        place = end if kind == COMPRESSED else -(-end // 8) * 8


def _blob(flags: memoryview, sizes: memoryview, values: Element | None, order: str) -> np.ndarray:
    (word,) = struct.unpack_from(order + "I", flags)
    dtype = CLASSES.get(word & 0xFF)
    if dtype is None or word & COMPLEX or values is None or values[0] not in STORED:
        raise ValueError("its variable 'data' is neither single nor double")
    dims = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    if len(dims) > 4:
        raise ValueError(f"its variable 'data' has {len(dims)} dimensions, more than 4")
    shape = (1,) * (4 - len(dims)) + dims[::-1]
    stored = np.frombuffer(values[1], order + STORED[values[0]])
    if min(shape) < 0 or stored.size != np.prod(shape, dtype=object):
        raise ValueError(f"its variable 'data' holds {stored.size} values, but its dimensions are {dims}")
    return stored.astype(dtype).reshape(shape)
