"""Layers that normalise: BatchNorm, LRN, MVN."""

import math
from collections.abc import Sequence

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.fillers import constant
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.normalization import (
    across_channels_norm,
    batch_norm,
    fixed_norm,
    mean_square_around,
    mean_variance_norm,
    within_channel_norm,
)

#: what NVIDIA's Caffe raises a smaller eps to (cuDNN's CUDNN_BN_MIN_EPSILON)
NVIDIA_EPS = 1e-5


@register("BatchNorm", source="spec/layers.md 5.4, 16.3")
class BatchNorm(Layer):
    """Subtract the mean and divide by the standard deviation of each channel.

    (N, C, ...) -> the same. `use_global_stats` (default: in TEST) takes the stored statistics;
    otherwise the batch's own are used, with their full gradient, and stored. Learned blobs, which no
    solver moves: mean * s (C), variance * s (C), s (1). To store means
    blob = moving_average_fraction * blob + new value, and + 1 for s; s = 0 stands for statistics
    of 0. There is no scale or bias: use Scale.

    `update_global_stats` acts in TRAIN together with `use_global_stats: true`: the divisor is the
    batch's deviation from the stored mean, and is stored; the stored mean does not change.

    NVIDIA's form (`scale_bias: true`, or a `scale_filler` or `bias_filler`) has two more blobs, which learn: the
    scale (C, 1 without a filler) and the bias (C, 0) of what is normalised. Its eps is at least 1e-5, and s
    does not grow: to store means f * blob + (1 - f) * new value * s with f = moving_average_fraction, or 0 where
    nothing was stored before. lr_mult of the statistics is 0 there whatever the prototxt says.

    differs: the release cannot compute batch statistics (it aborts, or drifts).
    """

    param_field = "batch_norm_param"

    def setup(self, bottom: Shape) -> None:
        param = self.options
        self.check(len(bottom) >= 2, f"the bottom must have at least 2 axes, not {len(bottom)}", ShapeError)
        self.scaled = param.scale_bias or param.HasField("scale_filler") or param.HasField("bias_filler")
        self.check(
            self.scaled or all(spec.lr_mult == 0 for spec in self.proto.param),
            "Cannot configure batch normalization statistics as layer parameters: lr_mult must be 0 everywhere",
        )
        self.eps = max(param.eps, NVIDIA_EPS) if self.scaled else param.eps
        self.channels = bottom[1]
        for count in (self.channels, self.channels, 1):
            self.add_blob([count], fixed=True)
        if self.scaled:
            self.add_blob([self.channels], param.scale_filler if param.HasField("scale_filler") else constant(1.0))
            self.add_blob([self.channels], param.bias_filler if param.HasField("bias_filler") else constant(0.0))

    def reshape(self, bottom: Shape) -> Shape:
        self.check(
            len(bottom) >= 2 and bottom[1] == self.channels,
            f"the number of channels may not change from {self.channels}: the bottom's shape is {bottom}",
        )
        return bottom

    @property
    def repeatable(self) -> bool:
        return self.takes_stored() and not (self.options.update_global_stats and self.training)

    def takes_stored(self) -> bool:
        """Whether the stored statistics count, and not the batch's."""
        param = self.options
        return param.use_global_stats if param.HasField("use_global_stats") else not self.training

    def stored(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The stored mean and variance (C)."""
        mean, variance, scale = (self.blob(index) for index in range(3))
        factor = torch.where(scale == 0, 0, 1 / scale)
        return mean * factor, variance * factor

    def factor_and_offset(self) -> tuple[torch.Tensor, torch.Tensor]:
        """With stored statistics, top = factor * bottom + offset, each (C)."""
        mean, variance = self.stored()
        factor = (variance + self.eps).rsqrt()
        if not self.scaled:
            return factor, -mean * factor
        factor = factor * self.blob(3)
        return factor, self.blob(4) - mean * factor

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        top = self._normalized(bottom)
        if not self.scaled:
            return top
        scale, bias = (self.blob(index).view(-1, *[1] * (bottom.ndim - 2)) for index in (3, 4))
        return torch.addcmul(bias, top, scale)

    def _normalized(self, bottom: torch.Tensor) -> torch.Tensor:
        if not self.takes_stored():
            top, mean, variance = batch_norm(bottom, self.eps)
            self._store(mean, variance, bottom)
            return top
        mean, variance = self.stored()
        if self.options.update_global_stats and self.training:
            variance = mean_square_around(bottom, mean)
            self._store(mean, variance, bottom)
        return fixed_norm(bottom, mean, variance, self.eps)

    def _store(self, mean: torch.Tensor, variance: torch.Tensor, bottom: torch.Tensor) -> None:
        count, fraction = bottom.numel() // self.channels, self.options.moving_average_fraction
        unbiased = variance * (count / max(count - 1, 1))
        if self.scaled:
            scale, kept = self.blob(2), fraction * self.blob(1).any()
            scale.masked_fill_(scale == 0, 1)
            for index, new in enumerate((mean, unbiased)):
                self.blob(index).mul_(kept).add_(new * (1 - kept) * scale)
            return
        for index, new in enumerate((mean, unbiased, torch.ones_like(mean[0]))):
            self.blob(index).mul_(fraction).add_(new)


@register("LRN", source="spec/layers.md 5.29")
class LRN(Layer):
    """Divide by a power of the local mean square: (N, C, H, W) -> the same.

    ACROSS_CHANNELS: x / (k + alpha / local_size * sum of squares over local_size channels) ^ beta.
    WITHIN_CHANNEL: x / (1 + alpha * mean of squares over local_size x local_size pixels) ^ beta, whatever k is.
    """

    param_field = "lrn_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.local_size % 2 == 1, f"LRN only supports odd values for local_size, not {self.options.local_size}")

    def reshape(self, bottom: Shape) -> Shape:
        self.check(len(bottom) == 4, "Input must have 4 axes, corresponding to (num, channels, height, width)")
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        param = self.options
        if param.norm_region == param.ACROSS_CHANNELS:
            return across_channels_norm(bottom, param.local_size, param.alpha, param.beta, param.k)
        return within_channel_norm(bottom, param.local_size, param.alpha, param.beta)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * math.prod(tops[0])


@register("MVN", source="spec/layers.md 5.32")
class MVN(Layer):
    """Subtract the mean and divide by the standard deviation + eps of each channel or sample.

    (N, C, H, W) -> the same; over (H, W), or with `across_channels` over (C, H, W). The gradient leaves
    eps out of one factor, as the reference's does. `normalize_variance: false` only subtracts the mean.
    """

    takes_empty = False
    param_field = "mvn_param"

    def reshape(self, bottom: Shape) -> Shape:
        self.check(1 <= len(bottom) <= 4, f"Cannot use legacy accessors on Blobs with > 4 axes: the bottom has {len(bottom)}")
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        groups = bottom.shape[: 1 if self.options.across_channels else 2]
        values = bottom.reshape(*groups, -1)
        if self.options.normalize_variance:
            return mean_variance_norm(values, self.options.eps).view_as(bottom)
        return (values - values.mean(-1, keepdim=True)).view_as(bottom)


@register("Normalize", source="SSD")
class Normalize(Layer):
    """Divide by the Euclidean norm and multiply by a learned scale (SSD): (N, C, H, W) -> the same.

    The norm is that of the sample, or with `across_spatial: false` that of each pixel's channels;
    `eps` is added to its square. Learned blob: the scale, a scalar or with `channel_shared: false`
    (C), 1 without a filler.
    """

    param_field = "norm_param"

    def setup(self, bottom: Shape) -> None:
        self.check(len(bottom) >= 2, f"Number of axes of bottom blob must be >=2, not {len(bottom)}", ShapeError)
        param = self.options
        fill = param.scale_filler if param.HasField("scale_filler") else constant(1.0)
        self.add_blob([] if param.channel_shared else [bottom[1]], fill)

    def reshape(self, bottom: Shape) -> Shape:
        self.check(
            self.options.channel_shared or bottom[1:2] == self.specs[0].shape,
            f"Scale size is inconsistent with prototxt config: {self.specs[0].shape} for shape {bottom}",
        )
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        axes = list(range(1, bottom.ndim)) if self.options.across_spatial else [1]
        norm = (bottom.square().sum(axes, keepdim=True) + self.options.eps).sqrt()
        return bottom / norm * self.blob(0).view(-1, *[1] * (bottom.ndim - 2))
