""".caffemodel files: the index of a NetParameter's blobs, straight from the wire (spec/pipeline.md 3).

Only names, types and blobs are read; all other fields are skipped, so that the field numbers on
which Caffe's dialects disagree do not matter here.
"""

import math
import os
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from segaware_caffe.errors import WeightsError
from segaware_caffe.schema import NetParameter, upgrade_net
from segaware_caffe.weights.blobs import (
    DOUBLE,
    FLOAT,
    HALF,
    MAX_AXES,
    BlobRef,
    FileBlob,
    LayerWeights,
    NarrowBlob,
    Run,
    Weights,
    check_shape,
    dims,
)
from segaware_caffe.weights.mapped import MappedFile
from segaware_caffe.weights.sniff import open_as
from segaware_caffe.weights.wire import BYTES, FIXED_SIZES, VARINT, Field, Scanner

NET_NAME, NET_LAYERS, NET_LAYER = 1, 2, 100
#: BlobProto
LEGACY_DIMS = (1, 2, 3, 4)
DATA, DIFF, SHAPE, DOUBLE_DATA, DOUBLE_DIFF = 5, 6, 7, 8, 9
VALUES: dict[int, np.dtype[Any]] = {DATA: FLOAT, DIFF: FLOAT, DOUBLE_DATA: DOUBLE, DOUBLE_DIFF: DOUBLE}
SHAPE_DIM = 1
#: NVIDIA's fields of a BlobProto: raw bytes, and of which number type they are.
RAW_DATA, RAW_DIFF = 12, 13
RAW_TYPE_OF = {RAW_DATA: 10, RAW_DIFF: 11}
RAW_TYPES: dict[int, np.dtype[Any]] = {0: DOUBLE, 1: FLOAT, 2: HALF}
RAW_WIRES = {RAW_DATA: BYTES, RAW_DIFF: BYTES, **dict.fromkeys(RAW_TYPE_OF.values(), VARINT)}

MAX_NAME = 2**16


class Layout(NamedTuple):
    """The numbers of the fields that a layer message keeps its weights in."""

    name: int
    type: int
    blobs: int
    type_wire: int = BYTES


V2 = Layout(name=1, type=2, blobs=7)
V1 = Layout(name=4, type=5, blobs=6, type_wire=VARINT)
V0 = Layout(name=1, type=2, blobs=50)
V0_IN_V1 = 1


def read_caffemodel(path: str | os.PathLike[str]) -> Weights:
    """The layers of a .caffemodel in its order, with references to their blobs.

    Reads `layer` and the legacy `layers` (V1, and V0 within it). The files of either dialect, of
    any size. Raises CaffeError, naming the file and the layer or the byte offset, if the file is
    damaged or something else.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> from segaware_caffe.weights import write_caffemodel
    >>> write_caffemodel("net.caffemodel", "net", layers)
    >>> for layer in read_caffemodel("net.caffemodel"):
    ...     print(layer.name, layer.type, layer.blobs[0].numpy().shape)
    fc InnerProduct (2, 3)
    """
    file = open_as(path, "caffemodel")
    scanner = Scanner(file.data, file.path)
    weights = Weights(file.path, "caffemodel")
    found = set()
    for field in scanner.fields(0, file.size):
        if field.wire != BYTES or field.number not in (NET_NAME, NET_LAYERS, NET_LAYER):
            continue
        if field.number == NET_NAME:
            weights.net_name = _text(scanner, field)
        else:
            found.add(field.number)
            weights.layers.append(_read_layer(scanner, file, field, V2 if field.number == NET_LAYER else V1))
    if not found:
        raise WeightsError(f"{file.path}: not a caffemodel file: it holds no layers (a mean file or a solver state?)")
    if len(found) == 2:
        raise WeightsError(f"{file.path}: mixes `layer` with the legacy `layers`; the reference reads no such file")
    file.release()
    return weights


def _read_layer(scanner: Scanner, file: MappedFile, layer: Field, layout: Layout) -> LayerWeights[BlobRef]:
    fields = list(scanner.fields(layer.start, layer.end))
    if layout is V1:
        nested = [field for field in fields if (field.number, field.wire) == (V0_IN_V1, BYTES)]
        if nested:
            layout, fields = V0, [field for part in nested for field in scanner.fields(part.start, part.end)]
    name = ""
    kind: str | int = "" if layout.type_wire == BYTES else 0
    blobs: list[Field] = []
    for field in fields:
        if field.number == layout.name and field.wire == BYTES:
            name = _text(scanner, field)
        elif field.number == layout.type and field.wire == layout.type_wire:
            kind = _text(scanner, field) if field.wire == BYTES else field.value
        elif field.number == layout.blobs and field.wire == BYTES:
            blobs.append(field)
    return LayerWeights(
        name,
        str(kind) if layout is V2 else _present_type(kind),
        [read_blob(scanner, file, blob.start, blob.end, f"layer '{name}' blob {index}") for index, blob in enumerate(blobs)],
    )


@lru_cache(maxsize=256)
def _present_type(legacy: int | str) -> str:
    """What a V1 type (a number) or V0 type (a string) is called today; unknown ones are kept, for no rule depends on them."""
    net = NetParameter()
    layer = net.layers.add()
    try:
        if isinstance(legacy, int):
            layer.type = legacy
        else:
            layer.layer.type = legacy
        upgrade_net(net)
        return net.layer[0].type
    except (ValueError, IndexError):  # CaffeError is a ValueError; padding layers vanish
        return str(legacy)


