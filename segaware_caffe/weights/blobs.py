"""What every kind of weight file is read as: layers in order, each with references to its blobs.

A reference knows a blob's shape and type; its values stay where they are until someone asks.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
import torch

from segaware_caffe.errors import WeightsError
from segaware_caffe.schema.shapes import Shape as Shape
from segaware_caffe.schema.shapes import dims as dims
from segaware_caffe.weights.mapped import MappedFile

Array = np.ndarray | torch.Tensor

HALF, FLOAT, DOUBLE = np.dtype("<f2"), np.dtype("<f4"), np.dtype("<f8")
#: The reference's own limits for any blob.
MAX_AXES = 32
MAX_COUNT = 2**31 - 1
#: Values converted at a time where the file's form is not the destination's.
BLOCK = 2**18


class BlobRef(ABC):
    """A stored blob.

    Attributes: `shape`; `dtype` (float32 or float64) of its values as stored; `legacy`, whether
    its shape was stored as num, channels, height and width; `diff`, its gradient if stored.
    """

    shape: Shape
    dtype: np.dtype
    legacy: bool = False
    diff: "BlobRef | None" = None

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    def numpy(self) -> np.ndarray:
        """The values as an array of this blob's shape; it may be a view of the file, not writable."""
        array = np.empty(self.shape, self.dtype)
        self._fill(array.reshape(-1))
        return array

    def read_into(self, target: Array) -> None:
        """Write the values into `target`, which has as many elements and any shape, type or device."""
        count = target.numel() if isinstance(target, torch.Tensor) else target.size
        if count != self.count:
            raise WeightsError(f"a blob of {self.count} values cannot be read into {count}")
        memory = _flat_memory(target)
        if memory is not None:
            self._fill(memory)
        elif isinstance(target, torch.Tensor):
            values = torch.empty(target.shape, dtype=torch.float64 if self.dtype == DOUBLE else torch.float32)
            self._fill(values.numpy().reshape(-1))
            target.detach().copy_(values)
        else:
            target[...] = self.numpy().reshape(target.shape)

    @abstractmethod
    def _fill(self, memory: np.ndarray) -> None:
        """Write the values into a flat, contiguous float32 or float64 array."""


class Run(NamedTuple):
    """`length` values in a file, the first at byte `start`, each `stride` bytes after the one before."""

    start: int
    length: int
    stride: int


class FileBlob(BlobRef):
    """A blob whose values lie as plain bytes in a file, in one run or several."""

    def __init__(self, file: MappedFile, runs: Sequence[Run], shape: Shape, dtype: np.dtype, legacy: bool = False):
        self.file, self.runs, self.shape, self.dtype, self.legacy = file, runs, shape, dtype, legacy

    def numpy(self) -> np.ndarray:
        """The values; a view of the mapped file (perhaps unaligned) where they lie together, else a copy."""
        if len(self.runs) == 1 and self.runs[0].stride == self.dtype.itemsize:
            run = self.runs[0]
            return np.frombuffer(self.file.data, self.dtype, run.length, run.start).reshape(self.shape)
        return super().numpy()

    def with_shape(self, shape: Shape) -> "FileBlob":
        """The same values in a shape that is not a legacy one; without the gradient."""
        return FileBlob(self.file, self.runs, shape, self.dtype)

    def _fill(self, memory: np.ndarray) -> None:
        done = 0
        for run in self.runs:
            part = memory[done : done + run.length]
            done += run.length
            if run.stride == self.dtype.itemsize and part.dtype == self.dtype:
                self.file.read_into(part, run.start)
            else:
                self._convert(part, run)

    def _convert(self, part: np.ndarray, run: Run) -> None:
        """Read a run whose values are of another type or not side by side, a block at a time."""
        for first in range(0, run.length, BLOCK):
            count = min(BLOCK, run.length - first)
            raw = np.empty((count - 1) * run.stride + self.dtype.itemsize, np.uint8)
            self.file.read_into(raw, run.start + first * run.stride)
            part[first : first + count] = np.ndarray(count, self.dtype, raw, strides=(run.stride,))


