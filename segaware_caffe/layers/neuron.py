"""Elementwise layers: one bottom, one top of its shape, in-place allowed unless a layer says otherwise."""

import math

import torch
from torch.nn import functional

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.fillers import constant
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.activation import Activation
from segaware_caffe.ops.elementwise import affine, power


class Neuron(Layer):
    """1 -> 1, the top has the bottom's shape."""

    def reshape(self, bottom: Shape) -> Shape:
        return bottom


@register("AbsVal", source="spec/layers.md 5.1")
class AbsVal(Neuron):
    """|x|. Not in place. The gradient at 0 is 0."""

    def setup(self, bottom: Shape) -> None:
        self.check_not_in_place()

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.abs()


@register("BNLL", source="spec/layers.md 5.7")
class BNLL(Neuron):
    """log(1 + exp(x)), the binomial normal log likelihood."""

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return functional.softplus(bottom, threshold=50)


@register("Clip", source="spec/layers.md 7")
class Clip(Neuron):
    """max(min, min(x, max)). Both bounds are required; at them the gradient is 1."""

    param_field = "clip_param"

    def setup(self, bottom: Shape) -> None:
        for field in ("min", "max"):
            self.check(self.options.HasField(field), f"clip_param needs {field}")

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.clamp(max=self.options.max).clamp(min=self.options.min)

    @property
    def activation(self) -> Activation:
        return Activation(self, least=self.options.min, most=self.options.max)


@register("Dropout", source="spec/layers.md 5.13")
class Dropout(Neuron):
    """In TRAIN, zeroes each element with probability dropout_ratio and scales the others by 1 / (1 - dropout_ratio);
    in TEST, a copy. A ratio of 0 is a copy in both.

    `scale_train: false` (Fast R-CNN) leaves the others as they are in TRAIN, and in TEST multiplies all
    by 1 - dropout_ratio. `sample_weights_test: true` (Bayesian SegNet) drops in TEST as in TRAIN.
    """

    param_field = "dropout_param"

    def setup(self, bottom: Shape) -> None:
        ratio = self.options.dropout_ratio
        self.check(0 <= ratio < 1, f"dropout_ratio must be at least 0 and less than 1, not {ratio:g}")

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        ratio, drops = self.options.dropout_ratio, self.training or self.options.sample_weights_test
        if self.options.scale_train:
            return functional.dropout(bottom, ratio, drops)
        return bottom * (torch.empty_like(bottom).bernoulli_(1 - ratio) if drops else 1 - ratio)

    @property
    def is_view(self) -> bool:
        return self.options.scale_train and not (self.training or self.options.sample_weights_test)


@register("SpatialDropout", source="Intel Caffe")
class SpatialDropout(Neuron):
    """Dropout of whole channels of a sample: (N, C, ...) in TRAIN times 0 or 1 / (1 - dropout_ratio), in TEST a copy."""

    param_field = "spatial_dropout_param"

    def setup(self, bottom: Shape) -> None:
        ratio = self.options.dropout_ratio
        self.check(len(bottom) >= 2, f"the bottom must have samples and channels, not shape {bottom}")
        self.check(0 <= ratio < 1, f"dropout_ratio must be at least 0 and less than 1, not {ratio:g}")

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        kept = bottom.new_ones(*bottom.shape[:2], *[1] * (bottom.ndim - 2))
        return bottom * functional.dropout(kept, self.options.dropout_ratio) if self.training else bottom


@register("ELU", source="spec/layers.md 5.15")
class ELU(Neuron):
    """max(x, 0) + alpha * (exp(min(x, 0)) - 1). The gradient at 0 is alpha."""

    param_field = "elu_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return functional.elu(bottom, self.options.alpha)


@register("Exp", source="spec/layers.md 5.19")
class Exp(Neuron):
    """base ^ (shift + scale * x); base -1 stands for e.

    differs: the release multiplies by (-1) ^ shift where base is e; this is upstream's exp(shift).
    """

    param_field = "exp_param"

    def setup(self, bottom: Shape) -> None:
        self._log_base = log_of_base(self)

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return affine(bottom, self.options.scale * self._log_base, self.options.shift * self._log_base).exp()


