"""Writing LMDB and LevelDB databases, in batches, as Caffe's tools do; a database is there completely or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segaware_caffe.errors import FileError
from segaware_caffe.extras import optional_import

#: room that an LMDB may take; a sparse file, so it costs nothing
MAP_SIZE = 2**40
#: records of one transaction
COMMIT = 1000


class DatabaseWriter:
    """An open database: `put` records, which are committed a thousand at a time; `count` says how many there are."""

    def __init__(self, folder: Path):
        self.count = 0
        self._batch: list[tuple[bytes, bytes]] = []
        self._open(folder)

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record; one of the same key is replaced."""
        self._batch.append((key, value))
        self.count += 1
        if len(self._batch) == COMMIT:
            self.commit()

    def commit(self) -> None:
        """Write what has been put since the last time."""
        self._write(self._batch)
        self._batch = []

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()

    _database: Any

    def _open(self, folder: Path) -> None:
        raise NotImplementedError

    def _write(self, batch: list[tuple[bytes, bytes]]) -> None:
        raise NotImplementedError


class _Lmdb(DatabaseWriter):
    def _open(self, folder: Path) -> None:
        self._lmdb = optional_import("lmdb", "lmdb", folder)
        self._database = self._lmdb.open(os.fsencode(folder), map_size=MAP_SIZE)

    def _write(self, batch: list[tuple[bytes, bytes]]) -> None:
        with self._database.begin(write=True) as transaction:
            for key, value in batch:
                try:
                    transaction.put(key, value)
                except self._lmdb.BadValsizeError as error:
                    raise FileError(f"an LMDB's keys have at most 511 bytes, '{key.decode(errors='replace')}' has {len(key)}") from error


class _LevelDb(DatabaseWriter):
    def _open(self, folder: Path) -> None:
        plyvel = optional_import("plyvel", "leveldb", folder)
        self._database = plyvel.DB(str(folder), create_if_missing=True)

    def _write(self, batch: list[tuple[bytes, bytes]]) -> None:
        with self._database.write_batch() as transaction:
            for key, value in batch:
                transaction.put(key, value)


@contextmanager
def database_writer(target: str | os.PathLike[str], backend: str = "LMDB") -> Iterator[DatabaseWriter]:
    """A new database of kind `backend` (LMDB or LEVELDB) in the folder `target`, which must not exist.

    It takes its name when the block ends well; after an error nothing is there.
    """
    target = Path(target)
    if target.exists():
        raise FileError(f"{target} exists already; a database is only written to a new folder")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        writer = {"LMDB": _Lmdb, "LEVELDB": _LevelDb}[backend](temporary)
        try:
            yield writer
            writer.commit()
        finally:
            writer.close()
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
