"""The scanner: what it yields, and every way in which bytes can be no message."""

import pytest
from wire_bytes import BYTES, END_GROUP, FIXED32, FIXED64, START_GROUP, VARINT, floats, message, number, tag, unpacked, varint

from segaware_caffe.errors import CaffeError
from segaware_caffe.weights.wire import MAX_FIELDS, Scanner


def scan(data):
    return [(f.number, f.wire, f.start, f.end, f.value, f.length) for f in Scanner(data, "file").fields(0, len(data))]


FIELDS = {
    "nothing": (b"", []),
    "varint": (number(1, 300), [(1, VARINT, 1, 3, 300, 1)]),
    "negative varint": (number(1, -1), [(1, VARINT, 1, 11, 2**64 - 1, 1)]),
    "bytes": (message(2, b"abc"), [(2, BYTES, 2, 5, 0, 1)]),
    "no bytes": (message(2), [(2, BYTES, 2, 2, 0, 1)]),
    "largest number": (message(2**29 - 1, b"a"), [(2**29 - 1, BYTES, 6, 7, 0, 1)]),
    "fixed64": (tag(5, FIXED64) + bytes(8), [(5, FIXED64, 1, 9, 0, 1)]),
    "run": (unpacked(5, [1, 2, 3]), [(5, FIXED32, 1, 15, 0, 3)]),
    "run with long tags": (unpacked(300, [1, 2, 3]), [(300, FIXED32, 2, 18, 0, 3)]),
    "broken run": (
        unpacked(5, [1, 2]) + unpacked(6, [3]) + unpacked(5, [4]),
        [(5, FIXED32, 1, 10, 0, 2), (6, FIXED32, 11, 15, 0, 1), (5, FIXED32, 16, 20, 0, 1)],
    ),
    "groups are skipped": (
        tag(9, START_GROUP)
        + number(1, 5)
        + tag(3, START_GROUP)
        + tag(3, END_GROUP)
        + unpacked(4, [1])
        + floats(4, [1])
        + tag(9, END_GROUP)
        + number(2, 7),
        [(2, VARINT, 18, 19, 7, 1)],
    ),
}


@pytest.mark.parametrize(("data", "expected"), FIELDS.values(), ids=FIELDS)
def test_fields(data, expected):
    assert scan(data) == expected


@pytest.mark.parametrize("count", [2**16 - 1, 2**16, 2**16 + 1, 2**16 + 2, 2**17 + 2])
def test_a_long_run_is_one_field(count):
    data = unpacked(5, [1.5]) * count + number(1, 1)
    assert [(f.number, f.length, f.stride) for f in Scanner(data, "file").fields(0, len(data))] == [(5, count, 5), (1, 1, 0)]


@pytest.mark.parametrize(
    ("data", "offset", "problem"),
    [
        (b"\x80", 0, "ends inside a number"),
        (b"\x08\x80\x80", 1, "ends inside a number"),
        (b"\x08" + b"\x80" * 10 + b"\x01", 1, "longer than 10 bytes"),
        (varint(0), 0, "field number 0 is not in 1 to 536870911"),
        (varint(2**32 | 8), 0, "field number 536870913 is not in"),
        (tag(1, 6), 0, "wire type 6, which does not exist"),
        (tag(1, 7), 0, "wire type 7, which does not exist"),
        (tag(1, BYTES) + varint(4) + b"abc", 1, "field 1 claims 4 bytes, but only 3 are left"),
        (tag(1, BYTES) + varint(1 << 60) + b"abc", 1, f"claims {1 << 60} bytes, but only 3 are left"),
        (tag(1, BYTES) + varint(-1) + b"abc", 1, f"claims {2**64 - 1} bytes, but only 3 are left"),
        (tag(1, FIXED32) + b"abc", 1, "field 1 needs 4 bytes, but only 3 are left"),
        (tag(1, FIXED64) + b"abcdefg", 1, "field 1 needs 8 bytes, but only 7 are left"),
        (unpacked(1, [1, 2]) + tag(1, FIXED32) + b"abc", 11, "field 1 needs 4 bytes, but only 3 are left"),
        (tag(3, END_GROUP), 0, "group 3 ends, but it is not the one that started last"),
        (tag(3, START_GROUP), 1, "group 3 never ends"),
        (tag(3, START_GROUP) + tag(4, END_GROUP), 1, "group 4 ends, but it is not the one"),
        (tag(3, START_GROUP) * 10**6, 100, "nested deeper than 100"),
        (number(1, 0) * (MAX_FIELDS + 1), 2 * MAX_FIELDS, f"more than {MAX_FIELDS} fields"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_message(data, offset, problem):
    with pytest.raises(CaffeError) as error:
        scan(data)
    assert str(error.value).startswith(f"file: byte {offset}: ")
    assert problem in str(error.value)


def test_fields_stay_within_their_message():
    inner = tag(1, BYTES) + varint(2)
    data = message(2, inner) + b"xy"
    with pytest.raises(CaffeError, match="claims 2 bytes, but only 0 are left"):
        list(Scanner(data, "file").fields(2, 2 + len(inner)))


def test_packed_varints():
    data = varint(1) + varint(-2) + varint(2**63 - 1)
    assert list(Scanner(data, "file").varints(0, len(data))) == [1, 2**64 - 2, 2**63 - 1]
