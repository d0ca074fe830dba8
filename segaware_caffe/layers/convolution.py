"""Layers that slide a kernel over an image: Convolution, Deconvolution, Im2col."""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.geometry import checked_output, read_geometry
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.columns import im2col, reaching


class SlidingKernel(Layer):
    """What Convolution and Deconvolution share: fields, learned blobs, checks, several bottoms, any `axis`.

    Axes before `axis` are batch axes. PyTorch has 1 to 3 spatial axes; none is run as one of size 1.
    """

    bottoms = (1, None)
    tops = (1, None)
    paired = True
    param_field = "convolution_param"

    def setup(self, *bottoms: Shape) -> None:
        self.channel_axis, self.geometry = read_geometry(self, bottoms[0])
        self.channels = bottoms[0][self.channel_axis]
        spatial_axes = len(self.geometry.kernel)
        self.check(spatial_axes <= 3, f"at most 3 spatial axes are supported, not {spatial_axes}")
        self.check(all(self.geometry.dilation), f"dilation must be positive, not {self.geometry.dilation}")
        self.num_output, self.group = self.outputs_and_groups()
        for count, field in ((self.num_output, "num_output"), (self.group, "group")):
            self.check(count > 0, f"{field} must be positive")
        self.check(
            self.num_output % self.group == 0,
            f"Number of output should be multiples of group: num_output {self.num_output}, group {self.group}",
        )
        self.check(self.channels % self.group == 0, f"bottom's {self.channels} channels must be a multiple of group {self.group}")
        self.add_blob(self.weight_shape(), self.options.weight_filler)
        if self.options.bias_term:
            self.add_blob([self.num_output], self.options.bias_filler)

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        axis = self.channel_axis
        self.check(all(bottom == bottoms[0] for bottom in bottoms), f"all inputs must have the same shape, not {bottoms}")
        self.check(len(bottoms[0]) == axis + 1 + len(self.geometry.kernel), "bottom num_axes may not change")
        self.check(
            bottoms[0][axis] == self.channels,
            f"Input size incompatible with convolution kernel: {bottoms[0][axis]} channels, not {self.channels}",
        )
        top = (*bottoms[0][:axis], self.num_output, *self.output(bottoms[0][axis + 1 :]))
        return [top] * len(bottoms)

    def forward(self, *bottoms: torch.Tensor) -> list[torch.Tensor]:
        weight = self.blob(0)
        bias = self.blob(1) if self.options.bias_term else None
        return [self._run_batched(bottom, weight, bias) for bottom in bottoms]

    def _run_batched(self, bottom: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        batch, spatial = bottom.shape[: self.channel_axis], bottom.shape[self.channel_axis + 1 :]
        if len(batch) == 1 and spatial:
            return self.run(bottom, weight, bias)
        flat = bottom.reshape(math.prod(batch), self.channels, *(spatial or [1]))
        top = self.run(flat, weight if spatial else weight.unsqueeze(-1), bias)
        return top.reshape(*batch, self.num_output, *(top.shape[2:] if spatial else []))

    @property
    def fresh(self) -> bool:
        return True

    # -- what differs ----------------------------------------------------------------------

    def outputs_and_groups(self) -> tuple[int, int]:
        """The number of output channels and of groups."""
        return self.options.num_output, self.options.group

    def weight_shape(self) -> Shape:
        """The shape of learned blob 0."""
        raise NotImplementedError

    def output(self, spatial: Shape) -> Shape:
        """The tops' spatial shape."""
        raise NotImplementedError

    def run(self, bottom: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """The operation on one bottom (N, C, 1 to 3 spatial axes)."""
        raise NotImplementedError


@register("Convolution", source="spec/layers.md 5.9")
class Convolution(SlidingKernel):
    """Cross-correlation with learned kernels.

    k bottoms (N, C, *spatial) -> k tops (N, num_output, *positions), all with the same weights;
    `group` splits input and output channels alike; 0 to 3 spatial axes after `axis`.
    Learned blobs: weights (num_output, C / group, *kernel), bias (num_output).

    With `bottom_is_im2col` the bottom is what Im2col made, (N, C * P, *positions): the kernel only
    says which P weights of an image channel belong together, the top keeps the spatial size, and
    stride, pad and dilation are ignored.

    `engine` and `force_nd_im2col` choose an implementation in the reference; here they change nothing.
    """

    def weight_shape(self) -> Shape:
        inputs = self.channels // self.group
        if self.options.bottom_is_im2col:
            taps = self.geometry.taps
            self.check(
                inputs % taps == 0,
                f"with bottom_is_im2col, the {inputs} channels of a group must be a multiple of the kernel's {taps} elements",
            )
            inputs //= taps
        return self.num_output, inputs, *self.geometry.kernel

    def output(self, spatial: Shape) -> Shape:
        return spatial if self.options.bottom_is_im2col else checked_output(self, self.geometry, spatial)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, (*bottoms, *tops)))  # both in the order of PyTorch's kernels

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * math.prod(self.specs[0].shape) * sum(map(math.prod, tops)) // self.num_output

    def run(self, bottom: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        axes = bottom.ndim - 2
        if self.options.bottom_is_im2col:
            return CONVOLUTIONS[axes](bottom, weight.reshape(len(weight), -1, *[1] * axes), bias, groups=self.group)
        stride, pad, dilation = self.geometry.stride or 1, self.geometry.pad or 0, self.geometry.dilation or 1
        return CONVOLUTIONS[axes](reaching(bottom, self.geometry), weight, bias, stride, pad, dilation, self.group)


@register("Deconvolution", source="spec/layers.md 5.12")
class Deconvolution(SlidingKernel):
    """The adjoint of Convolution: every input element adds its kernel to the output.

    k bottoms (N, C, *spatial) -> k tops (N, num_output, *s),
    s = stride * (size - 1) + dilation * (kernel - 1) + 1 - 2 * pad.
    Learned blobs: weights (C, num_output / group, *kernel), bias (num_output). The fields are Convolution's.
    """

    def weight_shape(self) -> Shape:
        self.check(not self.options.bottom_is_im2col, "bottom_is_im2col is for Convolution only")
        return self.channels, self.num_output // self.group, *self.geometry.kernel

    def output(self, spatial: Shape) -> Shape:
        shape = self.geometry.transposed(spatial)
        self.check(all(d > 0 for d in shape), f"pad {self.geometry.pad} leaves nothing of the output: it would be {shape}")
        return shape

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * math.prod(self.specs[0].shape) * sum(map(math.prod, bottoms)) // self.channels

    def run(self, bottom: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        stride, pad, dilation = self.geometry.stride or 1, self.geometry.pad or 0, self.geometry.dilation or 1
        return DECONVOLUTIONS[bottom.ndim - 2](bottom, weight, bias, stride, pad, 0, self.group, dilation)


@register("Im2col", source="spec/layers.md 3.5, 2.1")
class Im2col(Layer):
    """The taps of every kernel position as channels.

    (N, C, *spatial) -> (N, C * P, *positions), P = elements of the kernel; channel c * P + p holds tap p
    of channel c, 0 outside the image. `convolution_param` gives the geometry; no learned blobs.
    """

    param_field = "convolution_param"

    def setup(self, bottom: Shape) -> None:
        self.channel_axis, self.geometry = read_geometry(self, bottom)
        self.check(len(self.geometry.kernel) > 0, f"axis {self.channel_axis} leaves no spatial axis of a bottom of {len(bottom)} axes")

    def reshape(self, bottom: Shape) -> Shape:
        axis = self.channel_axis
        positions = checked_output(self, self.geometry, bottom[axis + 1 :])
        return *bottom[:axis], bottom[axis] * self.geometry.taps, *positions

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        batch = bottom.shape[: self.channel_axis]
        columns = im2col(bottom.reshape(math.prod(batch), *bottom.shape[len(batch) :]), self.geometry)
        return columns.reshape(*batch, *columns.shape[1:])


CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
DECONVOLUTIONS = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


@register("DepthwiseConvolution", source="MobileNet")
class DepthwiseConvolution(Convolution):
    """Convolution under the name that forks gave their faster grouped kernel (MobileNet)."""


@register("ConvolutionDepthwise", source="MobileNet")
class ConvolutionDepthwise(Convolution):
    """Convolution with one kernel per channel (MobileNet): `group` and `num_output` are the bottom's channels.

    (N, C, *spatial) -> (N, C, *positions). Learned blobs: weights (C, 1, *kernel), bias (C).

    differs: a `num_output` other than the bottom's channels is refused (the forks ignore it).
    """

    def outputs_and_groups(self) -> tuple[int, int]:
        given = self.options.num_output
        self.check(given in (0, self.channels), f"num_output must be the bottom's number of channels {self.channels}, not {given}")
        return self.channels, self.channels
