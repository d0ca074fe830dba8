"""NormConv: convolution under a normalised mask of embedding distances."""

import math
from collections.abc import Sequence

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.embedding import read_image_geometry
from segaware_caffe.layers.geometry import checked_output
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.masked import masked_convolution, why_not_native
from segaware_caffe.ops.normconv import softmax_mask


@register("NormConv", source="spec/layers.md 3.7")
class NormConv(Layer):
    """Convolution whose taps are weighted by how near they are in an embedding.

    bottoms: image (N, C, H, W), embedding (N, E, H, W) -> top (N, num_output, H', W'). At every
    position the weights of the taps are the softmax over the taps of -scale * Im2dist(embedding),
    the same for all channels and groups; they sum to 1, so that a flat embedding gives the
    convolution divided by the number of taps. Without scale_term it is the softmax of +Im2dist: far
    taps then weigh more, as in the release. Taps outside the image take part, with distance 0
    unless remove_bounds. `norm`, remove_center and remove_bounds are Im2dist's.

    Learned blobs: weights (num_output, C / group, kh, kw); bias (num_output) unless bias_term is
    false; with scale_term the scale (1), constant 0 unless scale_filler says otherwise.

    differs: all gradients are the true ones, with 1 x 1 kernels and with a scale that learns alone too;
    that of norm L1 is the reference's GPU one. bottom_is_im2col is refused.
    """

    bottoms = 2
    param_field = "norm_conv_param"

    def setup(self, image: Shape, embedding: Shape) -> None:
        self.geometry = read_image_geometry(self, image)
        param = self.proto.convolution_param
        outputs, self.group, channels = param.num_output, param.group, image[1]
        self.check(not param.bottom_is_im2col, "bottom_is_im2col is for Convolution only")
        self.check(outputs > 0, "num_output must be positive")
        self.check(self.group > 0, "group must be positive")
        self.check(channels % self.group == 0, f"the image's {channels} channels must be a multiple of group {self.group}")
        self.check(outputs % self.group == 0, f"Number of output should be multiples of group: num_output {outputs}, group {self.group}")
        self.add_blob([outputs, channels // self.group, *self.geometry.kernel], param.weight_filler)
        if param.bias_term:
            self.add_blob([outputs], param.bias_filler)
        if self.options.scale_term:
            self.add_blob([1], self.options.scale_filler)

    def reshape(self, image: Shape, embedding: Shape) -> Shape:
        self.check(
            len(image) == len(embedding) == 4 and (image[0], *image[2:]) == (embedding[0], *embedding[2:]),
            f"image and embedding must have shapes (N, C, H, W) of the same N, H and W, not {dims(image)} and {dims(embedding)}",
        )
        outputs, channels, *_ = self.specs[0].shape
        self.check(
            image[1] == channels * self.group,
            f"Input size incompatible with convolution kernel: {image[1]} channels instead of {channels * self.group}",
        )
        return image[0], outputs, *checked_output(self, self.geometry, image[2:])

    def forward(self, image: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        options = self.options
        scale = self.blob(len(self.specs) - 1) if options.scale_term else -1.0
        bias = self.blob(1) if self.proto.convolution_param.bias_term else None
        mask = softmax_mask(embedding, self.geometry, scale, options.norm == options.L1, options.remove_center, options.remove_bounds)
        return masked_convolution(image, mask, self.blob(0), bias, self.geometry, self.group)

    @property
    def fresh(self) -> bool:
        return True

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * self.geometry.taps * math.prod(tops[0]) // tops[0][1]  # the mask and its distances

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * math.prod(self.specs[0].shape) * math.prod(tops[0]) // tops[0][1]

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        image, embedding = bottoms
        return why_not_native(image, embedding, self.blob(0), self.geometry, self.group)
