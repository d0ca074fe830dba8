"""Sliding kernels: Convolution and its kin, Deconvolution, Im2col, and the masked forms.

A column matrix is a convolution too: with one kernel per tap that is 1 at this tap, for every
channel alike. So the written-out segmentation-aware pattern is four operators: that convolution,
the tiled mask, their product, and the 1 x 1 convolution of it.
"""

import math
from typing import Any

import torch

from segaware_caffe.export.onnx.distances import squared_or_absolute, tap_kernels
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.ops.geometry import Geometry


def attributes(geometry: Geometry, group: int = 1) -> dict[str, Any]:
    """A geometry as Conv's and ConvTranspose's attributes."""
    return {
        "kernel_shape": list(geometry.kernel),
        "strides": list(geometry.stride),
        "pads": [*geometry.pad, *geometry.pad],
        "dilations": list(geometry.dilation),
        "group": group,
    }


@converter("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise", "Deconvolution")
def convolution(w: Writer, layer: Any, *bottoms: Blob) -> list[str]:
    geometry, weight = layer.geometry, layer.blob(0)
    if layer.options.bottom_is_im2col:
        ones = (1,) * len(geometry.kernel)
        geometry = Geometry(ones, ones, (0,) * len(ones), ones)
        weight = weight.reshape(len(weight), -1, *ones)
    if not geometry.kernel:  # no spatial axis: one of size 1
        geometry = Geometry((1,), (1,), (0,), (1,))
        weight = weight.unsqueeze(-1)
    inputs = [w.learned(weight, f"{layer.name}.0")]
    if layer.options.bias_term:
        inputs.append(w.learned(layer.blob(1), f"{layer.name}.1"))
    kind = "ConvTranspose" if layer.type == "Deconvolution" else "Conv"
    return [_batched(w, layer, bottom, kind, inputs, attributes(geometry, layer.group)) for bottom in bottoms]


def _batched(w: Writer, layer: Any, bottom: Blob, kind: str, inputs: list[str], fields: dict[str, Any]) -> str:
    """The operator on a bottom with any number of batch axes, and perhaps no spatial one."""
    axis, shape = layer.channel_axis, bottom.shape
    if axis == 1 and len(shape) > 2:
        return w.op(kind, bottom.name, *inputs, **fields)
    spatial = list(shape[axis + 1 :]) or [1]
    flat = w.reshape(bottom.name, [math.prod(shape[:axis]), layer.channels, *spatial])
    top = w.op(kind, flat, *inputs, **fields)
    return w.reshape(top, layer.top_shapes(*[shape] * len(layer.proto.bottom))[0])


@converter("Im2col")
def im2col(w: Writer, layer: Any, bottom: Blob) -> str:
    axis, shape = layer.channel_axis, bottom.shape
    if axis == 1:
        return columns(w, bottom.name, shape[1], layer.geometry)
    flat = w.reshape(bottom.name, [math.prod(shape[:axis]), *shape[axis:]])
    return w.reshape(columns(w, flat, shape[axis], layer.geometry), layer.top_shapes(shape)[0])


def columns(w: Writer, value: str, channels: int, geometry: Geometry) -> str:
    """Every tap as a channel: (N, C, *spatial) -> (N, C * P, *positions)."""
    kernels, moved = tap_kernels(geometry)
    weight = w.constant(kernels.unsqueeze(1).repeat(channels, *[1] * (len(moved.kernel) + 1)).numpy())
    return w.op("Conv", value, weight, **attributes(moved, channels))


def masked_columns(w: Writer, image: Blob, mask: str, geometry: Geometry) -> str:
    """The column matrix of an image (N, C, H, W) times a mask (N, P, H', W') that all channels share."""
    channels = image.shape[1]
    tiled = w.op("Tile", mask, w.integers(1, channels, 1, 1))
    return w.mul(columns(w, image.name, channels, geometry), tiled)


def masked_sum(w: Writer, image: Blob, mask: str, geometry: Geometry) -> str:
    """The taps of an image (N, C, H, W), weighted by a mask (N, P, H', W'), summed: (N, C, H', W')."""
    weight = w.constant(torch.ones(image.shape[1], geometry.taps, 1, 1).numpy())
    return w.op("Conv", masked_columns(w, image, mask, geometry), weight, group=image.shape[1], kernel_shape=[1, 1])


def softmax_mask(w: Writer, embedding: Blob, geometry: Geometry, scale: str, l1: bool, remove_center: bool, remove_bounds: bool) -> str:
    """The softmax over the taps of minus scale times the distances: (N, E, H, W) -> (N, P, H', W')."""
    distances = squared_or_absolute(w, embedding, geometry, l1, remove_center, remove_bounds)
    return w.op("Softmax", w.mul(distances, scale), axis=1)


@converter("NormConv")
def norm_conv(w: Writer, layer: Any, image: Blob, embedding: Blob) -> str:
    options = layer.options
    scale = w.constant(1.0)
    if options.scale_term:
        last = len(layer.specs) - 1
        scale = w.learned(-layer.blob(last).reshape(()), f"{layer.name}.{last} negative")
    mask = softmax_mask(w, embedding, layer.geometry, scale, options.norm == options.L1, options.remove_center, options.remove_bounds)
    weight = layer.blob(0)
    inputs = [w.learned(weight.reshape(len(weight), -1, 1, 1), f"{layer.name}.0")]
    if layer.proto.convolution_param.bias_term:
        inputs.append(w.learned(layer.blob(1), f"{layer.name}.1"))
    return w.op("Conv", masked_columns(w, image, mask, layer.geometry), *inputs, group=layer.group, kernel_shape=[1, 1])


@converter("NormConvMeanfield", "NospConvMeanfield")
def mean_field(w: Writer, layer: Any, unary: Blob, initial: Blob, *embeddings: Blob) -> str:
    classes = unary.shape[1]
    *weights, compatibility = (
        w.learned(layer.blob(index).reshape(classes, classes, 1, 1), f"{layer.name}.{index}") for index in range(layer.kernels + 1)
    )
    masks = [
        softmax_mask(w, embedding, f.geometry, w.constant(-f.scale), False, f.remove_center, f.remove_bounds)
        for f, embedding in zip(layer.fields, embeddings, strict=True)
    ]
    scores = initial.name
    for _ in range(layer.options.num_iterations):
        probabilities = Blob(w.op("Softmax", scores, axis=1), unary.shape)
        messages = [
            w.op("Conv", masked_sum(w, probabilities, mask, f.geometry), weight)
            for f, mask, weight in zip(layer.fields, masks, reversed(weights), strict=True)
        ]
        message = messages[0] if len(messages) == 1 else w.op("Sum", *messages)
        scores = w.op("Sub", unary.name, w.op("Conv", message, compatibility))
    return scores
