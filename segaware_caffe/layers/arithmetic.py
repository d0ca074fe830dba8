"""Sums and products of bottoms and learned blobs.

InnerProduct, Scale, Bias, Eltwise, SpatialProduct, Embed, Parameter.
"""

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch.nn import functional

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.fillers import constant
from segaware_caffe.layers.inputs import declared_shape
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.arithmetic import maximum, product


@register("InnerProduct", source="spec/layers.md 5.27")
class InnerProduct(Layer):
    """A fully connected layer.

    (*batch, *features) -> (*batch, num_output), features from `axis` on. Learned blobs: weights
    (num_output, K), or with `transpose` (K, num_output), K = elements of features; bias (num_output).
    """

    param_field = "inner_product_param"

    def setup(self, bottom: Shape) -> None:
        param = self.options
        self.check(param.num_output > 0, "num_output must be positive")
        self.feature_axis = self.axis(param.axis, len(bottom))
        self.features = math.prod(bottom[self.feature_axis :])
        shape = (param.num_output, self.features)
        self.add_blob(shape[::-1] if param.transpose else shape, param.weight_filler)
        if param.bias_term:
            self.add_blob([param.num_output], param.bias_filler)

    def reshape(self, bottom: Shape) -> Shape:
        count = math.prod(bottom[self.feature_axis :])
        self.check(count == self.features, f"Input size incompatible with inner product parameters: {count} elements, not {self.features}")
        return *bottom[: self.feature_axis], self.options.num_output

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        weight = self.blob(0)
        bias = self.blob(1) if self.options.bias_term else None
        features = bottom.reshape(*bottom.shape[: self.feature_axis], self.features)
        return functional.linear(features, weight.T if self.options.transpose else weight, bias)

    @property
    def fresh(self) -> bool:
        return True

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * self.features * math.prod(tops[0])


class Broadcasting(Layer):
    """What Scale and Bias share: an operand, the second bottom or learned, aligned with axis `axis` of the first.

    A learned operand has the shape of `num_axes` of the bottom's axes (-1: all from `axis` on; 0: a scalar).
    """

    bottoms = (1, 2)

    def setup(self, bottom: Shape, *operand: Shape) -> None:
        if operand:
            return
        axes = self.options.num_axes
        self.check(axes >= -1, f"num_axes must be non-negative, or -1 to extend to the end of the bottom, not {axes}")
        start = self.axis(self.options.axis, len(bottom))
        self.check(
            start + axes <= len(bottom),
            f"{self.type.lower()} blob's shape extends past bottom[0]'s shape: axis {start} and num_axes {axes} of {len(bottom)} axes",
        )
        self.add_blob(bottom[start:] if axes == -1 else bottom[start : start + axes], self.default_filler())

    def reshape(self, bottom: Shape, *operand: Shape) -> Shape:
        shape = operand[0] if operand else self.specs[0].shape
        start = self.start_axis(len(bottom), len(shape))
        self.check(
            start + len(shape) <= len(bottom),
            f"{self.type.lower()} blob's shape {shape} extends past bottom[0]'s shape {bottom} when applied starting with axis {start}",
        )
        self.check(
            bottom[start : start + len(shape)] == shape,
            f"dimension mismatch between bottom[0]'s shape {bottom} from axis {start} on and the {self.type.lower()}'s shape {shape}",
        )
        return bottom

    def start_axis(self, bottom_axes: int, operand_axes: int) -> int:
        """The bottom's axis that the operand's first is aligned with."""
        return 0 if operand_axes == 0 else self.axis(self.options.axis, bottom_axes)

    def aligned(self, bottom: torch.Tensor, operand: torch.Tensor) -> torch.Tensor:
        """The operand with axes of size 1 behind its own, so that PyTorch broadcasts it as meant."""
        after = bottom.ndim - self.start_axis(bottom.ndim, operand.ndim) - operand.ndim
        return operand.reshape(*operand.shape, *[1] * after)

    def default_filler(self) -> Any:
        """The operand's filler."""
        return self.options.filler


@register("Scale", source="spec/layers.md 5.40")
class Scale(Broadcasting):
    """Multiply by a learned blob or by the second bottom, and add a learned bias.

    Top: the first bottom's shape. The scale is aligned with axis `axis` on; with one bottom it is
    learned blob 0, of the shape of `num_axes` axes, 1 without a filler. With `bias_term` the last
    learned blob is a bias of the scale's shape.

    differs: gradients always accumulate (the reference overwrites the scale's in some shapes).
    """

    param_field = "scale_param"

    def setup(self, bottom: Shape, *operand: Shape) -> None:
        super().setup(bottom, *operand)
        if self.options.bias_term:
            self.add_blob(operand[0] if operand else self.specs[0].shape, self.options.bias_filler)

    def reshape(self, bottom: Shape, *operand: Shape) -> Shape:
        if operand and self.specs:
            self.check(operand[0] == self.specs[0].shape, f"the scale's shape may not change from {self.specs[0].shape} to {operand[0]}")
        return super().reshape(bottom, *operand)

    def default_filler(self) -> Any:
        return self.options.filler if self.options.HasField("filler") else constant(1.0)

    def forward(self, bottom: torch.Tensor, *operand: torch.Tensor) -> torch.Tensor:
        top = bottom * self.aligned(bottom, operand[0] if operand else self.blob(0))
        return top + self.aligned(bottom, self.blob(len(self.specs) - 1)) if self.options.bias_term else top


