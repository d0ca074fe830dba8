"""Layers that reduce axes to sums or to their largest elements, and those that judge scores by them."""

from typing import Any

import numpy as np

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.onnx.labels import class_indices, classes_last, count
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.layers.channel_reduce import LOWEST


@converter("Reduction")
def reduction(w: Writer, layer: Any, bottom: Blob) -> str:
    options, axes = layer.options, range(layer.axis(layer.options.axis, len(bottom.shape)), len(bottom.shape))
    kinds = {options.SUM: "ReduceSum", options.ASUM: "ReduceL1", options.SUMSQ: "ReduceSumSquare", options.MEAN: "ReduceMean"}
    if options.operation == options.SUM:
        return w.affine(w.sum(bottom.name, *axes), options.coeff, 0)
    return w.affine(w.op(kinds[options.operation], bottom.name, axes=list(axes), keepdims=0), options.coeff, 0)


@converter("ChannelReduce")
def channel_reduce(w: Writer, layer: Any, bottom: Blob) -> str:
    options, groups = layer.options, layer.options.num_channels
    each = bottom.shape[1] // groups
    if options.operation == options.SUM:
        return w.op("Conv", bottom.name, w.constant(np.ones((groups, each, 1, 1))), group=groups, kernel_shape=[1, 1])
    shape = w.concat([w.shape(bottom.name, 0, 1), w.integers(groups, each), w.shape(bottom.name, 2)], 0)
    top = w.op("ReduceMax", w.op("Reshape", bottom.name, shape), axes=[2], keepdims=0)
    return w.op("Max", top, w.constant(LOWEST))


def largest(w: Writer, value: str, top_k: int, axis: int, size: int) -> tuple[str, str]:
    """The `top_k` largest elements of an axis and their indices; of equal ones the larger index comes first."""
    if top_k == 1:
        index = w.op("ArgMax", value, axis=axis, keepdims=1, select_last_index=1)
        return w.op("ReduceMax", value, axes=[axis], keepdims=1), index
    mirrored = w.op("Slice", value, w.integers(-1), w.integers(-(2**63)), w.integers(axis), w.integers(-1))
    values, places = w.ops("TopK", 2, mirrored, w.integers(top_k), axis=axis)
    return values, w.op("Sub", w.integers(size - 1), places)


@converter("ArgMax")
def argmax(w: Writer, layer: Any, bottom: Blob) -> str:
    options, shape = layer.options, bottom.shape
    if options.HasField("axis"):
        axis = layer.axis(options.axis, len(shape))
        values, indices = largest(w, bottom.name, options.top_k, axis, shape[axis])
        return values if options.out_max_val else w.cast(indices)
    values, indices = largest(w, w.op("Flatten", bottom.name, axis=1), options.top_k, 1, int(np.prod(shape[1:])))
    rows = [w.unsqueeze(name, 1) for name in ([w.cast(indices), values] if options.out_max_val else [w.cast(indices)])]
    missing = range(3, len(shape))
    top = w.concat(rows, 1)
    return w.unsqueeze(top, *missing) if missing else top


@converter("Accuracy")
def accuracy(w: Writer, layer: Any, scores: Blob, labels: Blob) -> list[str]:
    options, axis = layer.options, layer.axis(layer.options.axis, len(scores.shape))
    values = classes_last(w, scores, axis)
    ignored = (options.ignore_label,) if options.HasField("ignore_label") else ()
    indices, valid = class_indices(w, w.reshape(labels.name, (-1,)), ignored)
    own = w.op("GatherElements", values, w.unsqueeze(indices, 1), axis=1)
    rank = w.sum(w.cast(w.op("GreaterOrEqual", values, own)), 1)
    found = w.op("And", w.op("LessOrEqual", rank, w.constant(options.top_k)), w.op("Greater", rank, w.constant(0.0)))
    correct = w.op("And", found, valid)
    top = w.op("Div", count(w, correct), w.op("Max", count(w, valid), w.constant(1.0)))
    if layer.num_tops == 1:
        return [top]
    hot = w.op("OneHot", indices, w.integers(scores.shape[axis]), w.constant([0, 1]))
    right, labelled = (w.sum(w.mul(hot, w.unsqueeze(w.cast(mask), 1)), 0) for mask in (correct, valid))
    return [top, w.op("Div", right, w.op("Max", labelled, w.constant(1.0)))]


@converter("SegAccuracy")
def seg_accuracy(w: Writer, layer: Any, scores: Blob, labels: Blob) -> str:
    if not layer.options.reset:
        raise refuse(layer, "reset: false adds up counts over forward passes, and an ONNX graph has no state")
    classes, one = scores.shape[1], w.constant(1.0)
    truth, valid = class_indices(w, w.reshape(labels.name, (-1,)), layer.options.ignore_label)
    predicted = w.reshape(largest(w, scores.name, 1, 1, classes)[1], (-1,))
    rows, columns = (w.op("OneHot", index, w.integers(classes), w.constant([0, 1])) for index in (truth, predicted))
    rows = w.mul(rows, w.unsqueeze(w.cast(valid), 1))
    confusion = w.op("MatMul", w.op("Transpose", rows, perm=[1, 0]), columns)
    hits = w.sum(w.mul(confusion, w.constant(np.eye(classes))), 1)
    labelled, guessed = w.sum(confusion, 1), w.sum(confusion, 0)
    union = w.op("Sub", w.add(labelled, guessed), hits)
    there = w.cast(w.op("Greater", labelled, w.constant(0.0)))
    recalls = w.op("Div", hits, w.op("Max", labelled, one))
    overlaps = w.where(w.op("Greater", union, w.constant(0.0)), w.op("Div", hits, w.op("Max", union, one)), one)
    figures = [
        w.op("Div", w.sum(hits), w.op("Max", w.sum(labelled), one)),
        w.op("Div", w.sum(recalls), w.op("Max", w.sum(there), one)),
        w.mean(overlaps, 0, keepdims=False),
    ]
    return w.reshape(w.concat([w.reshape(figure, (1,)) for figure in figures], 0), (1, 1, 1, 3))
