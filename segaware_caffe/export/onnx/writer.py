"""A graph of ONNX operators as it is written: nodes, constants, and a few operators that many converters use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from onnx import NodeProto, helper, numpy_helper

from segaware_caffe.schema.shapes import Shape

#: The operator set that models are written for, the oldest that has all that is used (ReduceSum with axes as input).
OPSET = 13
#: ONNX's name for "to the end of the axis"
END = 2**63 - 1


class Blob(NamedTuple):
    """A blob as a converter sees it: its name in the ONNX graph, and its shape for the sizes that are exported."""

    name: str
    shape: Shape


@dataclass
class Writer:
    """Collects nodes and constants.

    An operator that was written before with the same inputs and attributes is not written again.
    Constants are arrays; those made of learned blobs keep a name of their own.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    _known: dict[Any, list[str]] = field(default_factory=dict)
    #: the layer that is being written, for the names of its nodes
    layer: str = ""

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The one output of an operator."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """The `count` outputs of an operator."""
        key = (kind, count, inputs, repr(sorted(attributes.items())))
        if key not in self._known:
            number = len(self.nodes)
            outputs = [f"#{number}.{index}" for index in range(count)]
            node = helper.make_node(kind, inputs, outputs, **attributes)
            node.name = f"{self.layer}/{kind}.{number}"
            self.nodes.append(node)
            self._known[key] = outputs
        return self._known[key]

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant array, once for equal values."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = [self._add(f"constant.{len(self.constants)}", array)]
        return self._known[key][0]

    def integers(self, *values: int) -> str:
        """A constant row of integers, as shapes and axes are given."""
        return self.constant(values, np.int64)

    def learned(self, value: torch.Tensor, name: str) -> str:
        """A learned blob, or what was made of one, as a constant called `name`."""
        return self._add(name, value.detach().cpu().float().numpy())

    def _add(self, name: str, array: np.ndarray) -> str:
        if name not in self.constants:
            self.constants[name] = array
        return name

    def tensors(self) -> list[Any]:
        """The constants as TensorProtos."""
        return [numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in self.constants.items()]

    # -- operators of many converters ------------------------------------------------------

    def add(self, first: str, second: str) -> str:
        """first + second."""
        return self.op("Add", first, second)

    def mul(self, first: str, second: str) -> str:
        """first * second."""
        return self.op("Mul", first, second)

    def affine(self, value: str, scale: float, shift: float) -> str:
        """scale * value + shift, as few operators as it takes."""
        if scale != 1:
            value = self.mul(value, self.constant(scale))
        return self.add(value, self.constant(shift)) if shift else value

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        """`shape` may hold 0 (as the value has it) and one -1."""
        return self.op("Reshape", value, self.integers(*shape))

    def shape(self, value: str, first: int = 0, end: int = END) -> str:
        """The dimensions first..end of a value, as a row of integers."""
        whole = self.op("Shape", value)
        return whole if (first, end) == (0, END) else self.slice(whole, 0, first, end)

    def slice(self, value: str, axis: int, first: int, end: int) -> str:
        """Elements first..end of one axis."""
        return self.op("Slice", value, self.integers(first), self.integers(end), self.integers(axis))

    def slices(self, value: str, axes: Sequence[int], firsts: Sequence[int], ends: Sequence[int]) -> str:
        """Elements firsts..ends of several axes."""
        return self.op("Slice", value, self.integers(*firsts), self.integers(*ends), self.integers(*axes))

    def concat(self, values: Sequence[str], axis: int) -> str:
        """The values one after the other."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def squeeze(self, value: str, *axes: int) -> str:
        """Without axes of size 1."""
        return self.op("Squeeze", value, self.integers(*axes))

    def unsqueeze(self, value: str, *axes: int) -> str:
        """With more axes of size 1."""
        return self.op("Unsqueeze", value, self.integers(*axes))

    def sum(self, value: str, *axes: int, keepdims: bool = False) -> str:
        """The sum over some axes; over all of them if none is named."""
        inputs = [value, self.integers(*axes)] if axes else [value]
        return self.op("ReduceSum", *inputs, keepdims=int(keepdims))

    def mean(self, value: str, *axes: int, keepdims: bool = True) -> str:
        """The mean over some axes."""
        return self.op("ReduceMean", value, axes=list(axes), keepdims=int(keepdims))

    def cast(self, value: str, dtype: Any = np.float32) -> str:
        """The value in another number type."""
        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def where(self, condition: str, yes: str, no: str) -> str:
        """`yes` where the condition holds, else `no`."""
        return self.op("Where", condition, yes, no)

    def channels(self, value: torch.Tensor, ndim: int) -> torch.Tensor:
        """A blob (C) or scalar so that it is broadcast along axis 1 of a value of `ndim` axes."""
        return value.reshape(-1, *[1] * max(0, ndim - 2))