@register("Log", source="spec/layers.md 5.28")
class Log(Neuron):
    """The logarithm of shift + scale * x to a base; base -1 stands for e. Nothing is clamped."""

    param_field = "log_param"

    def setup(self, bottom: Shape) -> None:
        self._log_base = log_of_base(self)
        self.check(self._log_base != 0, "Inf result: 1/log(base), since base is 1")

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return affine(bottom, self.options.scale, self.options.shift).log() / self._log_base


def log_of_base(layer: Layer) -> float:
    """ln(base) of an `exp_param` or `log_param`."""
    base = layer.options.base
    layer.check(base == -1 or 0 < base < math.inf, f"base must be strictly positive, or -1 for e, not {base:g}")
    return 1.0 if base == -1 else math.log(base)


@register("Power", source="spec/layers.md 5.34")
class Power(Neuron):
    """(shift + scale * x) ^ power.

    The gradient is power * scale * y / (shift + scale * x), as in the reference: NaN where that
    base is 0 and the power neither 1 nor 2. Where power * scale is 0 there is none.
    """

    param_field = "power_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return power(bottom, self.options.power, self.options.scale, self.options.shift)


@register("PReLU", source="spec/layers.md 5.35")
class PReLU(Neuron):
    """max(x, 0) + slope * min(x, 0) with a learned slope for each channel, or one for all.

    bottom (N, C, ...) -> top of its shape; blob 0: the slopes (C), or a scalar with
    channel_shared, filled with 0.25 unless `filler` says otherwise. The gradient at 0 is the slope.
    """

    param_field = "prelu_param"

    def setup(self, bottom: Shape) -> None:
        self.check(len(bottom) >= 2, f"Number of axes of bottom blob must be >=2, not {len(bottom)}", ShapeError)
        shape = () if self.options.channel_shared else bottom[1:2]
        self.add_blob(shape, self.options.filler if self.options.HasField("filler") else constant(0.25))

    def reshape(self, bottom: Shape) -> Shape:
        slopes = self.specs[0].shape
        self.check(slopes in ((), bottom[1:2]), f"the slopes {dims(slopes)} do not fit a bottom of {dims(bottom)}")
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return functional.prelu(bottom, self.blob(0).reshape(-1))

    @property
    def activation(self) -> Activation:
        return Activation(self, slope=self.blob(0))


@register("ReLU", source="spec/layers.md 5.38")
class ReLU(Neuron):
    """max(x, 0) + negative_slope * min(x, 0). The gradient at 0 is negative_slope.

    As that formula has it, -inf gives NaN where negative_slope is 0.
    """

    param_field = "relu_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(bottom, self.options.negative_slope)

    @property
    def activation(self) -> Activation:
        return Activation(self, slope=self.options.negative_slope)


@register("Sigmoid", source="spec/layers.md 5.41")
class Sigmoid(Neuron):
    """1 / (1 + exp(-x))."""

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.sigmoid()


@register("Swish", source="spec/layers.md 7")
class Swish(Neuron):
    """x / (1 + exp(-beta * x))."""

    param_field = "swish_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom * torch.sigmoid(bottom * self.options.beta)


@register("TanH", source="spec/layers.md 5.49")
class TanH(Neuron):
    """The hyperbolic tangent."""

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.tanh()


@register("Threshold", source="spec/layers.md 5.50")
class Threshold(Neuron):
    """1 where x > threshold, else 0. No gradient."""

    differentiable = False
    param_field = "threshold_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return (bottom > self.options.threshold).to(bottom.dtype)


@register("ReLU6", source="MobileNetV2")
class ReLU6(Neuron):
    """min(max(x, 0) + negative_slope * min(x, 0), 6) (MobileNetV2); the gradient at 0 is negative_slope, at 6 0."""

    param_field = "relu6_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        slope = self.options.negative_slope
        if slope == 0:
            return functional.hardtanh(bottom, 0, 6)  # the same, in one step
        top = functional.leaky_relu(bottom, slope)
        return torch.where(top >= 6, 6, top)

    @property
    def activation(self) -> Activation:
        return Activation(self, slope=self.options.negative_slope, most=6.0)
