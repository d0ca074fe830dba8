"""Layers that normalise, and DeepLab's Interp."""

from typing import Any

import torch

from segaware_caffe.export.onnx.pooling import average
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import END, Blob, Writer
from segaware_caffe.ops.pooling import Windows


def fixed(w: Writer, layer: Any, value: str, ndim: int, factor: torch.Tensor, shift: torch.Tensor) -> str:
    """factor * value + shift, each (C)."""
    product = w.mul(value, w.learned(w.channels(factor, ndim), f"{layer.name} factor"))
    return w.add(product, w.learned(w.channels(shift, ndim), f"{layer.name} shift"))


def with_own_statistics(w: Writer, bottom: Blob, eps: float) -> str:
    """(x - mean) / sqrt(variance + eps) with the batch's statistics of each channel."""
    axes = [axis for axis in range(len(bottom.shape)) if axis != 1]
    centred = w.op("Sub", bottom.name, w.mean(bottom.name, *axes))
    variance = w.mean(w.mul(centred, centred), *axes)
    return w.op("Div", centred, w.op("Sqrt", w.add(variance, w.constant(eps))))


@converter("BatchNorm")
def batch_norm(w: Writer, layer: Any, bottom: Blob) -> str:
    ndim = len(bottom.shape)
    if layer.takes_stored():
        return fixed(w, layer, bottom.name, ndim, *layer.factor_and_offset())
    top = with_own_statistics(w, bottom, layer.eps)
    return fixed(w, layer, top, ndim, layer.blob(3), layer.blob(4)) if layer.scaled else top


@converter("BN")
def bn(w: Writer, layer: Any, bottom: Blob) -> str:
    ndim = len(bottom.shape)
    if layer.takes_stored():
        return fixed(w, layer, bottom.name, ndim, *layer.factor_and_offset())
    return fixed(w, layer, with_own_statistics(w, bottom, layer.eps), ndim, layer.blob(0), layer.blob(1))


@converter("LRN")
def lrn(w: Writer, layer: Any, bottom: Blob) -> str:
    options = layer.options
    if options.norm_region == options.ACROSS_CHANNELS:
        return w.op("LRN", bottom.name, size=options.local_size, alpha=options.alpha, beta=options.beta, bias=options.k)
    size = (options.local_size,) * 2
    windows = Windows(size, (1, 1), tuple((s - 1) // 2 for s in size), ceil=False)
    means = average(w, Blob(w.mul(bottom.name, bottom.name), bottom.shape), windows)
    return w.op("Div", bottom.name, w.op("Pow", w.affine(means, options.alpha, 1), w.constant(options.beta)))


@converter("MVN")
def mvn(w: Writer, layer: Any, bottom: Blob) -> str:
    first = 1 if layer.options.across_channels else 2
    ndim = max(len(bottom.shape), first + 1)  # a value without those axes is normalised over one of size 1
    missing = range(len(bottom.shape), ndim)
    value = w.unsqueeze(bottom.name, *missing) if missing else bottom.name
    axes = range(first, ndim)
    top = w.op("Sub", value, w.mean(value, *axes))
    if layer.options.normalize_variance:
        deviation = w.op("Sqrt", w.mean(w.mul(top, top), *axes))
        top = w.op("Div", top, w.affine(deviation, 1, layer.options.eps))
    return w.squeeze(top, *missing) if missing else top


@converter("Normalize")
def normalize(w: Writer, layer: Any, bottom: Blob) -> str:
    axes = range(1, len(bottom.shape)) if layer.options.across_spatial else (1,)
    energy = w.affine(w.sum(w.mul(bottom.name, bottom.name), *axes, keepdims=True), 1, layer.options.eps)
    scale = w.learned(w.channels(layer.blob(0), len(bottom.shape)), f"{layer.name}.0")
    return w.mul(w.op("Div", bottom.name, w.op("Sqrt", energy)), scale)


@converter("Interp")
def interp(w: Writer, layer: Any, bottom: Blob) -> str:
    options, value = layer.options, bottom.name
    if options.pad_beg or options.pad_end:
        value = w.slices(value, (2, 3), [-options.pad_beg] * 2, [options.pad_end or END] * 2)
    if options.HasField("shrink_factor") == options.HasField("zoom_factor") and options.HasField("height") and options.HasField("width"):
        size = w.integers(options.height, options.width)
    else:
        size = w.op("Sub", w.shape(value, 2), w.integers(1))
        size = size if options.shrink_factor == 1 else w.op("Div", size, w.integers(options.shrink_factor))
        size = size if options.zoom_factor == 1 else w.mul(size, w.integers(options.zoom_factor))
        size = w.add(size, w.integers(1))
    whole = w.concat([w.shape(value, 0, 2), size], 0)
    return w.op("Resize", value, "", "", whole, mode="linear", coordinate_transformation_mode="align_corners")
