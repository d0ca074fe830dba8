"""Blobs as scripts and Python layers see them: numpy memory for data and diff, and lists of them."""

import math
from collections.abc import Sequence
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
        self._values = data.reshape(-1)
        self._gradients = np.zeros(data.size, np.float32)
        self._data: np.ndarray | None = data
        self._diff: np.ndarray | None = None

    @property
    def data(self) -> np.ndarray:
        if self._data is None:
            self._data = self._values[: self.count].reshape(self._shape)
        return self._data

    @property
    def diff(self) -> np.ndarray:
        if self._diff is None:
            self._diff = self._gradients[: self.count].reshape(self._shape)
        return self._diff

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
            self._values = np.zeros(self.count, np.float32)
            self._gradients = np.zeros(self.count, np.float32)
        self._data = self._diff = None

    def assign(self, value: torch.Tensor) -> None:
        """Copy a tensor into `data`, taking its shape."""
        self.reshape(*value.shape)
        torch.from_numpy(self.data).copy_(value.detach())

    def share_data(self, other: "Blob") -> None:
        """Use the memory of another blob's data, of no fewer elements, from now on."""
        if self._values is not other._values:
            self._values, self._data = other._values, None

    def share_diff(self, other: "Blob") -> None:
        """Use the memory of another blob's diff, of no fewer elements, from now on."""
        if self._gradients is not other._gradients:
            self._gradients, self._diff = other._gradients, None

    def viewed(self, shape: Sequence[int]) -> "Blob":
        """This blob, or one of another shape of the same count that shares its data and diff."""
        if tuple(shape) == self._shape:
            return self
        view = Blob()
        view._shape, view._values, view._gradients, view._data = tuple(shape), self._values, self._gradients, None
        return view

    def _legacy(self, axis: int) -> int:
        if len(self._shape) > 4:
            raise ValueError(f"Cannot use legacy accessors on a blob with {len(self._shape)} > 4 axes")
        return self._shape[axis] if axis < len(self._shape) else 1


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
