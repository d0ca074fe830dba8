"""Copying a database from LevelDB to LMDB or back, record for record."""

import os
from collections.abc import Iterator
from pathlib import Path

from segaware_caffe.data.database_writer import COMMIT, database_writer
from segaware_caffe.data.databases import BACKENDS, records


def convert_database(source: str | os.PathLike[str], target: str | os.PathLike[str], backend: str = "LMDB") -> Iterator[int]:
    """Copy all records of a database of either kind to a new one of kind `backend`; yields the count as it grows.

    Raises CaffeError if `target` exists, or `source` is not a database. Until the last record is
    there, `target` is not.
    """
    source, target = Path(source), Path(target)
    kind = "LMDB" if (source / "data.mdb").exists() else "LEVELDB"
    with database_writer(target, backend) as writer:
        for key, value in records(str(source), BACKENDS[kind].number):
            writer.put(key, value)
            if writer.count % COMMIT == 0:
                yield writer.count
    yield writer.count
