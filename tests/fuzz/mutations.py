"""Damage: what a fuzzer does to sound files, the same for every format, drawn from one random source."""

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

#: no input is longer: what matters in a file format shows in small files, and small files are fast
MAX_SIZE = 2**16
#: at most so many edits of one input
MAX_EDITS = 5
#: numbers at the edges of what formats store
EDGES = [0, 1, 2, 3, 4, 7, 8, 16, 32, 64, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1]
EDGES += [2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
WRITTEN = [
    b"0",
    b"-1",
    b"1e9",
    b"1e400",
    b"-1e-400",
    b"nan",
    b"inf",
    b"0x7fffffff",
    b"2147483647",
    b"-2147483649",
    b"1" * 40,
    b"1000000000",
]

Edit = Callable[[Random, bytearray, Sequence[bytes]], None]


def mutate(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with a few edits, at most MAX_SIZE bytes; once in a while noise."""
    if random.random() < 0.01:
        return random.randbytes(random.randrange(200))
    data = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, MAX_EDITS)):
        random.choice(EDITS)(random, data, seeds)
        del data[MAX_SIZE:]
    return bytes(data)


def _place(random: Random, data: bytearray, size: int = 1) -> int:
    """Where `size` bytes are; half of the time near the beginning, where headers lie."""
    last = max(0, len(data) - size)
    return random.randint(0, min(last, 64) if random.random() < 0.5 else last)


def _span(random: Random, data: bytes | bytearray) -> slice:
    start = random.randint(0, len(data))
    return slice(start, start + min(2 ** random.randint(0, 12), 1 + random.randrange(len(data) + 1)))


def flip_a_bit(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if data:
        data[_place(random, data)] ^= 1 << random.randrange(8)


def overwrite_a_byte(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if data:
        data[_place(random, data)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def overwrite_a_number(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    size = random.choice((1, 2, 4, 8))
    number = (random.choice(EDGES) + random.randint(-1, 1)) % 256**size
    place = _place(random, data, size)
    data[place : place + size] = number.to_bytes(size, random.choice(("little", "big")))


def shift_a_number(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    """A count or an offset that is a little wrong."""
    size, order = random.choice((1, 2, 4, 8)), random.choice(("little", "big"))
    place = _place(random, data, size)
    number = int.from_bytes(data[place : place + size], order) + random.randint(-16, 16)
    data[place : place + size] = (number % 256**size).to_bytes(size, order)


def overwrite_a_written_number(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    found = list(re.finditer(rb"[-+]?\d[\d.eE]*", data[:4096]))
    if found:
        match = random.choice(found)
        data[match.start() : match.end()] = random.choice(WRITTEN)


def cut_off(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del data[random.randint(0, len(data)) :]


def leave_out(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    del data[_span(random, data)]


def insert_noise(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    place = random.randint(0, len(data))
    data[place:place] = random.randbytes(random.randint(1, 16))


def repeat(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    span = _span(random, data)
    data[span.start : span.start] = bytes(data[span]) * random.choice((1, 1, 2, 8, 64))


def move(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    """A piece written over another place: a structure where another is expected, or one that holds itself."""
    piece = bytes(data[_span(random, data)])
    place = _place(random, data, len(piece))
    data[place : place + len(piece)] = piece


def splice(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = random.choice(seeds)
    data[random.randint(0, len(data)) :] = other[random.randint(0, len(other)) :]


def transplant(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = random.choice(seeds)
    place = random.randint(0, len(data))
    data[place:place] = other[_span(random, other)]


EDITS: list[Edit] = [
    flip_a_bit,
    overwrite_a_byte,
    overwrite_a_number,
    overwrite_a_number,
    shift_a_number,
    shift_a_number,
    overwrite_a_written_number,
    cut_off,
    leave_out,
    insert_noise,
    repeat,
    move,
    splice,
    transplant,
]


def with_png_checksums(data: bytes) -> bytes:
    """A damaged PNG whose chunks have the right checksums again, so that its decoder looks at what is in them."""
    result, place = bytearray(data), 8
    while place + 12 <= len(result):
        (size,) = struct.unpack_from(">I", result, place)
        end = place + 8 + size
        if end + 4 > len(result):
            break
        struct.pack_into(">I", result, end, zlib.crc32(result[place + 4 : end]))
        place = end + 4
    return bytes(result)


def with_zip_checksums(data: bytes) -> bytes:
    """A damaged archive of stored members whose checksums are right again, where its records can still be found."""
    result = bytearray(data)
    for central in re.finditer(rb"PK\x01\x02", data):
        record = central.start()
        if record + 46 > len(data):
            continue
        (size,) = struct.unpack_from("<I", data, record + 20)
        (header,) = struct.unpack_from("<I", data, record + 42)
        if header + 30 > len(data):
            continue
        start = header + 30 + sum(struct.unpack_from("<2H", data, header + 26))
        checksum = struct.pack("<I", zlib.crc32(data[start : start + size]))
        result[record + 16 : record + 20] = result[header + 14 : header + 18] = checksum
    return bytes(result)
