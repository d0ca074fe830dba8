"""Any kind of weight file: told apart by content when read, by suffix when written."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segaware_caffe.errors import WeightsError
from segaware_caffe.weights.blobs import FileBlob, LayerWeights, Shape, Weights, Writable
from segaware_caffe.weights.caffemodel import read_caffemodel
from segaware_caffe.weights.copy import copy_caffemodel
from segaware_caffe.weights.flat import (
    read_npz,
    read_safetensors,
    read_torch,
    write_npz,
    write_safetensors,
    write_torch,
)
from segaware_caffe.weights.hdf5 import read_hdf5, write_hdf5
from segaware_caffe.weights.mapped import MappedFile
from segaware_caffe.weights.sniff import file_kind
from segaware_caffe.weights.write import write_caffemodel

READERS: dict[str, Callable[..., Weights]] = {
    "hdf5": read_hdf5,
    "safetensors": read_safetensors,
    "npz": read_npz,
    "torch": read_torch,
}
WRITERS: dict[str, Callable[..., None]] = {
    ".caffemodel": write_caffemodel,
    ".h5": write_hdf5,
    ".safetensors": write_safetensors,
    ".npz": write_npz,
    ".pt": write_torch,
    ".pth": write_torch,
}


@dataclass(frozen=True)
class Conversion:
    """What `convert` did."""

    source: str
    kind: str
    target: str
    layers: int
    blobs: int
    values: int

    def __str__(self) -> str:
        return (
            f"{self.source} ({self.kind}) -> {self.target}: {self.layers} layers with weights, {self.blobs} blobs, {self.values:,} values"
        )


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """The layers of a weight file of any kind that this package knows; CaffeError if it is none.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_weights("any_name", "net", layers, kind=".npz")
    >>> weights = read_weights("any_name")
    >>> weights.kind, next(iter(weights)).blobs[0].numpy().sum().item()
    ('npz', 6.0)
    """
    return READERS.get(file_kind(MappedFile(path)), read_caffemodel)(path)


def write_weights(
    path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable], kind: str | None = None, prototxt: str = ""
) -> None:
    """Write layers as `kind`, or else the suffix of `path`, says: .caffemodel, .h5, .safetensors, .npz, .pt or .pth.

    `layers` are LayerWeights or tuples (name, type, blobs), as for `write_caffemodel`. Legacy
    shapes become the ones that today's layers have. Only .safetensors keeps a net's `prototxt`.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_weights("net.caffemodel", "net", layers)
    >>> [(layer.name, [blob.shape for blob in layer.blobs]) for layer in read_weights("net.caffemodel")]
    [('fc', [(2, 3), (2,)])]
    """
    writer = WRITERS.get(kind or Path(path).suffix.lower())
    if writer is None:
        raise WeightsError(f"{path}: weights are written to a name that ends in {', '.join(WRITERS)}")
    more = {"prototxt": prototxt} if writer is write_safetensors else {}
    writer(path, net_name, [_modern(LayerWeights(*layer)) for layer in layers], **more)


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Conversion:
    """Copy the weights in `source`, a file of any kind, to a file of the kind that `target` is named for.

    From .caffemodel to .caffemodel all that the file holds is copied, foreign fields too.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> write_weights("net.caffemodel", "net", layers)
    >>> print(convert("net.caffemodel", "net.npz"))
    net.caffemodel (caffemodel) -> net.npz: 1 layers with weights, 2 blobs, 8 values
    """
    if file_kind(MappedFile(source)) == "caffemodel" and Path(target).suffix.lower() == ".caffemodel":
        weights = copy_caffemodel(source, target)
    else:
        weights = read_weights(source)
        write_weights(target, weights.net_name, weights, prototxt=weights.prototxt)
    blobs = [blob for layer in weights for blob in layer.blobs if blob is not None]
    return Conversion(
        weights.path,
        weights.kind,
        os.fspath(target),
        sum(any(blob is not None for blob in layer.blobs) for layer in weights),
        len(blobs),
        sum(blob.count for blob in blobs),
    )


def _modern(layer: LayerWeights[Any]) -> LayerWeights[Any]:
    """The layer with its blobs' legacy shapes, which other kinds of file cannot mark as such, brought up to date."""
    return layer._replace(
        blobs=[
            blob.with_shape(_modern_shape(layer.type, index, blob.shape)) if isinstance(blob, FileBlob) and blob.legacy else blob
            for index, blob in enumerate(layer.blobs)
        ]
    )


def _modern_shape(layer_type: str, index: int, shape: Shape) -> Shape:
    """A bias (1, 1, 1, N) is (N), the weights (1, 1, M, N) of an InnerProduct are (M, N); all else had 4 axes."""
    if index > 0 and shape[:3] == (1, 1, 1):
        return shape[3:]
    if layer_type == "InnerProduct" and index == 0 and shape[:2] == (1, 1):
        return shape[2:]
    return shape
