"""Layers that reduce axes to sums or to their largest elements."""

import math

import torch

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.ranking import largest


@register("ArgMax", source="spec/layers.md 5.3")
class ArgMax(Layer):
    """The top_k largest elements, descending; of equal ones the larger index comes first.

    Without `axis`, over all of a sample: bottom (N, ...) -> top (N, 1, top_k) of at least 3 axes
    and as many as the bottom, holding the indices, or (N, 2, top_k) with out_max_val, where
    channel 1 holds the values. With `axis`, that dimension becomes top_k and holds the indices,
    or the values with out_max_val. No gradient.
    """

    differentiable = False
    param_field = "argmax_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.top_k >= 1, "top k must not be less than 1.")

    def reshape(self, bottom: Shape) -> Shape:
        top_k = self.options.top_k
        if self.options.HasField("axis"):
            axis = self.axis(self.options.axis, len(bottom))
            self.check(top_k <= bottom[axis], f"top_k {top_k} must be less than or equal to the dimension {bottom[axis]} of axis {axis}")
            return (*bottom[:axis], top_k, *bottom[axis + 1 :])
        self.check(len(bottom) > 0, "the bottom must have at least one axis")
        count = math.prod(bottom[1:])
        self.check(top_k <= count, f"top_k {top_k} must be less than or equal to the number of classes {count}")
        return (bottom[0], 2 if self.options.out_max_val else 1, top_k, *[1] * (len(bottom) - 3))

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        bottom, top_k = bottom.detach(), self.options.top_k
        if self.options.HasField("axis"):
            values, indices = largest(bottom, top_k, self.axis(self.options.axis, bottom.ndim))
            return values if self.options.out_max_val else indices.to(bottom.dtype)
        values, indices = largest(bottom.reshape(len(bottom), -1), top_k, 1)
        planes = [indices.to(bottom.dtype), values] if self.options.out_max_val else [indices.to(bottom.dtype)]
        return torch.stack(planes, 1).reshape(self.top_shapes(tuple(bottom.shape))[0])


@register("Reduction", source="spec/layers.md 5.37")
class Reduction(Layer):
    """coeff times the sum (SUM), sum of magnitudes (ASUM), sum of squares (SUMSQ) or mean (MEAN) of the axes from
    `axis` to the last.

    top: the bottom's shape before `axis`. The gradient of ASUM at 0 is 0.
    """

    param_field = "reduction_param"

    def reshape(self, bottom: Shape) -> Shape:
        return bottom[: self.axis(self.options.axis, len(bottom))]

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        options, values = self.options, bottom.flatten(self.axis(self.options.axis, bottom.ndim))
        if options.operation == options.ASUM:
            values = values.abs()
        elif options.operation == options.SUMSQ:
            values = values.square()
        reduced = values.mean(-1) if options.operation == options.MEAN else values.sum(-1)
        return reduced * options.coeff
