"""CRFs as layers: mean-field iterations whose kernels are local masks of embedding distances."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.normconv import Filter, mean_field, softmax_mask


@dataclass(frozen=True)
class MaskFields:
    """What `norm_conv_meanfield_param` says of one kernel."""

    geometry: Geometry
    scale: float
    remove_center: bool
    remove_bounds: bool

    def mask(self, embedding: torch.Tensor) -> torch.Tensor:
        """The kernel's mask (N, taps, H, W) from an embedding (N, E, H, W)."""
        return softmax_mask(embedding, self.geometry, self.scale, remove_center=self.remove_center, remove_bounds=self.remove_bounds)


class MaskedMeanField(Layer):
    """What both layers share: bottoms unary, initial, then an embedding for each of `kernels`, in the fields' order."""

    param_field = "norm_conv_meanfield_param"
    kernels: int

    def setup(self, unary: Shape, *others: Shape) -> None:
        iterations, sizes = self.options.num_iterations, self.options.kernel_size
        self.check_limit(STEPS, iterations, "num_iterations:")
        self.check(iterations > 1, f"num_iterations must be greater than 1, not {iterations}")
        self.check(len(sizes) == self.kernels, f"kernel_size must be given {self.kernels} time(s), not {len(sizes)}")
        self.check(all(sizes), "kernel_size must be positive")
        self.fields = [self._read_kernel(index) for index in range(self.kernels)]
        for _ in range(self.kernels):
            self.add_blob((1, 1, unary[1], unary[1]), diagonal(1))
        self.add_blob((1, 1, unary[1], unary[1]), diagonal(-1))

    def reshape(self, unary: Shape, initial: Shape, *embeddings: Shape) -> Shape:
        self.check(
            len(unary) == 4 and unary == initial,
            f"unary and initial must have one shape (N, K, H, W), not {dims(unary)} and {dims(initial)}",
        )
        classes = self.specs[0].shape[-1]
        self.check(unary[1] == classes, f"unary must have {classes} channels, one for each class, not {unary[1]}")
        for embedding in embeddings:
            self.check(
                len(embedding) == 4 and (embedding[0], *embedding[2:]) == (unary[0], *unary[2:]),
                f"every embedding must have the scores' N, H and W: its shape is {dims(embedding)}, theirs {dims(unary)}",
            )
        for fields in self.fields:
            window, output = fields.geometry, fields.geometry.output(unary[2:])
            self.check(
                output == unary[2:],
                f"kernel_size {window.kernel[0]} with pad {window.pad[0]}, stride "
                f"{window.stride[0]} and dilation {window.dilation[0]} makes {output} of {unary[2:]}; it must "
                "keep the size (pad = dilation * (kernel_size - 1) / 2)",
            )
        return unary

    def forward(self, unary: torch.Tensor, initial: torch.Tensor, *embeddings: torch.Tensor) -> torch.Tensor:
        classes = unary.shape[1]
        *weights, compatibility = (self.blob(index).view(classes, classes) for index in range(self.kernels + 1))
        # the fields name the bilateral kernel first, the learned blobs the spatial one
        filters = [
            Filter(fields.mask(embedding), fields.geometry, weight)
            for fields, embedding, weight in zip(self.fields, embeddings, reversed(weights), strict=True)
        ]
        return mean_field(unary, initial, filters, compatibility, self.options.num_iterations)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """The masks, a mask's distances, and scores."""
        batch, _, height, width = tops[0]
        taps = [fields.geometry.taps for fields in self.fields]
        return batch * height * width * (sum(taps) + max(taps)) + 4 * math.prod(tops[0])

    def _read_kernel(self, index: int) -> MaskFields:
        size = self.options.kernel_size[index]
        stride, pad, dilation = (self._value(*field, index) for field in (("stride", 1), ("pad", 0), ("dilation", 0)))
        self.check(stride > 0, "stride must be positive")
        return MaskFields(
            Geometry((size, size), (stride, stride), (pad, pad), (dilation, dilation)),
            scale=self._value("scale", 0.0, index),
            remove_center=self._value("remove_center", True, index),
            remove_bounds=self._value("remove_bounds", True, index),
        )

    def _value(self, field: str, default: Any, index: int) -> Any:
        values = getattr(self.options, field)
        self.check(
            len(values) in (0, self.kernels), f"{field} must be given {self.kernels} time(s) or not at all, not {len(values)} time(s)"
        )
        return values[index] if values else default


@register("NormConvMeanfield", source="spec/layers.md 3.8")
class NormConvMeanfield(MaskedMeanField):
    """A CRF with a bilateral and a spatial kernel, in mean-field iterations.

    bottoms: unary scores (N, K, H, W), initial scores of that shape, bilateral embedding (N, E, H, W),
    spatial embedding (N, E', H, W) -> top (N, K, H, W), scores, not probabilities. An iteration averages
    softmax(q) of every class under NormConv's masks (norm L2, made once) of both embeddings and sets
    q = unary - compatibility * (spatial weights * spatial average + bilateral weights * bilateral average).

    kernel_size (both required), pad, stride, dilation, scale, remove_center and remove_bounds name the bilateral
    kernel first, then the spatial one. As in the release, dilation and scale are 0 where they are not given: all
    taps then read one pixel, and weigh the same. num_iterations must be 2 or more. Other fields have no effect.

    Learned blobs (1, 1, K, K): spatial weights (identity), bilateral weights (identity), compatibility (minus
    identity).

    differs: gradients of learned blobs add up over iter_size (in the release the last one stays); shapes may
    change; kernels that do not keep the size are refused.
    """

    bottoms = 4
    kernels = 2


@register("NospConvMeanfield", source="spec/layers.md 3.9")
class NospConvMeanfield(MaskedMeanField):
    """NormConvMeanfield without the spatial kernel.

    bottoms: unary scores (N, K, H, W), initial scores of that shape, bilateral embedding (N, E, H, W) ->
    top (N, K, H, W). The fields are NormConvMeanfield's, each given once.

    Learned blobs (1, 1, K, K): bilateral weights (identity), compatibility (minus identity).

    differs: this is the release's GPU rule; its CPU path applies the compatibility twice.
    """

    bottoms = 3
    kernels = 1


def diagonal(value: float) -> Callable[[torch.Tensor], None]:
    """Fills a blob (1, 1, K, K) with `value` times the identity."""
    return partial(_fill_diagonal, value)


@torch.no_grad()
def _fill_diagonal(value: float, blob: torch.Tensor) -> None:
    blob.copy_(value * torch.eye(blob.shape[-1]))
