""".caffemodel files written straight to the wire, as the reference's ToProto does (spec/pipeline.md 2.10, 3)."""

import itertools
import os
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from segaware_caffe.errors import WeightsError
from segaware_caffe.files import replacing
from segaware_caffe.weights.blobs import DOUBLE, FLOAT, BlobRef, LayerWeights, Writable, as_blob, check_shape
from segaware_caffe.weights.caffemodel import (
    DATA,
    DIFF,
    DOUBLE_DATA,
    DOUBLE_DIFF,
    NET_LAYER,
    NET_NAME,
    SHAPE,
    SHAPE_DIM,
    V2,
)
from segaware_caffe.weights.wire import BYTES

VALUE_FIELDS = {FLOAT: DATA, DOUBLE: DOUBLE_DATA}
DIFF_FIELDS = {FLOAT: DIFF, DOUBLE: DOUBLE_DIFF}


def write_caffemodel(path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable]) -> None:
    """Write a NetParameter with these layers; the file appears when it is complete.

    Args:
        layers: LayerWeights or tuples (name, type, blobs[, definition]). Blobs are arrays, tensors
            or BlobRefs; float64 is stored as double, everything else as float. A `definition`, a
            serialized LayerParameter without blobs, is stored in place of name and type.

    The data is streamed, so no second copy of all weights is made. The file may exceed 2 GB: then
    this package reads it, but protobuf, and with it the reference, cannot.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_caffemodel("net.caffemodel", "net", layers)
    >>> from segaware_caffe.weights import read_caffemodel
    >>> read_caffemodel("net.caffemodel").net_name
    'net'
    """
    complete: list[LayerWeights[Any]] = [LayerWeights(*layer) for layer in layers]
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(bytes_field(NET_NAME, net_name.encode()))
        for layer in complete:
            _write_layer(file, layer)


def _write_layer(file: BinaryIO, layer: LayerWeights[Any]) -> None:
    head = layer.definition
    if head is None:
        head = bytes_field(V2.name, layer.name.encode()) + bytes_field(V2.type, layer.type.encode())
    fields = [
        blob_field(V2.blobs, as_blob(values, layer.name, index), f"layer '{layer.name}' blob {index}")
        for index, values in enumerate(layer.blobs)
    ]
    file.write(message_head(NET_LAYER, len(head) + sum(map(length_of, itertools.chain(*fields)))) + head)
    for field in fields:
        write_parts(file, field)


def blob_field(number: int, blob: BlobRef, where: str) -> list[bytes | BlobRef]:
    """Field `number` with a BlobProto, in pieces; a BlobRef among them stands for its values. `where` names it in errors."""
    problem = check_shape(blob.shape)
    if problem:
        raise WeightsError(f"{where} cannot be stored: {problem}")
    packed = b"".join(map(varint, blob.shape))
    fields: dict[int, list[bytes | BlobRef]] = {SHAPE: [bytes_field(SHAPE, bytes_field(SHAPE_DIM, packed) if packed else b"")]}
    for values, numbers in ((blob, VALUE_FIELDS), (blob.diff, DIFF_FIELDS)):
        if values is not None and values.count:
            field = numbers[values.dtype]
            fields[field] = [message_head(field, length_of(values)), values]
    parts = [part for field in sorted(fields) for part in fields[field]]  # in the order in which protobuf writes them
    return [message_head(number, sum(map(length_of, parts))), *parts]


def write_parts(file: BinaryIO, parts: Iterable[bytes | memoryview | BlobRef]) -> None:
    """Write what `blob_field` gives."""
    for part in parts:
        file.write(_values(part) if isinstance(part, BlobRef) else part)


def length_of(part: bytes | memoryview | BlobRef) -> int:
    """The bytes that a piece takes."""
    return len(part) if not isinstance(part, BlobRef) else part.count * part.dtype.itemsize


def _values(blob: BlobRef) -> memoryview:
    return np.ascontiguousarray(blob.numpy(), blob.dtype).reshape(-1).view(np.uint8).data


def bytes_field(number: int, content: bytes) -> bytes:
    """A field of bytes, or of a message that is written already."""
    return message_head(number, len(content)) + content


def message_head(number: int, length: int) -> bytes:
    """The tag and the length that precede a bytes field."""
    return varint(number << 3 | BYTES) + varint(length)


def varint(value: int) -> bytes:
    """A number that is not negative, as protobuf writes it."""
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(result) + bytes([value])
