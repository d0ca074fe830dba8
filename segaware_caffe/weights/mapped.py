"""A read-only file: mapped, for its index and for views; and read straight into memory, for its data."""

import ctypes
import mmap
import os
import stat
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from segaware_caffe.errors import CaffeError, FileError, WeightsError

#: Bytes that one thread reads at a time; what is larger is read by several.
SLICE = 2**24
THREADS = min(4, os.cpu_count() or 1)
#: From here on huge pages are worth asking for, as numpy does for its own arrays.
HUGE = 2**22


class MappedFile:
    """A regular file that is not empty, open until the last reference to it is gone.

    Whoever wants to own the data calls `read_into`: the kernel copies into the destination and
    the mapped pages, which count as memory of the process, are not touched.
    """

    def __init__(self, path: str | os.PathLike[str], descriptor: int | None = None):
        self.path = os.fspath(path)
        try:
            if descriptor is not None:  # of a file that is open already, and has no name
                self._descriptor = os.dup(descriptor)
            elif stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for its writer
                self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            else:
                raise FileError(f"{self.path}: not a regular file")
            weakref.finalize(self, os.close, self._descriptor)
            self.size = os.fstat(self._descriptor).st_size
            if self.size == 0:
                raise WeightsError(f"{self.path}: the file is empty")
            self.data = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise FileError(f"File not found: {self.path}") from error
        except (OSError, ValueError) as error:
            if isinstance(error, CaffeError):
                raise
            raise FileError(f"{self.path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error

    def read_into(self, memory: np.ndarray, offset: int) -> None:
        """Fill a contiguous array with the bytes from `offset` on."""
        target = memory.reshape(-1).view(np.uint8)
        if target.size >= HUGE:
            _ask_for_huge_pages(target)
        starts = range(0, target.size, SLICE)
        if len(starts) < 2:
            self._read(target, offset)
            return
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda start: self._read(target[start : start + SLICE], offset + start), starts))

    def _read(self, target: np.ndarray, offset: int) -> None:
        if not hasattr(os, "preadv"):  # Windows
            target[:] = np.frombuffer(self.data, np.uint8, target.size, offset)
            return
        done = 0
        while done < target.size:
            got = os.preadv(self._descriptor, [target[done:].data], offset + done)
            if not got:
                raise FileError(f"{self.path}: the file became shorter while it was read")
            done += got

    def release(self) -> None:
        """Let go of the mapped pages seen so far; they no longer count as memory of the process."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)


def _ask_for_huge_pages(memory: np.ndarray) -> None:
    """A hint only: faulting in fresh memory by small pages takes longer than filling it."""
    if hasattr(mmap, "MADV_HUGEPAGE"):
        start = -(-memory.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
        length = memory.ctypes.data + memory.size - start
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), mmap.MADV_HUGEPAGE)
