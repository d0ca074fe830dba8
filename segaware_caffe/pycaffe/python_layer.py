"""The `Python` layer: a class of the user's runs as a layer (spec/layers.md 5.36).

A prototxt is data and must not run code on its own, so `net.build` refuses these layers unless
the caller allows them (`Net(..., allow_python_layers=True)`).
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.registry import register
from segaware_caffe.pycaffe.blobs import Blob, BlobVector


class PythonLayer:
    """The base class of users' layers, `caffe.Layer` in their modules.

    A subclass defines `forward(bottom, top)` on lists of `Blob`s, and what else it needs of
    `setup(bottom, top)`, called once; `reshape(bottom, top)`, called before every forward, which
    gives the tops their shapes; and `backward(top, propagate_down, bottom)`. `self.param_str`,
    `self.phase` (0 TRAIN, 1 TEST) and `self.blobs` are set before `setup`, which may declare learned
    blobs by `self.blobs.add_blob(*shape)`.
    """

    type = "Python"

    def __init__(self, param_str: str = "", phase: int = 1):
        self.param_str = param_str
        self.phase = phase
        self.blobs = BlobVector()

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Nothing to set up."""

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """The tops keep their shapes."""

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """A class that is in a backward pass must say what it does there."""
        raise CaffeError(f"class '{type(self).__name__}' of module '{type(self).__module__}' has no backward, which this pass needs")


class _Run(torch.autograd.Function):
    """A user's forward and backward on copies of the tensors."""

    @staticmethod
    def forward(ctx: Any, layer: "Python", count: int, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        layer.load(tensors[:count], tensors[count:])
        layer.instance.reshape(layer.bottom_blobs, layer.top_blobs)
        layer.instance.forward(layer.bottom_blobs, layer.top_blobs)
        ctx.layer, ctx.count = layer, count
        ctx.save_for_backward(*tensors)
        like = tensors[0] if tensors else torch.zeros(())
        return tuple(torch.from_numpy(top.data.copy()).to(like) for top in layer.top_blobs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        layer, count, tensors = ctx.layer, ctx.count, ctx.saved_tensors
        layer.load(tensors[:count], tensors[count:])
        for top, gradient in zip(layer.top_blobs, gradients, strict=True):
            top.diff[...] = gradient.cpu().numpy()
        layer.instance.backward(layer.top_blobs, list(ctx.needs_input_grad[2 : 2 + count]), layer.bottom_blobs)
        blobs = (*layer.bottom_blobs, *layer.instance.blobs)
        return None, None, *(torch.from_numpy(blob.diff.copy()).to(tensor) for blob, tensor in zip(blobs, tensors, strict=True))


@register("Python", source="spec/layers.md 5.36")
class Python(Layer):
    """A class of the user's: `python_param.layer` of the module `python_param.module`.

    Any number of bottoms and tops; shapes and gradients are what its methods say. Its `reshape` runs
    before every forward, so that a layer without bottoms may load its next sample there. Refused
    unless the caller allows Python layers.
    """

    bottoms = (0, None)
    tops = (0, None)
    param_field = "python_param"
    unsettled = True
    effects = True

    def setup(self, *bottoms: Shape) -> None:
        instance_class: Any = self._find_class()
        self.instance = instance_class.__new__(instance_class)
        PythonLayer.__init__(self.instance, self.options.param_str, 0 if self.training else 1)
        self.bottom_blobs = BlobVector(Blob() for _ in bottoms)
        self.top_blobs = BlobVector(Blob() for _ in range(self.num_tops))
        self._shape_bottoms(bottoms)
        self.instance.setup(self.bottom_blobs, self.top_blobs)
        where = f"class '{self.options.layer}' of module '{self.options.module}'"
        self.check(callable(getattr(self.instance, "forward", None)), f"{where} lacks forward")
        for blob in self.instance.blobs:
            self.add_blob(blob.shape, partial(_copy, torch.from_numpy(blob.data.copy())))

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        self._shape_bottoms(bottoms)
        self.instance.reshape(self.bottom_blobs, self.top_blobs)
        return [top.shape for top in self.top_blobs]

    def check_shapes(self, *bottoms: Shape) -> None:
        """Its forward reshapes."""

    def forward(self, *bottoms: torch.Tensor) -> Sequence[torch.Tensor]:
        return _Run.apply(self, len(bottoms), *bottoms, *(self.blob(i) for i in range(len(self.specs))))

    def load(self, bottoms: Sequence[torch.Tensor], learned: Sequence[torch.Tensor]) -> None:
        """Copy tensors into the blobs that the user's methods see; all diffs are zero."""
        for blob, tensor in zip((*self.bottom_blobs, *self.instance.blobs), (*bottoms, *learned), strict=True):
            blob.assign(tensor)
            blob.diff[...] = 0

    def _shape_bottoms(self, shapes: Sequence[Shape]) -> None:
        for blob, shape in zip(self.bottom_blobs, shapes, strict=True):
            blob.reshape(*shape)

    def _find_class(self) -> type:
        module_name, class_name = self.options.module, self.options.layer
        _offer_caffe()
        try:
            found = getattr(importlib.import_module(module_name), class_name)
        except ImportError as error:
            raise CaffeError(f"layer '{self.name}' (Python): module '{module_name}' cannot be imported: {error}") from error
        except AttributeError as error:
            raise CaffeError(f"layer '{self.name}' (Python): module '{module_name}' has no class '{class_name}'") from error
        where = f"class '{class_name}' of module '{module_name}'"
        self.check(isinstance(found, type) and issubclass(found, PythonLayer), f"{where} must be a subclass of caffe.Layer")
        return found


@torch.no_grad()
def _copy(initial: torch.Tensor, blob: torch.Tensor) -> None:
    blob.copy_(initial)


def _offer_caffe() -> None:
    """Users' modules say `import caffe`: where no real one is, let it be our pycaffe."""
    if "caffe" not in sys.modules and importlib.util.find_spec("caffe") is None:
        importlib.import_module("segaware_caffe.pycaffe.alias").install()
