"""Labels as losses and metrics read them, and BiasChannel.

An ONNX graph cannot refuse a label that is no class, as the layers do: what it then gives has no meaning.
"""

import math
from collections.abc import Iterable
from typing import Any

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import END, Blob, Writer
from segaware_caffe.layers.labels import NO_LABEL


def class_indices(w: Writer, labels: str, ignored: Iterable[int] = ()) -> tuple[str, str]:
    """The labels cut to integers, 0 where ignored, and whether they are not ignored."""
    indices = w.cast(labels, "i8")
    valid = ""
    for value in ignored:
        differs = w.op("Not", w.op("Equal", indices, w.constant(value, "i8")))
        valid = w.op("And", valid, differs) if valid else differs
    if not valid:
        return indices, w.op("Equal", indices, indices)
    return w.where(valid, indices, w.constant(0, "i8")), valid


def count(w: Writer, mask: str) -> str:
    """How many elements of a mask hold, as a float."""
    return w.sum(w.cast(mask))


def classes_last(w: Writer, scores: Blob, axis: int) -> str:
    """Scores (outer, C, inner) as (outer * inner, C), in the labels' order."""
    outer, classes = math.prod(scores.shape[:axis]), scores.shape[axis]
    flat = w.reshape(scores.name, (0 if axis == 1 else outer, classes, -1))
    return w.reshape(w.op("Transpose", flat, perm=[0, 2, 1]), (-1, classes))


@converter("BiasChannel")
def bias_channel(w: Writer, layer: Any, scores: Blob, labels: Blob) -> str:
    options, classes = layer.options, w.integers(scores.shape[1])
    indices, valid = class_indices(w, labels.name, (NO_LABEL, *options.ignore_label))
    bits = w.constant([0, 1])
    known = w.cast(valid)
    if options.label_type == options.IMAGE:
        gains = w.where(w.op("Equal", indices, w.constant(0, "i8")), w.constant(float(options.bg_bias)), w.constant(float(options.fg_bias)))
        hot = w.op("OneHot", w.squeeze(indices, 2, 3), classes, bits)  # (N, L, C)
        bias = w.sum(w.mul(hot, w.squeeze(w.mul(gains, known), 3)), 1)
        return w.add(scores.name, w.unsqueeze(bias, 2, 3))
    hot = w.op("OneHot", w.squeeze(indices, 1), classes, bits, axis=1)  # (N, C, H, W)
    gains = w.mul(known, w.constant(float(options.fg_bias)))
    if not (options.HasField("background_label") or options.HasField("bg_bias")):
        return w.add(scores.name, w.mul(hot, gains))
    background = w.constant(options.background_label, "i8")
    front = w.cast(w.op("Not", w.op("Equal", indices, background)))
    bias = w.mul(hot, w.mul(gains, front))
    channel = w.op("OneHot", w.integers(options.background_label), classes, bits, axis=1)  # (1, C)
    behind = w.mul(w.unsqueeze(channel, 2, 3), w.mul(known, w.constant(float(options.bg_bias))))
    return w.op("Sum", scores.name, bias, behind)


@converter("UniqueLabel")
def unique_label(w: Writer, layer: Any, labels: Blob) -> str:
    """Sort, drop what equals its neighbour, sort again; what is no label goes to infinity, and from there to -1."""
    options, infinity = layer.options, w.constant(math.inf)
    forced = list(options.force_label)
    more = w.constant([forced + [math.inf] * options.max_labels])
    more = w.op("Expand", more, w.concat([w.shape(labels.name, 0, 1), w.integers(1)], 0))
    values = w.concat([w.op("Flatten", labels.name, axis=1), more], 1)
    for label in set(options.ignore_label) - set(forced):
        values = w.where(w.op("Equal", values, w.constant(float(label))), infinity, values)
    ordered, _ = w.ops("TopK", 2, values, w.shape(values, 1, 2), axis=1, largest=0)
    first, rest = w.slice(ordered, 1, 0, 1), w.slice(ordered, 1, 1, END)
    repeated = w.op("Equal", rest, w.slice(ordered, 1, 0, -1))
    distinct = w.concat([first, w.where(repeated, infinity, rest)], 1)
    found, _ = w.ops("TopK", 2, distinct, w.integers(options.max_labels), axis=1, largest=0)
    return w.unsqueeze(w.where(w.op("IsInf", found), w.constant(float(NO_LABEL)), found), 2, 3)
