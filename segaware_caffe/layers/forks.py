"""Layers that only forks of Caffe have, and whose models people still hold (BN has a module of its own).

Their fields and learned blobs are those of the fork that each docstring names.
"""

import torch
from torch.nn import functional

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.convolution import Convolution
from segaware_caffe.layers.fillers import constant
from segaware_caffe.layers.neuron import Neuron
from segaware_caffe.layers.registry import register


@register("Upsample")
class Upsample(Layer):
    """Undo a MAX pooling with the mask of its second top (SegNet, ENet).

    (N, C, H, W) and a mask of that shape -> (N, C, H', W'): each element goes where the mask says
    in the plane, the rest is 0. H' and W' are `upsample_h` and `upsample_w`, or `scale` (`scale_h`,
    `scale_w`) times the bottom's, less one row or column with `pad_out_h` or `pad_out_w`. The mask
    has no gradient.
    """

    bottoms = 2
    param_field = "upsample_param"
    no_forced_gradient = (1,)

    def setup(self, bottom: Shape, mask: Shape) -> None:
        param = self.options
        has = {field: param.HasField(field) for field in ("scale", "scale_h", "scale_w", "upsample_h", "upsample_w")}
        self.exact = has["upsample_h"] and has["upsample_w"]
        self.check(
            self.exact or (has["scale_h"] == has["scale_w"] and not (has["scale"] and has["scale_h"])),
            "upsample_h & upsample_w are required, else (DEPRECATED) scale OR scale_h & scale_w are required.",
        )
        sizes = (param.upsample_h, param.upsample_w) if self.exact else self._scales()
        self.check(min(sizes) > 1, f"upsample_h and upsample_w, or the scales, must be greater than 1, not {sizes}")
        for scale, field in zip(self._scales(), ("pad_out_h", "pad_out_w"), strict=True):
            self.check(
                self.exact or scale == 2 or not getattr(param, field),
                f"{field} requires a scale of 2, otherwise the output size is ill-defined; it is {scale}",
            )

    def reshape(self, bottom: Shape, mask: Shape) -> Shape:
        self.check(len(bottom) == 4, "Input must have 4 axes, corresponding to (num, channels, height, width)")
        self.check(mask == bottom, f"the mask must have the bottom's shape {bottom}, not {mask}")
        param = self.options
        if self.exact:
            return *bottom[:2], param.upsample_h, param.upsample_w
        scale_h, scale_w = self._scales()
        return *bottom[:2], bottom[2] * scale_h - param.pad_out_h, bottom[3] * scale_w - param.pad_out_w

    def forward(self, bottom: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        shape = self.top_shapes(tuple(bottom.shape), tuple(mask.shape))[0]
        index = mask.detach().long().flatten(2)
        plane = bottom.new_zeros(*shape[:2], shape[2] * shape[3])
        self.check_indices(
            index, plane.shape[2], "upsample top index", " - check scale settings match input pooling layer's downsample setup"
        )
        return plane.scatter(2, index, bottom.flatten(2)).view(shape)

    def _scales(self) -> tuple[int, int]:
        param = self.options
        return (param.scale_h, param.scale_w) if param.HasField("scale_h") else (param.scale, param.scale)


@register("Normalize")
class Normalize(Layer):
    """Divide by the Euclidean norm and multiply by a learned scale (SSD): (N, C, H, W) -> the same.

    The norm is that of the sample, or with `across_spatial: false` that of each pixel's channels;
    `eps` is added to its square. Learned blob: the scale, a scalar or with `channel_shared: false`
    (C), 1 without a filler.
    """

    param_field = "norm_param"

    def setup(self, bottom: Shape) -> None:
        self.check(len(bottom) >= 2, f"Number of axes of bottom blob must be >=2, not {len(bottom)}")
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


@register("Permute")
class Permute(Layer):
    """Reorder the axes (SSD): axis i of the top is axis `order[i]` of the bottom.

    Axes that `order` does not name follow in their own order.
    """

    param_field = "permute_param"

    def reshape(self, bottom: Shape) -> Shape:
        return tuple(bottom[axis] for axis in self._order(len(bottom)))

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.permute(self._order(bottom.ndim)).contiguous()

    def _order(self, ndim: int) -> list[int]:
        order = list(self.options.order)
        self.check(all(axis < ndim for axis in order), f"order should be less than the input dimension {ndim}: {order}")
        self.check(len(set(order)) == len(order), f"there are duplicate orders: {order}")
        return order + [axis for axis in range(ndim) if axis not in order]


@register("Axpy")
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


@register("DepthwiseConvolution")
class DepthwiseConvolution(Convolution):
    """Convolution under the name that forks gave their faster grouped kernel (MobileNet)."""


@register("ConvolutionDepthwise")
class ConvolutionDepthwise(Convolution):
    """Convolution with one kernel per channel (MobileNet): `group` and `num_output` are the bottom's channels.

    (N, C, *spatial) -> (N, C, *positions). Learned blobs: weights (C, 1, *kernel), bias (C).

    differs: a `num_output` other than the bottom's channels is refused (the forks ignore it).
    """

    def outputs_and_groups(self) -> tuple[int, int]:
        given = self.options.num_output
        self.check(given in (0, self.channels), f"num_output must be the bottom's number of channels {self.channels}, not {given}")
        return self.channels, self.channels


@register("ReLU6")
class ReLU6(Neuron):
    """min(max(x, 0) + negative_slope * min(x, 0), 6) (MobileNetV2); the gradient at 0 is negative_slope, at 6 0."""

    param_field = "relu6_param"

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        top = functional.leaky_relu(bottom, self.options.negative_slope)
        return torch.where(top >= 6, 6, top)


@register("ShuffleChannel")
class ShuffleChannel(Layer):
    """Deal out the channels of `group` groups in turn (ShuffleNet): (N, C, H, W) -> the same shape.

    Channel j of group i, i * C / group + j, becomes channel j * group + i.
    """

    param_field = "shuffle_channel_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.group > 0, "group must be greater than 0")

    def reshape(self, bottom: Shape) -> Shape:
        self.check(
            len(bottom) >= 2 and bottom[1] % self.options.group == 0,
            f"Wrong group size: group {self.options.group} does not divide the channels of shape {bottom}",
        )
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.unflatten(1, (self.options.group, -1)).transpose(1, 2).flatten(1, 2)
