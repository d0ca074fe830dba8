"""LMDB and LevelDB databases of Datum records, read in key order (spec/pipeline.md 6.5).

The packages that read them are extras, and run apart: a damaged database ends their process, not this one. Only one
process may open a LevelDB, so that all readers of a database share it; it is closed when the last has gone.
"""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from segaware_caffe.apart import Conversation
from segaware_caffe.data.images import decode_image
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.extras import optional_import
from segaware_caffe.schema.messages import Datum, enum

BACKENDS = enum("DataParameter.DB").values_by_name


class Database:
    """An open database, in a process of its own."""

    def __init__(self, path: str, task: str):
        _check_files(path)
        self._conversation = Conversation(path, task, sum(entry.stat().st_size for entry in os.scandir(path)))
        self._readers = itertools.count()

    def close(self) -> None:
        """Let go of the files."""
        self._conversation.close()

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        reader, last = next(self._readers), False
        while not last:
            answer, content = self._conversation.ask(reader)
            last, place = answer["last"], 0
            for key, value in zip(answer["sizes"][::2], answer["sizes"][1::2], strict=True):
                yield content[place : place + key], content[place + key : place + key + value]
                place += key + value


def _check_files(path: str) -> None:
    """FileError if something in the folder is no file: a library would wait for a pipe's writer."""
    for entry in os.scandir(path):
        if not entry.is_file():
            raise FileError(f"source '{path}': {entry.name} is not a regular file")


def _open_lmdb(path: str) -> Database:
    optional_import("lmdb", "lmdb", path)
    return Database(path, "lmdb")


def _open_leveldb(path: str) -> Database:
    try:
        optional_import("plyvel", "leveldb", path)
    except CaffeError as error:
        raise type(error)(f"{error}, or convert it once, where that is installed, by: segaware-caffe convert-db") from error
    return Database(path, "leveldb")


_KINDS: dict[int, Callable[[str], Any]] = {BACKENDS["LEVELDB"].number: _open_leveldb, BACKENDS["LMDB"].number: _open_lmdb}
_open: dict[tuple[str, int], list[Any]] = {}  # the database, and how many read it
_lock = threading.RLock()
#: of the process that this one was forked from: never closed, since it goes on reading them
_inherited: list[Any] = []


def _after_fork() -> None:
    """A forked process opens databases anew; those that are open answer the process that it was forked from."""
    global _lock
    _lock = threading.RLock()
    _inherited.extend(database for database, _ in _open.values())
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def open_database(path: str, backend: int) -> Iterator[Database]:
    """A database whose iteration gives (key, value) in key order. `backend` is a number of DataParameter.DB.

    Whoever reads it at the same time shares it: its library lets a process open it only once.
    """
    _check_kind(path, backend)
    key = (os.path.realpath(path), backend)
    with _lock:
        if key not in _open:
            _open[key] = [_KINDS[backend](path), 0]
        entry = _open[key]
        entry[1] += 1
    try:
        yield entry[0]
    finally:
        with _lock:
            entry[1] -= 1
            if not entry[1]:
                del _open[key]
                entry[0].close()


def _check_kind(path: str, backend: int) -> None:
    """Whether there is a database, and of the kind that the prototxt names."""
    if not os.path.exists(path):
        raise FileError(f"source '{path}': no such database")
    is_lmdb, wants_lmdb = Path(path, "data.mdb").exists(), backend == BACKENDS["LMDB"].number
    if is_lmdb and not wants_lmdb:
        raise FileError(f"source '{path}' is an LMDB, but backend is LEVELDB (the default); set backend: LMDB")
    if wants_lmdb and not is_lmdb:
        raise FileError(f"source '{path}' is no LMDB (it holds no data.mdb), but backend is LMDB")


def records(path: str, backend: int) -> Iterator[tuple[bytes, bytes]]:
    """The (key, value) pairs of a database in key order, once through."""
    with open_database(path, backend) as database:
        yield from database


def read_datums(path: str, backend: int) -> Iterator[tuple[str, Any]]:
    """The Datums of a database with their keys, once through. CaffeError names the key of a broken record."""
    for key, value in records(path, backend):
        where = f"record '{key.decode(errors='backslashreplace')}' of '{path}'"
        try:
            datum = Datum.FromString(value)
        except DecodeError as error:
            raise FileError(f"{where} is not a Datum") from error
        yield where, datum


def datum_image(datum: Any, color: bool | None = None) -> np.ndarray:
    """The values of a Datum as (H, W, C): uint8 pixels, or float32 from float_data.

    Encoded ones are decoded in colour or grey, or as stored if `color` is None; others are as they are.
    """
    if datum.encoded:
        return decode_image(datum.data, color)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
    shape = (datum.channels, datum.height, datum.width)
    if min(shape) < 1 or values.size != np.prod(shape, dtype=np.int64):
        raise FileError(f"{values.size} values are stored, but the shape is {shape}")
    return values.reshape(shape).transpose(1, 2, 0)
