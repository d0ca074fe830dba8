"""Binary nets of other forks: from a fork's field numbers to the schema's (see `binary`).

Forks gave the numbers that BVLC had not used to fields of their own, each its own way. Whose file it
is shows in what it holds: under the right fork's numbers every field has the type that it should, and
layers have the parameters that their types are named for.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from segaware_caffe.errors import ParseError
from segaware_caffe.schema.dialects import FORKS, words
from segaware_caffe.schema.messages import declaration

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIRES = {
    FieldDescriptorProto.TYPE_FLOAT: FIXED32,
    FieldDescriptorProto.TYPE_DOUBLE: FIXED64,
    FieldDescriptorProto.TYPE_STRING: BYTES,
    FieldDescriptorProto.TYPE_BYTES: BYTES,
    FieldDescriptorProto.TYPE_MESSAGE: BYTES,
}
#: LayerParameter's numbers that BVLC and the release gave to different fields, and how far from them the schema has BVLC's.
SHARED_NUMBERS, PRIVATE_OFFSET = range(143, 149), 20000
#: Never looked into: weights, which all forks store alike, and messages that are deeper than nets are.
_OPAQUE, _DEEPEST = "BlobProto", 8
#: A field of a type that it cannot have counts more than any number of layers whose parameters fit.
_MISFIT = 1000


class _Known(NamedTuple):
    """A field under some number of a file: its name (or two, which `binary` tells apart), number here, wire type, message if it is one."""

    names: tuple[str, ...]
    number: int
    wire: int
    packed: bool
    message: str


class _Field(NamedTuple):
    number: int
    wire: int
    tag: int
    start: int
    end: int


def translate(data: bytes, name: str, fork: str | None) -> bytes:
    """`data`, a `name` with the numbers of `fork`, with the schema's; without a fork, with those of the one that fits best.

    What no fork knows stays as it is. Raises ParseError if two forks fit equally well and disagree.
    """
    view = memoryview(data)  # no copies of weights
    try:
        if fork is not None:
            return _translated(view, name, fork, 0)
        scores = {key: _fit(view, name, key, 0) for key in (None, *FORKS)}
        best = max(scores.values())
        if scores[None] == best:
            return data
        readings = {key: _translated(view, name, key, 0) for key, score in scores.items() if score == best and key}
    except _NotAMessageError:
        return data  # protobuf says what is wrong
    if len(set(readings.values())) > 1:
        names = " or ".join(f'"{key}"' for key in readings)
        raise ParseError(f"Nothing in the binary {name} tells which fork's it is: name the dialect, {names}")
    return next(iter(readings.values()))


class _NotAMessageError(Exception):
    """Bytes that are no message."""


def _fit(data: memoryview, message: str, fork: str | None, depth: int) -> int:
    """How well the numbers of `fork` explain the fields of `data`."""
    known, score, type_name = numbers_of(message, fork), 0, ""
    seen: list[str] = []
    for field in _fields(data):
        found = known.get(field.number)
        if found is None or not (field.wire == found.wire or (found.packed and field.wire == BYTES)):
            score -= _MISFIT
            continue
        seen += found.names
        if message == "LayerParameter" and found.names == ("type",):
            type_name = bytes(data[field.start : field.end]).decode(errors="replace")
        if found.message and found.message != _OPAQUE and depth < _DEEPEST:
            score += _fit(data[field.start : field.end], found.message, fork, depth + 1)
    wanted = f"{type_name.lower()}param"
    return score + sum(name.replace("_", "") == wanted for name in seen)


def _translated(data: memoryview, message: str, fork: str, depth: int) -> bytes:
    """`data` with every field under the schema's number."""
    known = numbers_of(message, fork)
    parts: list[bytes | memoryview] = []
    for field in _fields(data):
        found = known.get(field.number)
        if found is None:
            parts.append(data[field.tag : field.end])
            continue
        payload: bytes | memoryview = data[field.start : field.end]
        if found.message and found.message != _OPAQUE and field.wire == BYTES and depth < _DEEPEST:
            payload = _translated(data[field.start : field.end], found.message, fork, depth + 1)
        parts.append(_varint(found.number << 3 | field.wire))
        if field.wire == BYTES:
            parts.append(_varint(len(payload)))
        parts.append(payload)
    return b"".join(parts)


@cache
def numbers_of(message: str, fork: str | None) -> dict[int, _Known]:
    """The fields of `message` by their numbers in files of `fork`, or, for None, of the schema's own."""
    own = {name: word.forks.get(fork or "") for (sort, owner, name), word in words().items() if (sort, owner) == ("field", message)}
    fields = {field.number: field for field in declaration(message).field}
    known: dict[int, _Known] = {}
    claimed: dict[int, _Known] = {}
    for field in fields.values():
        repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
        wire = _WIRES.get(field.type, VARINT)
        nested = field.type_name.removeprefix(".caffe.") if field.type == FieldDescriptorProto.TYPE_MESSAGE else ""
        entry = _Known((field.name,), field.number, wire, repeated and wire != BYTES, nested)
        known[field.number] = entry
        number = own.get(field.name)
        if number is not None:
            claimed[number] = entry
    if message == "LayerParameter":
        for number in SHARED_NUMBERS:
            names = fields[number].name, fields[number + PRIVATE_OFFSET].name
            known[number] = known[number]._replace(names=names, message="")
    return known | claimed


def _fields(data: memoryview) -> Iterator[_Field]:
    position = 0
    while position < len(data):
        tag = position
        key, position = _read_varint(data, position)
        wire, start = key & 7, position
        if wire == VARINT:
            _, end = _read_varint(data, position)
        elif wire == BYTES:
            length, start = _read_varint(data, position)
            end = start + length
        elif wire in (FIXED32, FIXED64):
            end = start + (4 if wire == FIXED32 else 8)
        else:
            raise _NotAMessageError
        if end > len(data) or not key >> 3:
            raise _NotAMessageError
        yield _Field(key >> 3, wire, tag, start, end)
        position = end


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if position + index >= len(data):
            break
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise _NotAMessageError


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
