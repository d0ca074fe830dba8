"""What an HDF5 file holds, and where: read by the library, in a process of its own.

The values of datasets that lie together, as floats or doubles, are left in the file for the asker to read there. All
others (packed, in chunks, of another number type) are written to a file that the asker shares.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from segaware_caffe.apart.server import Task

#: groups and datasets; no net has so many
MAX_OBJECTS = 2**18
MAX_DEPTH = 8
#: values that are converted at a time
BLOCK = 2**20
PLAIN = (np.dtype("<f4"), np.dtype("<f8"))


def open_task(path: str, spill: int | None, memory: int) -> Task:
    """The question is a list of names: the answer tells of each what it is (see `_Tree.object`), of the file its attributes and names."""
    with _damage():
        file = h5py.File(path, "r")

    def answer(names: list[str] | None) -> tuple[Any, bytes]:
        if names is None:
            return None, b""
        with _damage():
            tree = _Tree(os.path.getsize(path), spill, memory)
            found = {name: tree.find(file, name) for name in names}
            return {
                "found": found,
                "attributes": _attributes(file),
                "names": [name for name, _ in zip(file, range(100), strict=False)],
            }, b""

    return answer


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # h5py documents no set of errors
        raise ValueError(f"a damaged HDF5 file: {error}") from error


class _Tree:
    """Walks through the objects of a file; each group once, and never out of the file."""

    def __init__(self, size: int, spill: int | None, memory: int):
        self._size, self._spill, self._room = size, spill, memory
        self._written = 0
        self._objects = 0
        self._groups: set[int] = set()

    def find(self, group: Any, name: str) -> Any:
        """The object of that name (`a/b` is `b` in the group `a`); None if there is none, or a link within the file."""
        first, _, rest = name.strip("/").partition("/")
        if isinstance(group.get(first, getlink=True), h5py.ExternalLink):
            return {"shape": None, "type": "a link", "kind": "", "elsewhere": True}
        found = _linked(group, first)
        if not rest:
            return None if found is None else self.object(found, 0)
        return self.find(found, rest) if isinstance(found, h5py.Group) else None

    def object(self, found: Any, depth: int) -> Any:
        """A group as its attributes and members, in order; a dataset as its shape, type and where its values are."""
        self._objects += 1
        if self._objects > MAX_OBJECTS:
            raise ValueError(f"it holds more than {MAX_OBJECTS} objects")
        if isinstance(found, h5py.Dataset):
            return self._dataset(found)
        if not isinstance(found, h5py.Group):
            return None
        address = h5py.h5o.get_info(found.id).addr
        if address in self._groups or depth > MAX_DEPTH:
            return None
        self._groups.add(address)
        members = {}
        for name in found:
            member = _linked(found, name)
            members[name] = None if member is None else self.object(member, depth + 1)
        return {"attributes": _attributes(found), "members": members}

    def _dataset(self, dataset: Any) -> dict[str, Any]:
        dtype = dataset.dtype
        told: dict[str, Any] = {"shape": dataset.shape, "type": str(dtype), "kind": dtype.kind, "double": dtype == np.float64}
        if dataset.shape is None or dataset.is_virtual or dataset.external:
            return told | {"elsewhere": dataset.shape is not None}  # what holds no values has no shape
        if dataset.size == 1:
            value = dataset[(0,) * len(dataset.shape)] if dataset.shape else dataset[()]
            told["value"] = _plain(value)
        needed, stored = math.prod(dataset.shape) * dtype.itemsize, dataset.id.get_storage_size()
        if stored < needed and dataset.compression is None:
            return told | {"problem": f"its shape needs {needed} bytes, but {stored} are stored"}
        try:
            return told | (self._place(dataset) if dtype.kind in "fiu" and dataset.size else {})
        except (OSError, RuntimeError) as error:
            return told | {"problem": f"cannot be read: {error}"}

    def _place(self, dataset: Any) -> dict[str, Any]:
        """Where the values begin, in the file or in the shared one."""
        offset = dataset.id.get_offset()
        if dataset.dtype in PLAIN and dataset.chunks is None and offset is not None:
            if offset + dataset.nbytes > self._size:
                raise ValueError(f"'{dataset.name}' needs {dataset.nbytes} bytes from {offset} on, but the file ends at {self._size}")
            return {"offset": offset}
        return {"spilled": self._write(dataset)}

    def _write(self, dataset: Any) -> int:
        stored = np.dtype("<f8" if dataset.dtype == np.float64 else "<f4")
        count = math.prod(dataset.shape)
        start = self._written
        self._written += -(-count * stored.itemsize // 8) * 8
        if self._written > self._room:
            raise ValueError(
                f"its packed values fill more than {self._room >> 20} MB unpacked; if they are meant, raise SEGAWARE_CAFFE_MAX_UNPACKED"
            )
        if self._spill is None:
            raise ValueError("its values are packed")
        place = start
        rows = max(1, BLOCK * dataset.shape[0] // count) if dataset.shape else 1
        for first in range(0, dataset.shape[0] if dataset.shape else 1, rows):
            values = dataset[first : first + rows] if dataset.shape else dataset[()]
            place += os.pwrite(self._spill, np.ascontiguousarray(values, stored).data, place)
        return start


def _linked(group: Any, name: str) -> Any:
    """The object of that name, if the group itself holds it."""
    link = group.get(name, getlink=True)
    return group[name] if isinstance(link, h5py.HardLink) else None


def _attributes(found: Any) -> dict[str, str]:
    """The two texts that files of weights may have beside the values."""
    values = {name: found.attrs.get(name) for name in ("net_name", "type")}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _plain(value: Any) -> str | float | int | None:
    """A text or number as JSON has them."""
    if isinstance(value, (bytes, str)):
        return os.fsdecode(value)
    return value.item() if isinstance(value, (np.integer, np.floating)) else None
