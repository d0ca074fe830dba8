"""Protobuf wire format by hand, to write what no serializer would."""

import struct
from collections.abc import Iterable

VARINT, FIXED64, BYTES, START_GROUP, END_GROUP, FIXED32 = range(6)


def varint(value: int) -> bytes:
    """As int32, int64 and enums are written: negative numbers take ten bytes."""
    value &= 2**64 - 1
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def number(field: int, value: int) -> bytes:
    return tag(field, VARINT) + varint(value)


def message(field: int, *parts: bytes) -> bytes:
    """A bytes field: string, message or packed values."""
    content = b"".join(parts)
    return tag(field, BYTES) + varint(len(content)) + content


def floats(field: int, values: Iterable[float]) -> bytes:
    """Packed floats."""
    values = list(values)
    return message(field, struct.pack(f"<{len(values)}f", *values))


def unpacked(field: int, values: Iterable[float]) -> bytes:
    """Floats, each with a tag of its own."""
    return b"".join(tag(field, FIXED32) + struct.pack("<f", value) for value in values)


def shape(*dims: int) -> bytes:
    """The packed BlobShape of a BlobProto."""
    return message(7, message(1, *map(varint, dims)))


def blob(*parts: bytes) -> bytes:
    """A blob of a V2 layer."""
    return message(7, *parts)


def layer(name: str, *parts: bytes) -> bytes:
    """A V2 layer of a net."""
    return message(100, message(1, name.encode()), message(2, b"Convolution"), *parts)
