"""List files: which images, labels and names a data layer works through (spec/pipeline.md 6.3, 6.4, 6.11).

Blank lines and a byte order mark are ignored; a line that cannot be understood is an error with the file and the
line's number. Names are bytes to the file system and need not be UTF-8.
"""

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes
from segaware_caffe.layers.random import MersenneTwister
from segaware_caffe.limits import LINES

T = TypeVar("T")


class Entry(NamedTuple):
    """One item: a file's name, what stands beside it (a class, another file's name, or nothing), and where it is written."""

    name: str
    second: str
    where: str

    @property
    def label(self) -> int:
        """The second column as a class; CaffeError with file and line if it is no integer."""
        if not re.fullmatch(r"[+-]?\d{1,18}", self.second):
            raise FileError(f"{self.where}: '{self.second}' is no label; the line must be a file name and an integer")
        return int(self.second)


def read_lines(source: str) -> Iterator[tuple[str, bytes]]:
    """Where each line stands ("file:number") and its text, blank ones left out."""
    try:
        text = read_bytes(source)
    except OSError as error:
        raise FileError(f"source: Could not open '{source}': {error.strerror}") from error
    LINES.check(text.count(b"\n"), f"source: '{source}':", FileError)
    for number, line in enumerate(text.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if line.strip():
            yield f"{source}:{number}", line.strip()


def read_labelled(source: str) -> list[Entry]:
    """Lines `file name, label`: the label is what follows the last space, so names may hold spaces. Labels are checked."""
    entries = []
    for where, line in read_lines(source):
        columns = [os.fsdecode(column) for column in line.rsplit(None, 1)]
        if len(columns) < 2:
            raise FileError(f"{where}: '{columns[0]}' has no label; the line must be a file name and an integer")
        entries.append(Entry(columns[0], columns[1], where))
        entries[-1].label  # noqa: B018  (checks it)
    return _some(entries, source)


def read_pairs(source: str, second: str | None) -> list[Entry]:
    """Lines of a file name and, if `second` says what it is, another column; further columns are ignored."""
    entries = []
    for where, line in read_lines(source):
        columns = [os.fsdecode(column) for column in line.split()]
        if second is None:
            columns = [columns[0], ""]
        elif len(columns) < 2:
            raise FileError(f"{where}: '{columns[0]}' stands alone; the line must be a file name and {second}")
        entries.append(Entry(columns[0], columns[1], where))
    return _some(entries, source)


def read_files(source: str) -> list[Entry]:
    """Every word of the list is a file's name."""
    return _some([Entry(os.fsdecode(word), "", where) for where, line in read_lines(source) for word in line.split()], source)


def read_names(source: str, strip: int) -> list[str]:
    """The first word of each line without its last `strip` characters."""
    names = []
    for where, line in read_lines(source):
        word = os.fsdecode(line.split()[0])
        if len(word) <= strip:
            raise FileError(f"{where}: Too much stripping: '{word}' has no more than the {strip} characters that strip takes")
        names.append(word[: len(word) - strip])
    return _some(names, source)


def cycle(entries: Sequence[T], seed: int | None, skip: int = 0) -> Iterator[T]:
    """The entries for ever, without the first `skip`; with a seed shuffled first, and again after each pass."""
    if skip >= len(entries):
        raise FileError(f"Not enough points to skip: rand_skip drew {skip}, but there are {len(entries)} items")
    order = list(entries)
    generator = None if seed is None else MersenneTwister(seed)
    while True:
        if generator:
            generator.shuffle(order)
        yield from order[skip:]
        skip = 0


def _some(items: list[T], source: str) -> list[T]:
    if not items:
        raise FileError(f"source: '{source}' is empty")
    return items
