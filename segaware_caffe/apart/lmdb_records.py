"""The records of an LMDB, from the process that has it open."""

import os

import lmdb

from segaware_caffe.apart.batches import Batches
from segaware_caffe.apart.server import Task


def open_task(path: str, spill: int | None, memory: int) -> Task:
    """Nothing is locked or written."""
    try:
        environment = lmdb.open(os.fsencode(path), readonly=True, lock=False)
    except lmdb.Error as error:
        raise ValueError(f"cannot open LMDB: {error}") from error
    return Batches(lambda: environment.begin(buffers=True).cursor(), environment.close, f"cannot read LMDB '{path}'")