@register("Bias", source="spec/layers.md 5.6")
class Bias(Broadcasting):
    """Add a learned blob or the second bottom.

    Top: the first bottom's shape. The bias is aligned with axis `axis` on; with one bottom it is
    learned blob 0, of the shape of `num_axes` axes.
    """

    param_field = "bias_param"

    def forward(self, bottom: torch.Tensor, *operand: torch.Tensor) -> torch.Tensor:
        return bottom + self.aligned(bottom, operand[0] if operand else self.blob(0))


@register("Eltwise", source="spec/layers.md 5.16")
class Eltwise(Layer):
    """Elementwise sum, product or maximum of two or more bottoms of one shape.

    SUM weighs the bottoms with `coeff`. The gradient of PROD is the product of the other bottoms, or
    with `stable_prod_grad: false` top / bottom, NaN at 0. That of MAX goes to the winner: of equal
    first two bottoms the second, a later one only where it is greater.
    """

    bottoms = (2, None)
    param_field = "eltwise_param"

    def setup(self, *bottoms: Shape) -> None:
        count = len(self.options.coeff)
        self.check(
            count in (0, len(bottoms)), f"Eltwise Layer takes one coefficient per bottom blob: {count} given, {len(bottoms)} bottoms"
        )
        self.check(count == 0 or self.options.operation != self.options.PROD, "Eltwise layer only takes coefficients for summation.")

    def reshape(self, *bottoms: Shape) -> Shape:
        self.check(
            all(bottom == bottoms[0] for bottom in bottoms), f"all bottoms must have the same shape, not {', '.join(map(str, bottoms))}"
        )
        return bottoms[0]

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        param = self.options
        if param.operation == param.PROD:
            return product(bottoms, param.stable_prod_grad)
        if param.operation == param.MAX:
            return maximum(bottoms)
        if not param.coeff:
            return reduce(torch.add, bottoms)
        top = bottoms[0] * param.coeff[0]
        for bottom, coeff in zip(bottoms[1:], param.coeff[1:], strict=True):
            top = torch.add(top, bottom, alpha=coeff)
        return top

    @property
    def fresh(self) -> bool:
        """A product or maximum keeps its top's value for its gradient or may hand on a bottom; a sum does neither."""
        return self.options.operation == self.options.SUM


@register("SpatialProduct", source="spec/layers.md 4.2")
class SpatialProduct(Layer):
    """Multiply every channel by one map: (N, C, H, W) and (N, 1, H, W) -> (N, C, H, W)."""

    bottoms = 2

    def reshape(self, bottom: Shape, factor: Shape) -> Shape:
        self.check(len(bottom) >= 2, f"the first bottom must have at least 2 axes, not {len(bottom)}")
        expected = (bottom[0], 1, *bottom[2:])
        self.check(factor == expected, f"the second bottom must have shape {expected}, not {factor}")
        return bottom

    def forward(self, bottom: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        return bottom * factor


@register("Embed", source="spec/layers.md 5.17")
class Embed(Layer):
    """A learned vector for each index: any shape -> shape + (num_output).

    Learned blobs: vectors (input_dim, num_output), bias (num_output). The indices, truncated to
    integers, must be below `input_dim`; they have no gradient.
    """

    param_field = "embed_param"
    no_forced_gradient = (0,)

    def setup(self, bottom: Shape) -> None:
        param = self.options
        self.check(param.num_output > 0, "EmbedLayer num_output must be positive.")
        self.check(param.input_dim > 0, "EmbedLayer input_dim must be positive.")
        self.add_blob([param.input_dim, param.num_output], param.weight_filler)
        if param.bias_term:
            self.add_blob([param.num_output], param.bias_filler)

    def reshape(self, bottom: Shape) -> Shape:
        return *bottom, self.options.num_output

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        indices = bottom.detach().long()
        self.check_indices(indices, self.options.input_dim, "index", " of input_dim")
        top = functional.embedding(indices, self.blob(0))
        return top + self.blob(1) if self.options.bias_term else top


@register("Parameter", source="spec/layers.md 7")
class Parameter(Layer):
    """A learned blob as a top: 0 bottoms -> `shape`. It starts as zeros.

    differs: gradients accumulate (the reference keeps only the last one's).
    """

    bottoms = 0
    param_field = "parameter_param"

    def setup(self) -> None:
        self.add_blob(declared_shape(self, list(self.options.shape.dim)))

    def reshape(self) -> Shape:
        return self.specs[0].shape

    def forward(self) -> torch.Tensor:
        return self.blob(0)


@register("Axpy", source="SENet")
class Axpy(Layer):
    """a * x + y (SENet): a (N, C) or (N, C, 1, 1), x and y (N, C, H, W) -> (N, C, H, W)."""

    bottoms = 3

    def reshape(self, factor: Shape, x: Shape, y: Shape) -> Shape:
        self.check(x == y, f"the second and third bottom must have the same shape, not {x} and {y}")
        self.check(
            factor in (x[:2], x[:2] + (1,) * (len(x) - 2)), f"the first bottom must have one element per channel of {x}, not shape {factor}"
        )
        return x

    def forward(self, factor: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(y, factor.reshape(*x.shape[:2], *[1] * (x.ndim - 2)), x)
