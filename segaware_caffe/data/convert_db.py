"""Copying a database from LevelDB to LMDB or back, record for record."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from segaware_caffe.data.databases import BACKENDS, open_database
from segaware_caffe.errors import FileError
from segaware_caffe.extras import optional_import

#: room that an LMDB may take; a sparse file, so it costs nothing
MAP_SIZE = 2**40
#: records of one transaction
COMMIT = 1000

Record = tuple[bytes, bytes]


def convert_database(source: str | os.PathLike, target: str | os.PathLike, backend: str = "LMDB") -> Iterator[int]:
    """Copy all records of a database of either kind to a new one of kind `backend`; yields the count as it grows.

    Raises CaffeError if `target` exists, or `source` is not a database. Until the last record is
    there, `target` is not.
    """
    source, target = Path(source), Path(target)
    kind = "LMDB" if (source / "data.mdb").exists() else "LEVELDB"
    if target.exists():
        raise FileError(f"{target} exists already; a database is only written to a new folder")
    records = iter(open_database(str(source), BACKENDS[kind].number))
    with _replacing_folder(target) as folder:
        yield from (_write_lmdb if backend == "LMDB" else _write_leveldb)(folder, records)


def _write_lmdb(folder: Path, records: Iterator[Record]) -> Iterator[int]:
    lmdb = optional_import("lmdb", "lmdb", folder)
    count = 0
    with lmdb.open(str(folder), map_size=MAP_SIZE) as environment:
        while batch := list(islice(records, COMMIT)):
            with environment.begin(write=True) as transaction:
                for key, value in batch:
                    transaction.put(key, value)
            count += len(batch)
            yield count


def _write_leveldb(folder: Path, records: Iterator[Record]) -> Iterator[int]:
    plyvel = optional_import("plyvel", "leveldb", folder)
    database = plyvel.DB(str(folder), create_if_missing=True)
    try:
        count = 0
        while batch := list(islice(records, COMMIT)):
            with database.write_batch() as transaction:
                for key, value in batch:
                    transaction.put(key, value)
            count += len(batch)
            yield count
    finally:
        database.close()


@contextmanager
def _replacing_folder(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
