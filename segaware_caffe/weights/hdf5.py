""".caffemodel.h5 files: group `data/<layer>/` with datasets `0`, `1`, … (spec/pipeline.md 2.9).

h5py is an optional extra of this package. What reads runs apart (`segaware_caffe.apart`): a damaged file can make the HDF5
library loop for ever or crash. Links are not followed.
"""

import io
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from segaware_caffe.apart import Conversation
from segaware_caffe.errors import CaffeError, WeightsError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.weights.blobs import (
    DOUBLE,
    FLOAT,
    BlobRef,
    FileBlob,
    LayerWeights,
    Run,
    Weights,
    Writable,
    as_blob,
    check_shape,
)
from segaware_caffe.weights.mapped import MappedFile
from segaware_caffe.weights.sniff import open_as

DATA, DIFF = "data", "diff"
#: attributes that the reference neither writes nor reads
NET_NAME, TYPE = "net_name", "type"
#: No layer type has more than a dozen; an index in a file must not decide how long a list gets.
MAX_BLOBS = 256
BLOB_NAMES = {str(index) for index in range(MAX_BLOBS)}


Node = dict[str, Any]


class Hdf5File:
    """What of a file was asked for, read by the HDF5 library in a process of its own; the values stay where they lie.

    `found` has a group (its members and attributes), a dataset, or None (missing, or a link) for each of the names.
    """

    def __init__(self, path: str | os.PathLike[str], names: Sequence[str], kind: type[CaffeError] = WeightsError):
        optional_import("h5py", "hdf5", path)
        self.path, self._kind = path, kind
        self._file = open_as(path, "hdf5")
        with tempfile.TemporaryFile() if not hasattr(os, "memfd_create") else open(os.memfd_create("hdf5"), "w+b") as spill:
            conversation = Conversation(path, "hdf5", self._file.size, spill.fileno(), kind)
            try:
                answer, _ = conversation.ask(list(names))
            finally:
                conversation.close()
            self.found: dict[str, Node | None] = answer["found"]
            self.names: list[str] = answer["names"]
            self.attributes: dict[str, str] = answer["attributes"]
            self._spilled = MappedFile(path, spill.fileno()) if os.fstat(spill.fileno()).st_size else self._file

    def blob(self, dataset: Node, where: str) -> BlobRef:
        """A dataset whose shape and type are sound and whose values are all in this file."""
        shape = dataset["shape"]
        if shape is None or dataset["kind"] not in "fiu":
            raise self._kind(f"{where}: holds {dataset['type']}, not numbers")
        problem = check_shape(shape)
        if problem:
            raise self._kind(f"{where}: {problem}")
        if dataset.get("elsewhere"):
            raise self._kind(f"{where}: its values are in another file")
        if "problem" in dataset:
            raise self._kind(f"{where}: {dataset['problem']}")
        dtype = DOUBLE if dataset["double"] else FLOAT
        file, start = (self._file, dataset["offset"]) if "offset" in dataset else (self._spilled, dataset.get("spilled", 0))
        count = math.prod(shape)
        if start + count * dtype.itemsize > file.size:
            raise self._kind(f"{where}: its values end before its shape does")
        return FileBlob(file, [Run(start, count, dtype.itemsize)] if count else [], tuple(shape), dtype)


def read_hdf5(path: str | os.PathLike[str]) -> Weights:
    """The layers of a .caffemodel.h5, in the order they were made if the file keeps it, else by name.

    A blob that a layer shares with another one and does not own is None.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_hdf5("net.caffemodel.h5", "net", layers)
    >>> read_hdf5("net.caffemodel.h5").kind
    'hdf5'
    """
    file = Hdf5File(path, [DATA])
    weights = Weights(os.fspath(path), "hdf5", file.attributes.get(NET_NAME, ""))
    layers = member(file.found, DATA, "group", path, "/")["members"]
    for name in layers:
        group = member(layers, name, "group", path, f"/{DATA}")
        weights.layers.append(LayerWeights(name, group["attributes"].get(TYPE, ""), _read_blobs(file, group["members"], name)))
    return weights


def write_hdf5(path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable]) -> None:
    """Write layers as the reference's HDF5 snapshots; a blob that another layer owns is given as None.

    Raises CaffeError, before anything is written, for two layers of one name and for names that
    HDF5 cannot hold.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_hdf5("net.caffemodel.h5", "net", layers)
    >>> [layer.name for layer in read_hdf5("net.caffemodel.h5")]
    ['fc']
    """
    complete: list[LayerWeights[Any]] = [LayerWeights(*layer) for layer in layers]
    check_hdf5_names(path, [layer.name for layer in complete])
    with new_hdf5(path) as file:
        file.attrs[NET_NAME] = net_name
        data = file.create_group(DATA, track_order=True)
        for layer in complete:
            group = data.create_group(layer.name)
            group.attrs[TYPE] = layer.type
            for index, values in enumerate(layer.blobs):
                if values is not None:
                    blob = as_blob(values, layer.name, index)
                    group.create_dataset(str(index), data=blob.numpy())
                    if blob.diff is not None:
                        file.create_dataset(f"{DIFF}/{layer.name}/{index}", data=blob.diff.numpy())


@contextmanager
def new_hdf5(path: str | os.PathLike[str]) -> Iterator[Any]:
    """An HDF5 file to fill, which appears when it is complete.

    It is made in memory: HDF5 itself cannot let go of a file that the disk has no room for.
    """
    h5py = optional_import("h5py", "hdf5", path)
    memory = io.BytesIO()
    with h5py.File(memory, "w", track_order=True) as file:
        yield file
    with replacing(path) as temporary:
        temporary.write_bytes(memory.getbuffer())


def check_hdf5_names(path: str | os.PathLike[str], names: Sequence[str]) -> None:
    """Raise WeightsError for layers whose names a HDF5 file cannot hold, or not beside each other.

    >>> check_hdf5_names("net.caffemodel.h5", ["conv1", "conv2"])
    >>> check_hdf5_names("net.caffemodel.h5", ["block/conv1"])
    Traceback (most recent call last):
    segaware_caffe.errors.WeightsError: net.caffemodel.h5: a layer named 'block/conv1' cannot be stored in HDF5; write a .caffemodel
    """
    for name in names:
        if "/" in name or name in ("", "."):
            raise WeightsError(f"{path}: a layer named '{name}' cannot be stored in HDF5; write a .caffemodel")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise WeightsError(
            f"{path}: HDF5 holds one layer of a name, but there are several of {', '.join(map(repr, twice))}; write a .caffemodel"
        )


def _read_blobs(file: Hdf5File, members: dict[str, Node | None], layer: str) -> list[BlobRef | None]:
    blobs: dict[int, BlobRef] = {}
    for key in members:
        where = f"{file.path}: layer '{layer}' blob {key}"
        if key not in BLOB_NAMES:
            raise WeightsError(f"{where}: the datasets of a layer are named 0, 1, … {MAX_BLOBS - 1}")
        blobs[int(key)] = file.blob(member(members, key, "dataset", file.path, f"/{DATA}/{layer}"), where)
    return [blobs.get(index) for index in range(max(blobs, default=-1) + 1)]


def member(members: dict[str, Node | None], name: str, kind: str, path: str | os.PathLike[str], within: str) -> Node:
    """The "group" or "dataset" of that name."""
    found = members.get(name)
    if found is None or ("members" in found) != (kind == "group"):
        raise WeightsError(f"{path}: not a Caffe weights file: it has no {kind} '{name}' in '{within}'")
    return found
