"""Blobs in MATLAB files as the reference's MatRead and MatWrite keep them (spec/pipeline.md 6.11, 6.12).

A version 5 file with one variable `data`, whose dimensions are the blob's from the last to the
first: what MATLAB stores column by column is the blob's memory as it is. Files are written
uncompressed, in the layout of the reference's; what MATLAB and SciPy write is read too.

A file is a header of 128 bytes and elements, each a tag (type, number of bytes), its bytes and
padding to 8; an element of at most 4 bytes may sit in the tag. A variable is an element whose
bytes are elements again: flags, dimensions, name, values; those of a struct are a variable for each field.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes, replacing
from segaware_caffe.limits import UNPACKED

VARIABLE = b"data"
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
#: element type -> how its values are stored
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
#: class of a variable -> type of its values
CLASSES: dict[int, Any] = {6: np.dtype(np.float64), 7: np.dtype(np.float32)}
STRUCT, UINT8 = 2, 9
COMPLEX = 0x800
#: of an element, since its size is stored in 32 bits
MAX_BYTES = 2**32 - 1

Element = tuple[int, memoryview]


class Variable(NamedTuple):
    """A variable: the class of its values and whether they are complex, its dimensions, and the elements after its name."""

    name: bytes
    flags: int
    dims: tuple[int, ...]
    parts: Iterator[Element]

    @property
    def kind(self) -> int:
        """The class."""
        return self.flags & 0xFF


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
    with _reading(path) as variables:
        variable = _named(variables, VARIABLE)
        if variable.kind not in CLASSES or variable.flags & COMPLEX:
            raise ValueError("its variable 'data' is neither single nor double")
        if len(variable.dims) > 4:
            raise ValueError(f"its variable 'data' has {len(variable.dims)} dimensions, more than 4")
        shape = (1,) * (4 - len(variable.dims)) + variable.dims[::-1]
        return _values(variable, variables.order).astype(CLASSES[variable.kind]).reshape(shape)


def read_mat_field(path: str | os.PathLike[str], name: str, field: str) -> np.ndarray:
    """The matrix (rows, columns) uint8 that is the field of a struct in a .mat file. CaffeError as for `read_mat`."""
    with _reading(path) as variables:
        struct_ = _named(variables, name.encode())
        if struct_.kind != STRUCT or struct_.dims != (1, 1):
            raise ValueError(f"its variable '{name}' is no struct")
        (_, width), (_, names) = next(struct_.parts, _NOTHING), next(struct_.parts, _NOTHING)
        (size,) = struct.unpack_from(variables.order + "i", width)
        fields = [bytes(names[start : start + size]).rstrip(b"\0") for start in range(0, len(names), max(size, 1))]
        for found, (kind, body) in zip(fields, struct_.parts, strict=False):
            if found == field.encode() and kind == MATRIX:
                variable = _variable(body, variables.order)
                if variable.kind != UINT8 or len(variable.dims) != 2:
                    raise ValueError(f"{name}.{field} is no matrix (H, W) of uint8")
                return _values(variable, variables.order).astype(np.uint8).reshape(variable.dims, order="F")
        raise ValueError(f"its struct '{name}' has no field '{field}'")


_NOTHING: Element = (0, memoryview(b""))


class _Variables:
    """The variables of a file in turn, those that are packed unpacked."""

    def __init__(self, content: memoryview):
        order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]))
        if order is None or bytes(content[:6]) != b"MATLAB":
            raise ValueError("not a MATLAB 5 file")
        self.order = order
        self._content = content[128:]

    def __iter__(self) -> Iterator[Variable]:
        unpacked, free = 0, 20 * len(self._content)
        for kind, body in _elements(self._content, self.order):
            if kind == COMPRESSED:
                content = zlib.decompressobj().decompress(body, UNPACKED.most() + free - unpacked + 1)
                unpacked += len(content)
                UNPACKED.check(unpacked - free, f"it holds {unpacked}", FileError)
                kind, body = next(_elements(memoryview(content), self.order), _NOTHING)
            if kind == MATRIX:
                yield _variable(body, self.order)


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[_Variables]:
    """The variables of a file; what is wrong with them becomes a CaffeError that names it."""
    try:
        content = read_bytes(path)
    except OSError as error:
        raise FileError(f"Error opening MAT file {os.fspath(path)}: {error.strerror}") from error
    try:
        yield _Variables(memoryview(content))
    except (ValueError, struct.error, zlib.error) as error:
        raise FileError(f"Error reading MAT file {os.fspath(path)}: {error}") from error


def _named(variables: _Variables, name: bytes) -> Variable:
    for variable in variables:
        if variable.name == name:
            return variable
    raise ValueError(f"it has no variable '{name.decode()}'")


def _variable(body: memoryview, order: str) -> Variable:
    parts = _elements(body, order)
    flags, sizes, name = [next(parts, _NOTHING)[1] for _ in range(3)]
    (word,) = struct.unpack_from(order + "I", flags)
    return Variable(bytes(name), word, struct.unpack(f"{order}{len(sizes) // 4}i", sizes), parts)


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


def _values(variable: Variable, order: str) -> np.ndarray:
    """The values of a variable as they are stored, as many as its dimensions say."""
    kind, content = next(variable.parts, _NOTHING)
    if kind not in STORED:
        raise ValueError(f"its variable '{variable.name.decode(errors='replace')}' holds no numbers")
    stored = np.frombuffer(content, order + STORED[kind])
    if min(variable.dims, default=0) < 0 or stored.size != math.prod(variable.dims):
        name = variable.name.decode(errors="replace")
        raise ValueError(f"its variable '{name}' holds {stored.size} values, but its dimensions are {variable.dims}")
    return stored