def read_blob(scanner: Scanner, file: MappedFile, start: int, end: int, where: str) -> BlobRef:
    """The BlobProto at bytes `start` to `end` of a file; `where` names it in errors."""
    legacy: dict[int, int] = {}
    shape: list[int] = []
    runs: dict[int, list[Run]] = {number: [] for number in VALUES}
    raw: dict[int, Field] = {}
    for field in scanner.fields(start, end):
        if field.number in LEGACY_DIMS and field.wire == VARINT:
            legacy[field.number] = _signed(field.value, 32)
        elif field.number == SHAPE and field.wire == BYTES:
            shape.extend(_shape_dims(scanner, field, where))
        elif field.number in VALUES:
            run = _values(file, field, VALUES[field.number], where)
            if run is not None:
                runs[field.number].append(run)
        elif RAW_WIRES.get(field.number) == field.wire:
            raw[field.number] = field
    if legacy:
        shape = [legacy.get(number, 0) for number in LEGACY_DIMS]
    problem = check_shape(shape)
    if problem:
        raise WeightsError(f"{file.path}: {where}: {problem}")
    if {RAW_DATA, RAW_TYPE_OF[RAW_DATA]} <= raw.keys():
        blob = _raw_blob(file, raw, RAW_DATA, tuple(shape), where)
        if {RAW_DIFF, RAW_TYPE_OF[RAW_DIFF]} <= raw.keys():
            blob.diff = _raw_blob(file, raw, RAW_DIFF, tuple(shape), f"{where} (diff)")
        return blob
    blob = _make_blob(file, runs, DOUBLE_DATA, DATA, tuple(shape), bool(legacy), where)
    if runs[DOUBLE_DIFF] or runs[DIFF]:
        blob.diff = _make_blob(file, runs, DOUBLE_DIFF, DIFF, tuple(shape), bool(legacy), f"{where} (diff)")
    return blob


def _raw_blob(file: MappedFile, raw: dict[int, Field], number: int, shape: tuple[int, ...], where: str) -> BlobRef:
    """NVIDIA's form: the bytes of the values, whose type another field tells."""
    values = raw[number]
    kind = raw[RAW_TYPE_OF[number]].value
    dtype = RAW_TYPES.get(kind)
    if dtype is None:
        names = ", ".join(f"{number} ({name})" for number, name in zip(RAW_TYPES, ("double", "float", "half"), strict=True))
        raise WeightsError(f"{file.path}: {where}: raw values of type {kind}; those that weights have are {names}")
    blob: BlobRef
    if dtype == HALF:
        blob = NarrowBlob(file, values.start, shape)
    else:
        blob = FileBlob(file, [Run(values.start, math.prod(shape), dtype.itemsize)], shape, dtype)
    if blob.count * dtype.itemsize != values.end - values.start:
        stored = values.end - values.start
        raise WeightsError(f"{file.path}: {where}: its shape is {dims(shape)}, {blob.count} values, but {stored} raw bytes are stored")
    return blob


def _make_blob(
    file: MappedFile, runs: dict[int, list[Run]], double: int, single: int, shape: tuple[int, ...], legacy: bool, where: str
) -> FileBlob:
    """A blob of the double values if there are any, else of the single ones, as many as its shape says."""
    number = double if runs[double] else single
    blob = FileBlob(file, runs[number], shape, VALUES[number], legacy)
    stored = sum(run.length for run in runs[number])
    if stored != blob.count:
        raise WeightsError(f"{file.path}: {where}: its shape is {dims(shape)}, {blob.count} values, but {stored} are stored")
    return blob


def _values(file: MappedFile, field: Field, dtype: np.dtype, where: str) -> Run | None:
    """Where the values of a field are, packed or not; None if it has none or is of another wire type."""
    if field.wire == BYTES:
        length = field.end - field.start
        if length % dtype.itemsize:
            raise WeightsError(f"{file.path}: {where}: {length} bytes are no whole number of {dtype.itemsize}-byte values")
        return Run(field.start, length // dtype.itemsize, dtype.itemsize) if length else None
    return Run(field.start, field.length, field.stride) if FIXED_SIZES.get(field.wire) == dtype.itemsize else None


def _shape_dims(scanner: Scanner, shape: Field, where: str) -> list[int]:
    """The dimensions in a BlobShape; packed, unpacked or mixed."""
    result: list[int] = []
    for field in scanner.fields(shape.start, shape.end):
        if field.number != SHAPE_DIM or field.wire not in (VARINT, BYTES):
            continue
        values = scanner.varints(field.start, field.end) if field.wire == BYTES else [field.value]
        for value in values:
            result.append(_signed(value, 64))
            if len(result) > MAX_AXES:
                raise WeightsError(f"{scanner.path}: {where}: its shape has more than {MAX_AXES} axes")
    return result


def _signed(value: int, bits: int) -> int:
    """The low `bits` of a varint as the signed number that protobuf means by it."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _text(scanner: Scanner, field: Field) -> str:
    if field.end - field.start > MAX_NAME:
        scanner.fail(field.start, f"a name of {field.end - field.start} bytes")
    return bytes(scanner.data[field.start : field.end]).decode("utf-8", "backslashreplace")
