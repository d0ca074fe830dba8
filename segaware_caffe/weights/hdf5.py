""".caffemodel.h5 files: group `data/<layer>/` with datasets `0`, `1`, … (spec/pipeline.md 2.9).

h5py is an optional extra of this package. Links that lead out of the file are not followed.
"""

import io
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from segaware_caffe.errors import CaffeError, WeightsError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.weights.blobs import (
    DOUBLE,
    FLOAT,
    BlobRef,
    LayerWeights,
    Weights,
    Writable,
    as_blob,
    check_shape,
)
from segaware_caffe.weights.sniff import open_as

DATA, DIFF = "data", "diff"
#: attributes that the reference neither writes nor reads
NET_NAME, TYPE = "net_name", "type"
#: No layer type has more than a dozen; an index in a file must not decide how long a list gets.
MAX_BLOBS = 256
BLOB_NAMES = {str(index) for index in range(MAX_BLOBS)}


class DatasetBlob(BlobRef):
    """A blob in an open HDF5 file."""

    def __init__(self, dataset: Any, where: str):
        self._dataset, self._where = dataset, where
        self.shape = dataset.shape
        self.dtype = DOUBLE if dataset.dtype.kind == "f" and dataset.dtype.itemsize == 8 else FLOAT

    def _fill(self, memory: np.ndarray) -> None:
        if memory.size:
            try:
                self._dataset.read_direct(memory.reshape(self.shape))
            except (OSError, RuntimeError, ValueError, TypeError) as error:
                raise WeightsError(f"{self._where}: cannot be read: {error}") from error


def read_hdf5(path: str | os.PathLike[str]) -> Weights:
    """The layers of a .caffemodel.h5, in the order they were made if the file keeps it, else by name.

    A blob that a layer shares with another one and does not own is None.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_hdf5("net.caffemodel.h5", "net", layers)
    >>> read_hdf5("net.caffemodel.h5").kind
    'hdf5'
    """
    h5py = optional_import("h5py", "hdf5", path)
    open_as(path, "hdf5")
    try:
        file = h5py.File(path, "r")
        weights = Weights(os.fspath(path), "hdf5", _attribute(file, NET_NAME))
        data = member(h5py, file, DATA, h5py.Group, path)
        for name in data:
            group = member(h5py, data, name, h5py.Group, path)
            weights.layers.append(LayerWeights(name, _attribute(group, TYPE), _read_blobs(h5py, group, name, path)))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, CaffeError):
            raise
        raise WeightsError(f"{path}: a damaged HDF5 file: {error}") from error
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


def _read_blobs(h5py: Any, group: Any, layer: str, path: str | os.PathLike[str]) -> list[BlobRef | None]:
    blobs: dict[int, BlobRef] = {}
    for key in group:
        where = f"{path}: layer '{layer}' blob {key}"
        if key not in BLOB_NAMES:
            raise WeightsError(f"{where}: the datasets of a layer are named 0, 1, … {MAX_BLOBS - 1}")
        blobs[int(key)] = checked(member(h5py, group, key, h5py.Dataset, path), where)
    return [blobs.get(index) for index in range(max(blobs, default=-1) + 1)]


def checked(dataset: Any, where: str) -> DatasetBlob:
    """A dataset whose shape and type are sound and whose values are all in this file."""
    if dataset.shape is None or dataset.dtype.kind not in "fiu":
        raise WeightsError(f"{where}: holds {dataset.dtype}, not numbers")
    problem = check_shape(dataset.shape)
    if problem:
        raise WeightsError(f"{where}: {problem}")
    if dataset.is_virtual or dataset.external:
        raise WeightsError(f"{where}: its values are in another file")
    size, stored = math.prod(dataset.shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if stored < size and dataset.compression is None:
        raise WeightsError(f"{where}: its shape needs {size} bytes, but {stored} are stored")
    return DatasetBlob(dataset, where)


def member(h5py: Any, group: Any, name: str, kind: type, path: str | os.PathLike[str]) -> Any:
    """`group[name]` if it is an object of that kind within the file."""
    link = group.get(name, getlink=True)
    member = group[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(member, kind):
        raise WeightsError(f"{path}: not a Caffe weights file: it has no {kind.__name__.lower()} '{name}' in '{group.name}'")
    return member


def _attribute(node: Any, name: str) -> str:
    value = node.attrs.get(name, "")
    return value if isinstance(value, str) else ""
