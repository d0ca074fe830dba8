"""Files are written completely or not at all; what is read is a file that has an end."""

import errno
import json
import math
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from segaware_caffe.errors import FileError

#: bytes of a file that is read into memory as a whole: what the largest format so read, .mat, can hold
MAX_READ = 2**32
#: where the shell has a pipe open for its command
_OPEN_PIPES = ("/dev/stdin", "/dev/fd/")


def open_file(path: str | os.PathLike[str], pipes: bool = False) -> BinaryIO:
    """A regular file, open for reading.

    Raises OSError as `open` does, for a name that no file can have, and for what is no file: a pipe, whose writer may never
    come, or a device, which may have no end. With `pipes` those that the shell has open already, /dev/stdin and /dev/fd/N, are
    taken too.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise OSError(errno.EINVAL, "its name holds a zero byte")
    if pipes and name.startswith(_OPEN_PIPES):
        return open(path, "rb")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        problem = (errno.EISDIR, os.strerror(errno.EISDIR)) if stat.S_ISDIR(mode) else (errno.EINVAL, "not a regular file")
        raise OSError(*problem)  # IsADirectoryError for the first
    return open(descriptor, "rb")


def read_bytes(path: str | os.PathLike[str], most: int = MAX_READ) -> bytes:
    """All of a regular file. OSError as `open_file` raises it, or if it is longer than `most` bytes."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"{size} bytes are more than the {most} that such a file may have")
        return file.read()


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the folder of `path`; what is written there takes its place when the block ends well.

    The temporary name ends in the same suffix. Raises CaffeError if the file cannot be written;
    after any error `path` is as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # some libraries write files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def left_behind(folder: Path) -> dict[str, list[Path]]:
    """The temporary files in a folder that `replacing` could not clear away as it was killed, by the name of what they were to become."""
    found: dict[str, list[Path]] = {}
    for path in folder.glob(".*"):
        stem, dot, token = path.stem[1:].rpartition(".")
        if dot and re.fullmatch("[0-9a-f]{8}", token):
            found.setdefault(stem + path.suffix, []).append(path)
    return found


def make_folder(path: Path) -> Path:
    """The folder, made with its parents if it is not there. CaffeError if it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be made: {error.strerror}") from error
    return path


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as JSON, completely or not at all; NaN and infinity become null."""
    with replacing(path) as temporary:
        temporary.write_text(json_text(content))


def json_text(content: Any) -> str:
    """`content` as JSON that every reader takes, with null for what JSON has no number for."""
    return json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"


def _finite(content: Any) -> Any:
    """`content` with None in place of NaN and infinity."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
