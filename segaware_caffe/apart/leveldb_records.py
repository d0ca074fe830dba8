"""The records of a LevelDB, from the process that has it open and locked."""

import plyvel

from segaware_caffe.apart.batches import Batches
from segaware_caffe.apart.server import Task


def open_task(path: str, spill: int | None, memory: int) -> Task:
    """The library locks it against other processes."""
    try:
        database = plyvel.DB(path, create_if_missing=False)
    except (plyvel.Error, OSError) as error:
        raise ValueError(f"cannot open LevelDB: {_text(error)}") from error
    return Batches(lambda: database.iterator(verify_checksums=True), database.close, "cannot read LevelDB", _text)


def _text(error: Exception) -> str:
    """plyvel's messages are bytes."""
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
