"""Blobs as scripts and Python layers see them: numpy memory for data and diff."""

import math
from collections.abc import Sequence

import numpy as np
import torch


class Blob:
    """An array with its gradient; both are float32 numpy arrays that a script may write into.

    `data` keeps its memory from one forward pass to the next as long as the shape stays.
    """

    def __init__(self, data: np.ndarray | None = None):
        self._data = np.zeros((), np.float32) if data is None else data
        self._diff: np.ndarray | None = None

    @property
    def data(self) -> np.ndarray:
        return self._data

    @property
    def diff(self) -> np.ndarray:
        if self._diff is None:
            self._diff = np.zeros(self._data.shape, self._data.dtype)
        return self._diff

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def count(self) -> int:
        return self._data.size

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
        """Change the shape; the elements stay where the new count is not larger, else all are zero."""
        shape = tuple(int(d) for d in shape)
        if shape == self._data.shape:
            return
        count = math.prod(shape)
        fits = count <= self._data.size
        self._data = self._data.ravel()[:count].reshape(shape) if fits else np.zeros(shape, np.float32)
        self._diff = None

    def assign(self, value: torch.Tensor) -> None:
        """Copy a tensor into `data`, taking its shape."""
        self.reshape(*value.shape)
        np.copyto(self._data, value.detach().cpu().numpy())

    def viewed(self, shape: Sequence[int]) -> "Blob":
        """This blob, or a view of its data and diff in another shape of the same count."""
        if tuple(shape) == self.shape:
            return self
        view = Blob(self.data.reshape(shape))
        view._diff = self.diff.reshape(shape)
        return view

    def _legacy(self, axis: int) -> int:
        if len(self.shape) > 4:
            raise ValueError(f"Cannot use legacy accessors on a blob with {len(self.shape)} > 4 axes")
        return self.shape[axis] if axis < len(self.shape) else 1
