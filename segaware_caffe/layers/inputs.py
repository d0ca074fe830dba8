"""Blobs that come from outside or from nothing: Input, DummyData."""

from collections.abc import Callable

import torch

from segaware_caffe.layers.base import EMPTY, Layer, Shape, dims
from segaware_caffe.layers.fillers import filler
from segaware_caffe.layers.registry import register


def declared_shape(layer: Layer, values: list[int]) -> Shape:
    """A shape written in the prototxt; its size is checked with that of every top."""
    shape = tuple(values)
    layer.check(min(shape, default=1) > 0, f"shape {dims(shape)} is refused: {EMPTY}")
    return shape


@register("Input", source="spec/layers.md 7")
class Input(Layer):
    """The net's inputs. 0 -> any number; `input_param.shape` none, one or one per top.

    Without a shape the top is a scalar until it is fed or reshaped.
    """

    differentiable = False
    bottoms = 0
    tops = (1, None)
    param_field = "input_param"

    def reshape(self) -> list[Shape]:
        shapes = [declared_shape(self, list(s.dim)) for s in self.options.shape] or [()]
        self.check(
            len(shapes) in (1, self.num_tops), f"Must specify 'shape' once, or once per top blob ({self.num_tops}), not {len(shapes)} times"
        )
        return shapes * (self.num_tops // len(shapes))

    def forward(self) -> list[torch.Tensor]:
        self.fail(f"its blobs must be fed: {', '.join(self.proto.top)}")


@register("DummyData", source="spec/layers.md 5.14")
class DummyData(Layer):
    """Blobs made by fillers. 0 -> any number, filled anew at every forward.

    `shape` (or num, channels, height, width) and `data_filler` are given once, or once per top;
    without a filler a top is 0.
    """

    differentiable = False
    bottoms = 0
    tops = (1, None)
    param_field = "dummy_data_param"

    def setup(self) -> None:
        count = len(self.options.data_filler)
        self.check(
            count in (0, 1, self.num_tops),
            f"Number of data fillers must be 0, 1 or equal to the number of tops: {self.num_tops}, not {count}",
        )

    def reshape(self) -> list[Shape]:
        param = self.options
        if param.shape:
            self.check(not param.num, "either shape or num, channels, height and width may be given, not both")
            shapes = [declared_shape(self, list(s.dim)) for s in param.shape]
        else:
            legacy = [list(getattr(param, field)) for field in ("num", "channels", "height", "width")]
            self.check(
                len({len(values) for values in legacy}) == 1 and len(legacy[0]) > 0,
                "needs shape, or num, channels, height and width equally often",
            )
            shapes = [declared_shape(self, list(values)) for values in zip(*legacy, strict=True)]
        self.check(
            len(shapes) in (1, self.num_tops), f"Must specify 'shape' once, or once per top blob ({self.num_tops}), not {len(shapes)} times"
        )
        shapes *= self.num_tops // len(shapes)
        self._fillers(shapes)
        return shapes

    def forward(self) -> list[torch.Tensor]:
        shapes = self.top_shapes()
        tops = [torch.empty(shape) for shape in shapes]
        for fill, top in zip(self._fillers(shapes), tops, strict=True):
            fill(top)
        return tops

    def _fillers(self, shapes: list[Shape]) -> list[Callable[[torch.Tensor], None]]:
        """What fills each top."""
        messages = list(self.options.data_filler) or [None]
        messages *= self.num_tops // len(messages)
        return [filler(message, shape, self.fail) for message, shape in zip(messages, shapes, strict=True)]
