"""Layers that summarise windows of an image, and Upsample, which undoes one."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.ops.pooling import Windows


def _fields(windows: Windows, spatial: Sequence[int]) -> dict[str, Any]:
    """The windows as an operator's attributes.

    Where Caffe drops a window that would start in the trailing padding, ONNX's shape rule and its
    implementations disagree: then the trailing padding is cut to what the last window reads.
    """
    ends, ceil = list(windows.pad), windows.ceil
    reads = [(o - 1) * s + k - size - p for o, s, k, size, p in _axes(windows, spatial)]
    dropped = [-(-(size + 2 * p - k) // s) + 1 > o for o, s, k, size, p in _axes(windows, spatial)]
    if ceil and any(dropped) and all(end <= p for end, p in zip(reads, windows.pad, strict=True)):
        ends, ceil = [max(0, end) for end in reads], False
    return {
        "kernel_shape": list(windows.kernel),
        "strides": list(windows.stride),
        "pads": [*windows.pad, *ends],
        "ceil_mode": int(ceil),
    }


def _axes(windows: Windows, spatial: Sequence[int]) -> Iterator[tuple[int, int, int, int, int]]:
    """For each axis: positions, stride, kernel, size, padding."""
    return zip(windows.output(spatial), windows.stride, windows.kernel, spatial, windows.pad, strict=True)


@converter("Pooling")
def pooling(w: Writer, layer: Any, bottom: Blob) -> str | list[str]:
    options = layer.options
    if options.global_pooling and options.pool != options.STOCHASTIC and layer.num_tops == 1:
        return w.op("GlobalMaxPool" if options.pool == options.MAX else "GlobalAveragePool", bottom.name)
    windows = layer.windows(bottom.shape)
    if layer.num_tops == 1:
        return pool(w, layer, bottom, windows)
    top, index = w.ops("MaxPool", 2, bottom.name, **_fields(windows, bottom.shape[2:]))
    plane = w.op("ReduceProd", w.shape(bottom.name, 2), axes=[0])  # ONNX counts through all planes, Caffe in each
    return [top, w.cast(w.op("Mod", index, plane))]


def pool(w: Writer, layer: Any, bottom: Blob, windows: Windows) -> str:
    """One pooling by the method that the `pool` field names."""
    options = layer.options
    if windows.empty(bottom.shape[2:]):
        raise refuse(layer, "a stride that leaves the last window empty has no ONNX form")
    if options.pool == options.MAX:
        return w.op("MaxPool", bottom.name, **_fields(windows, bottom.shape[2:]))
    if options.pool == options.AVE:
        return average(w, bottom, windows)
    sums, squares = (average(w, Blob(value, bottom.shape), windows) for value in (bottom.name, w.mul(bottom.name, bottom.name)))
    positive = w.op("Greater", sums, w.constant(0.0))
    return w.where(positive, w.op("Div", squares, sums), w.constant(0.0))


def average(w: Writer, bottom: Blob, windows: Windows) -> str:
    """Means of windows; padding counts as zeros, overhang beyond it does not.

    Older implementations divide windows that overhang padding by the wrong number: there zeros are
    appended, and the means of what then is too large a window corrected.
    """
    spatial = bottom.shape[2:]
    reads = [(o - 1) * s + k - size - p for o, s, k, size, p in _axes(windows, spatial)]
    if not any(windows.pad) or all(end <= p for end, p in zip(reads, windows.pad, strict=True)):
        return w.op("AveragePool", bottom.name, count_include_pad=1, **_fields(windows, spatial))
    padded = w.op("Pad", bottom.name, w.integers(0, 0, *windows.pad, 0, 0, *(max(0, end) for end in reads)))
    means = w.op("AveragePool", padded, kernel_shape=list(windows.kernel), strides=list(windows.stride))
    parts = [np.array([min(k, size + 2 * p - position * s) / k for position in range(o)]) for o, s, k, size, p in _axes(windows, spatial)]
    return w.op("Div", means, w.constant(np.outer(*parts)))


@converter("SPP")
def spp(w: Writer, layer: Any, bottom: Blob) -> str:
    pools = [pool(w, layer, bottom, windows) for windows in layer.levels(bottom.shape)]
    return pools[0] if len(pools) == 1 else w.concat([w.op("Flatten", value, axis=1) for value in pools], 1)


@converter("Upsample")
def upsample(w: Writer, layer: Any, bottom: Blob, mask: Blob) -> str:
    ((*_, height, width),) = layer.top_shapes(bottom.shape, mask.shape)
    sides = w.shape(bottom.name, 0, 2)
    empty = w.op("Expand", w.constant(0.0), w.concat([sides, w.integers(height * width)], 0))
    values, places = (w.reshape(name, (0, 0, -1)) for name in (bottom.name, w.cast(mask.name, "i8")))
    filled = w.op("ScatterElements", empty, places, values, axis=2)
    return w.op("Reshape", filled, w.concat([sides, w.integers(height, width)], 0))
