"""What all data layers have in common: no bottoms, batches from an iterator, read ahead on a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from segaware_caffe.data.prefetch import Prefetcher
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.layers import Layer, Shape

Batch = list[np.ndarray]
#: batches read ahead unless data_param.prefetch says otherwise
AHEAD = 5


@contextmanager
def located(layer: Layer) -> Iterator[None]:
    """Puts the layer's name in front of CaffeErrors from code that does not know the layer."""
    try:
        yield
    except CaffeError as error:
        layer.fail(str(error), type(error))


class DataLayer(Layer):
    """A layer whose tops come from files: 0 -> its tops, float32 on the CPU.

    A subclass says how to read in `batches`, and in `reshape` the tops' shapes, from its fields
    if they decide them and else with `first_shapes`: sources are opened no sooner than needed.
    """

    bottoms = 0
    differentiable = False
    _reader: Prefetcher[Batch] | None = None

    def batches(self) -> Iterator[Batch]:
        """All batches from the first one on, an array per top. Every call begins anew with the same draws.

        The iterator must not hold the layer, which could then never be forgotten; its errors
        need not name the layer.
        """
        raise NotImplementedError

    def first_shapes(self) -> list[Shape]:
        """The shapes of the first batch's tops, by reading it."""
        with located(self):
            return [array.shape for array in next(self._allowed_batches())]

    def forward(self) -> list[torch.Tensor]:
        with located(self):
            if self._reader is not None and self._reader.is_orphan:
                self._reader = None
            if self._reader is None:
                self._reader = Prefetcher(self._allowed_batches(), max(1, self._ahead()))
            return [torch.from_numpy(array) for array in next(self._reader)]

    def reset(self) -> None:
        """Start over: the next batch is the first one again, with the same draws."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _allowed_batches(self) -> Iterator[Batch]:
        """`batches`, once what the prototxt names is found to be allowed; what a list names is looked at in its turn."""
        self.context.paths.check(self.options.source, "source")
        self.context.paths.check(self.proto.transform_param.mean_file, "mean_file")
        return self.batches()

    def _ahead(self) -> int:
        param = self.proto.data_param
        return param.prefetch if param.HasField("prefetch") else AHEAD

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a net read for themselves, from the start."""
        return {**self.__dict__, "_reader": None}


def stack(samples: list[tuple[str, Batch]]) -> Batch:
    """Samples (where it is from, an array per top) to a batch; their shapes must agree."""
    first_name, first = samples[0]
    if len(samples) == 1:  # nothing to copy
        return [np.asarray(array)[None] for array in first]
    for name, arrays in samples[1:]:
        for array, other in zip(arrays, first, strict=True):
            if array.shape != other.shape:
                raise FileError(
                    f"{name} has shape {array.shape}, but {first_name} in the same batch has {other.shape}; "
                    "equal sizes are needed: crop, resize, or take batch_size 1"
                )
    return [np.stack(arrays) for arrays in zip(*(arrays for _, arrays in samples), strict=True)]


def batched(samples: Iterator[tuple[str, Batch]], batch_size: int) -> Iterator[Batch]:
    """Endless samples, `batch_size` at a time."""
    while True:
        yield stack([next(samples) for _ in range(batch_size)])
