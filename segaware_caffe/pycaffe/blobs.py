"""Blobs as scripts and Python layers see them: numpy memory for data and diff, and lists of them."""

import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Blob:
    """An array with its gradient; both are float32 numpy arrays that a script may write into.

    `data` and `diff` keep their memory, so that views of them stay views, until a shape needs more
    elements than there ever were: then both begin anew with zeros, as in Caffe. Blobs may share
    their memory (`share_data`, `share_diff`).
    """

    def __init__(self, data: np.ndarray | None = None):
        data = np.zeros((), np.float32) if data is None else data
        self._shape: tuple[int, ...] = data.shape
        self._values, self._gradients = _Memory(data.size, data.reshape(-1)), _Memory(data.size)
        #: called with the blob, and whether it is its diff, when somebody is about to look
        self.observer: Callable[[Blob, bool], None] | None = None

    @property
    def data(self) -> np.ndarray:
        if self.observer is not None:
            self.observer(self, False)
        return self._values.view(self._shape)

    @property
    def diff(self) -> np.ndarray:
        if self.observer is not None:
            self.observer(self, True)
        return self._gradients.view(self._shape)

    @property
    def data_held(self) -> bool:
        """Whether somebody holds a view of the data's memory."""
        return self._values.held

    @property
    def diff_held(self) -> bool:
        """Whether somebody holds a view of the diff's memory."""
        return self._gradients.held

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def count(self) -> int:
        return math.prod(self._shape)

    @property
    def num(self) -> int:
        return self._legacy(0)

    @property
    def channels(self) -> int:
        return self._legacy(1)

    @property
    def height(self) -> int:
        return self._legacy(2)

    @property
    def width(self) -> int:
        return self._legacy(3)

    def reshape(self, *shape: int) -> None:
        """Change the shape; the elements stay in their memory where it holds the new count, else all are zero."""
        shape = tuple(int(d) for d in shape)
        if shape == self._shape:
            return
        if min(shape, default=0) < 0:
            raise ValueError(f"a blob cannot have the shape {shape}: no dimension may be negative")
        self._shape = shape
        if self.count > min(self._values.size, self._gradients.size):
            self._values, self._gradients = _Memory(self.count), _Memory(self.count)

    def assign(self, value: torch.Tensor) -> None:
        """Copy a tensor into `data`, taking its shape."""
        self.reshape(*value.shape)
        torch.from_numpy(self.data).copy_(value.detach())

    def share_data(self, other: "Blob") -> None:
        """Use the memory of another blob's data, of no fewer elements, from now on."""
        self._values = other._values

    def share_diff(self, other: "Blob") -> None:
        """Use the memory of another blob's diff, of no fewer elements, from now on."""
        self._gradients = other._gradients

    def _legacy(self, axis: int) -> int:
        if len(self._shape) > 4:
            raise ValueError(f"Cannot use legacy accessors on a blob with {len(self._shape)} > 4 axes")
        return self._shape[axis] if axis < len(self._shape) else 1


class _Memory:
    """Elements in a row, zeros that take no room until somebody looks, and the views of them that somebody holds."""

    def __init__(self, size: int, elements: np.ndarray | None = None):
        self.size = size
        self._elements = elements
        self._views: weakref.WeakValueDictionary[tuple[int, ...], np.ndarray] = weakref.WeakValueDictionary()

    def view(self, shape: tuple[int, ...]) -> np.ndarray:
        """The first elements in a shape: the same array as long as somebody holds it."""
        if self._elements is None:
            self._elements = np.zeros(self.size, np.float32)
        view = self._views.get(shape)
        if view is None:
            view = self._views[shape] = np.asarray(_Window(self._elements, shape))
        return view

    @property
    def held(self) -> bool:
        """Whether a view is alive; views of a view keep it so."""
        return len(self._views) > 0


class _Window:
    """What an array is made from whose memory is another's, but whose views have it, not that other one, for their base."""

    def __init__(self, elements: np.ndarray, shape: tuple[int, ...]):
        self._elements = elements
        self.__array_interface__ = {**elements.__array_interface__, "shape": shape, "strides": None}


class BlobVector(list[Blob]):
    """A list of blobs that can make its own: bottoms, tops, and the learned blobs of a layer."""

    def add_blob(self, *shape: int, **unknown: Any) -> int:
        """Append a blob of zeros; returns how many there are."""
        if unknown:
            raise ValueError("BlobVec.add_blob takes no kwargs")
        blob = Blob()
        blob.reshape(*shape)
        self.append(blob)
        return len(self)
