"""The MemoryData layer: batches from arrays that the program sets."""

from collections.abc import Sequence

import numpy as np
import torch

from segaware_caffe.data.layer import located
from segaware_caffe.data.transform import Rules, Transformer
from segaware_caffe.layers import Layer, Shape, register


@register("MemoryData", source="spec/pipeline.md 6.8")
class MemoryData(Layer):
    """Batches of arrays in memory, in turn and again from the start.

    tops (N, C, H, W) and labels (N, 1, 1, 1). `set_arrays` takes values as they are, `add_images`
    transforms images as `transform_param` says.
    Differs: the labels have four axes from the start; the reference gives them one until the first forward.
    """

    differentiable = False
    bottoms = 0
    tops = 2
    param_field = "memory_data_param"

    def setup(self) -> None:
        param = self.options
        self._item = (param.channels, param.height, param.width)
        self.check(
            param.batch_size > 0 and min(self._item) > 0,
            "batch_size, channels, height, and width must be specified and positive in memory_data_param",
        )
        with located(self):
            rules = Rules.plain(self.proto.transform_param, self.training)
        self._transformer_of = rules, self.context.random.next32() if rules.draws else None
        self._transformer: Transformer | None = None
        self._data = np.empty((0, *self._item), np.float32)
        self._labels = np.empty((0, 1, 1, 1), np.float32)
        #: the next batch's first item, and whether every item was served since the last were added
        self._position, self._served = 0, True

    def reshape(self) -> list[Shape]:
        return [(self.options.batch_size, *self._item), (self.options.batch_size, 1, 1, 1)]

    def set_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Serve `data` (n, C, H, W) and `labels` (n values) from now on; n is a multiple of batch_size. Nothing is transformed."""
        data = np.ascontiguousarray(data, np.float32)
        self.check(data.shape[1:] == self._item, f"data must have the shape (n, {', '.join(map(str, self._item))}), not {data.shape}")
        self._serve(data, labels)

    def add_images(self, images: Sequence[np.ndarray], labels: Sequence[float]) -> None:
        """Serve images (H, W, C) in blue green red, transformed, from now on; their number is a multiple of batch_size."""
        self.check(self._served, "Can't add data until current data has been consumed.")
        with located(self):
            if self._transformer is None:
                self.context.paths.check(self._transformer_of[0].mean_file, "mean_file")
                self._transformer = Transformer(*self._transformer_of)
            data = [self._transformer.image(np.asarray(image)) for image in images]
        wrong = next((item.shape for item in data if item.shape != self._item), None)
        self.check(wrong is None, f"an image has shape {wrong} after its transformation, not {self._item}")
        self._serve(np.stack(data) if data else self._data[:0], labels)

    def _serve(self, data: np.ndarray, labels: Sequence[float] | np.ndarray) -> None:
        values = np.array(labels, np.float32).reshape(-1, 1, 1, 1)
        self.check(
            len(data) > 0 and len(data) % self.options.batch_size == 0,
            f"the number of items must be a multiple of batch_size {self.options.batch_size}, not {len(data)}",
        )
        self.check(len(values) == len(data), f"{len(data)} items, but {len(values)} labels are given")
        self._data, self._labels = data, values
        self._position, self._served = 0, False

    def forward(self) -> list[torch.Tensor]:
        self.check(len(self._data) > 0, "MemoryDataLayer needs to be initialized by calling set_arrays or add_images")
        batch = slice(self._position, self._position + self.options.batch_size)
        self._position = batch.stop % len(self._data)
        self._served |= self._position == 0
        return [torch.from_numpy(array[batch].copy()) for array in (self._data, self._labels)]

    def reset(self) -> None:
        """Start over with the first batch."""
        self._position = 0
