"""A scanner for protobuf's wire format that trusts nothing it reads.

It walks over tags and lengths and never over the data itself: the index of a file of half a
gigabyte takes milliseconds. Every length is checked against the range that encloses it before
anyone uses it, nothing recurses, and the number of fields a file may have is bounded, so that a
hostile file can exhaust neither stack nor memory nor time.
"""

import mmap
import os
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import numpy as np

from segaware_caffe.errors import WeightsError

VARINT, FIXED64, BYTES, START_GROUP, END_GROUP, FIXED32 = range(6)
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}

#: Fields looked at in one file. The largest published nets have less than a hundred thousand.
MAX_FIELDS = 2**18
#: As deep as protobuf itself goes.
MAX_GROUP_DEPTH = 100
#: Values compared at a time while looking for the end of a run of unpacked values.
RUN_BLOCK = 2**16


class Field(NamedTuple):
    """One field, or a run of equal fixed-size fields that follow one another directly.

    `start` and `end` enclose the payload, whose tag begins at `tag`; a varint has its value in `value`.
    A run holds `length` values, each `stride` bytes after the one before.
    """

    number: int
    wire: int
    start: int
    end: int
    value: int = 0
    length: int = 1
    stride: int = 0
    tag: int = 0


class Scanner:
    """Fields of the messages in `data`, a whole file; `path` is for the errors."""

    def __init__(self, data: bytes | mmap.mmap, path: str | os.PathLike[str]):
        self.data = data
        self.path = path
        self._fields = 0

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message at bytes `start` to `end`, in order; groups are skipped.

        Raises CaffeError, with the byte offset, where the bytes are not a message.
        """
        position, groups = start, []
        while position < end:
            offset = position
            number, wire, position = self._tag(position, end)
            if wire == START_GROUP:
                groups.append(number)
                if len(groups) > MAX_GROUP_DEPTH:
                    self.fail(offset, f"groups are nested deeper than {MAX_GROUP_DEPTH}")
            elif wire == END_GROUP:
                if not groups or groups.pop() != number:
                    self.fail(offset, f"group {number} ends, but it is not the one that started last")
            else:
                field = self._payload(number, wire, offset, position, end)
                position = field.end
                if not groups:
                    yield field
        if groups:
            self.fail(end, f"group {groups[-1]} never ends")

    def varints(self, start: int, end: int) -> Iterator[int]:
        """The values of a packed varint field."""
        while start < end:
            value, start = self.varint(start, end)
            yield value

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """An unsigned 64-bit varint and the position after it."""
        value = 0
        for index in range(min(10, end - position)):
            byte = self.data[position + index]
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value & (2**64 - 1), position + index + 1
        if end - position < 10:
            self.fail(position, "the file or message ends inside a number")
        self.fail(position, "a number is longer than 10 bytes")

    def fail(self, offset: int, problem: str) -> NoReturn:
        """Raise CaffeError with the file and the byte offset in front."""
        raise WeightsError(f"{self.path}: byte {offset}: {problem}; the file is damaged or not of this kind")

    def _tag(self, position: int, end: int) -> tuple[int, int, int]:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            self.fail(position, f"more than {MAX_FIELDS} fields")
        tag, after = self.varint(position, end)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 2**29:
            self.fail(position, f"field number {number} is not in 1 to {2**29 - 1}")
        if wire > FIXED32:
            self.fail(position, f"field {number} has wire type {wire}, which does not exist")
        return number, wire, after

    def _payload(self, number: int, wire: int, offset: int, start: int, end: int) -> Field:
        """The field whose tag is at `offset` and whose value or length begins at `start`."""
        if wire == VARINT:
            value, stop = self.varint(start, end)
            return Field(number, wire, start, stop, value, tag=offset)
        if wire == BYTES:
            length, first = self.varint(start, end)
            if length > end - first:
                self.fail(start, f"field {number} claims {length} bytes, but only {end - first} are left")
            return Field(number, wire, first, first + length, tag=offset)
        return self._run(number, wire, offset, start, end)

    def _run(self, number: int, wire: int, offset: int, start: int, end: int) -> Field:
        """The run of equal fields that begins with the tag at `offset` and the value at `start`."""
        size = FIXED_SIZES[wire]
        if size > end - start:
            self.fail(start, f"field {number} needs {size} bytes, but only {end - start} are left")
        tag, stride = self.data[offset:start], start - offset + size
        count, most = 1, (end - offset) // stride
        while count < most and self.data[offset + count * stride : start + count * stride] == tag:
            block = min(RUN_BLOCK, most - count)
            rows = np.frombuffer(self.data, np.uint8, block * stride, offset + count * stride).reshape(block, stride)
            same = (rows[:, : len(tag)] == np.frombuffer(tag, np.uint8)).all(axis=1)
            count += block if same.all() else int(same.argmin())
        return Field(number, wire, start, offset + count * stride, length=count, stride=stride)