class NarrowBlob(BlobRef):
    """A blob of a file whose values are of half precision there, and float32 for everyone who asks."""

    dtype = FLOAT

    def __init__(self, file: MappedFile, start: int, shape: Shape):
        self.file, self.start, self.shape = file, start, shape

    def _fill(self, memory: np.ndarray) -> None:
        for first in range(0, self.count, BLOCK):
            raw = np.empty(min(BLOCK, self.count - first), HALF)
            self.file.read_into(raw, self.start + first * HALF.itemsize)
            memory[first : first + len(raw)] = raw


class ArrayBlob(BlobRef):
    """A blob in memory: an array or tensor of any number type; all but float64 counts as float32."""

    def __init__(self, values: Array):
        self.values = values.detach() if isinstance(values, torch.Tensor) else values
        self.shape = tuple(values.shape)
        self.dtype = DOUBLE if str(values.dtype).endswith("float64") else FLOAT

    def numpy(self) -> np.ndarray:
        """The values; the array itself where it is of this blob's type."""
        if isinstance(self.values, torch.Tensor):
            return self.values.to("cpu", torch.float64 if self.dtype == DOUBLE else torch.float32).numpy()
        return self.values.astype(self.dtype, copy=False)

    def _fill(self, memory: np.ndarray) -> None:
        memory[...] = self.numpy().reshape(-1)


#: what stands for a blob in LayerWeights: a BlobRef where they are read; where they are written an array or tensor will do
B = TypeVar("B", bound="BlobRef | Array")
Writable: TypeAlias = "LayerWeights[Any] | tuple[Any, ...]"


class LayerWeights(NamedTuple, Generic[B]):
    """A layer and its blobs in Caffe's order.

    A blob is None where an HDF5 file has no dataset for it, because another layer owns it.
    Where layers are written, blobs may as well be arrays or tensors, and `definition` may hold the
    whole LayerParameter, serialized, without its blobs (only a .caffemodel keeps it).
    """

    name: str
    type: str = ""
    blobs: Sequence[B | None] = ()
    definition: bytes | None = None


@dataclass
class Weights:
    """The layers of a weight file, in its order; those without blobs too, where the file has them.

    `kind` is "caffemodel", "hdf5", "safetensors", "npz" or "torch"; `net_name` is "" if unknown, and so
    is `prototxt`, the net's definition, which a .safetensors may hold.
    """

    path: str
    kind: str
    net_name: str = ""
    layers: list[LayerWeights[BlobRef]] = field(default_factory=list)
    prototxt: str = ""

    def __iter__(self) -> Iterator[LayerWeights[BlobRef]]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)


def as_blob(values: BlobRef | Array | None, layer: str, index: int) -> BlobRef:
    """Anything a writer accepts as blob `index` of `layer`, as a BlobRef."""
    if values is None:
        raise WeightsError(f"layer '{layer}' blob {index} is owned by another layer; only HDF5 files can leave it out")
    return values if isinstance(values, BlobRef) else ArrayBlob(values)


def check_shape(shape: Sequence[int]) -> str | None:
    """What is wrong with a blob's shape by the reference's rules, or None."""
    if len(shape) > MAX_AXES:
        return f"its shape has {len(shape)} axes; {MAX_AXES} is the most"
    if min(shape, default=0) < 0:
        return f"its shape {dims(shape)} has a negative dimension"
    if math.prod(shape) > MAX_COUNT:
        return f"blob size exceeds INT_MAX: its shape {dims(shape)} is more than {MAX_COUNT} values"
    return None


def same_shape(source: Shape, legacy: bool, target: Shape) -> bool:
    """Whether a stored shape fits (spec/pipeline.md 2.9): equal, or for legacy ones equal after ones put in front."""
    if not legacy:
        return source == target
    return len(target) <= 4 and source == (1,) * (4 - len(target)) + target


def _flat_memory(target: Array) -> np.ndarray | None:
    """The elements of `target` as a flat array that shares its memory; None if they cannot be reached so."""
    if isinstance(target, torch.Tensor):
        if target.device.type != "cpu" or target.dtype not in (torch.float32, torch.float64):
            return None
        target = target.detach().numpy()
    return target.reshape(-1) if target.flags.c_contiguous and target.dtype in (FLOAT, DOUBLE) else None
