"""The softmax, and losses as numbers to look at: an ONNX graph has no gradients."""

import math
from typing import Any

import numpy as np

from segaware_caffe.export.onnx.labels import class_indices, classes_last, count
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.ops.losses import LOG_THRESHOLD, SMALLEST_FLOAT


@converter("Softmax")
def softmax(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.op("Softmax", bottom.name, axis=layer.axis(layer.options.axis, len(bottom.shape)))


def size(w: Writer, value: str, axes: int | None = None) -> str:
    """The number of elements, or of those of the first axes, as a float."""
    if axes is None:
        return w.cast(w.op("Size", value))
    return w.cast(w.op("ReduceProd", w.shape(value, 0, axes), axes=[0], keepdims=0)) if axes else w.constant(1.0)


def normalized(w: Writer, layer: Any, values: str, valid: str, mode: int, batch: str, weights: str = "") -> str:
    """The sum of the valid values, divided as the normalization `mode` says; `weights` is what each counts for VALID."""
    param, zero = layer.proto.loss_param, w.constant(0.0)
    total = w.sum(w.where(valid, values, zero))
    if mode == param.NONE:
        return total
    if mode == param.PRE_FIXED:
        return w.affine(total, 1 / param.pre_fixed_normalizer, 0)
    if mode == param.VALID and weights:
        weight = w.sum(w.where(valid, weights, zero))
        return w.op("Div", total, w.where(w.op("Greater", weight, zero), weight, w.constant(1.0)))
    divisor = {param.VALID: lambda: count(w, valid), param.FULL: lambda: size(w, values), param.BATCH_SIZE: lambda: batch}[mode]()
    return w.op("Div", total, w.op("Max", divisor, w.constant(1.0)))


@converter("SoftmaxWithLoss", "InfogainLoss")
def score_loss(w: Writer, layer: Any, scores: Blob, labels: Blob, *gain: Blob) -> list[str]:
    axis = layer.class_axis(len(scores.shape))
    logs = w.op("LogSoftmax", classes_last(w, scores, axis), axis=1)
    indices, valid = class_indices(w, w.reshape(labels.name, (-1,)), layer.ignored_labels())
    weights = ""
    if layer.type == "SoftmaxWithLoss":
        own = w.squeeze(w.op("GatherElements", logs, w.unsqueeze(indices, 1), axis=1), 1)
        values = w.op("Min", w.op("Neg", own), w.constant(-math.log(SMALLEST_FLOAT)))
        if layer.class_weights is not None:
            weights = w.op("Gather", w.learned(layer.class_weights, f"{layer.name} weights"), indices)
            values = w.mul(values, weights)
    else:
        shape = (scores.shape[axis],) * 2
        matrix = w.reshape(gain[0].name, shape) if gain else w.learned(layer.gain.view(shape), f"{layer.name} gain")
        clamped = w.op("Max", logs, w.constant(math.log(LOG_THRESHOLD)))
        values = w.op("Neg", w.sum(w.mul(w.op("Gather", matrix, indices), clamped), 1))
    mode = layer.read_normalization(layer.proto.loss_param.VALID)
    counted = weights if layer.type == "SoftmaxWithLoss" and layer.averages else ""
    loss = normalized(w, layer, values, valid, mode, size(w, scores.name, axis), counted)
    if layer.num_tops == 1:
        return [loss]
    return [loss, w.op("Softmax", scores.name, axis=axis)]


@converter("EuclideanLoss")
def euclidean(w: Writer, layer: Any, first: Blob, second: Blob) -> str:
    return _halved(w, w.op("ReduceSumSquare", _difference(w, first, second), keepdims=0), first)


def _difference(w: Writer, first: Blob, second: Blob) -> str:
    other = second.name if second.shape == first.shape else w.op("Reshape", second.name, w.shape(first.name))
    return w.op("Sub", first.name, other)


def _halved(w: Writer, total: str, bottom: Blob) -> str:
    return w.op("Div", total, w.affine(size(w, bottom.name, 1), 2, 0))


@converter("ContrastiveLoss")
def contrastive(w: Writer, layer: Any, first: Blob, second: Blob, similar: Blob) -> str:
    difference = w.op("Flatten", w.op("Sub", first.name, second.name), axis=1)
    squares = w.op("ReduceSumSquare", difference, axes=[1], keepdims=0)
    distance = squares if layer.options.legacy_version else w.op("Sqrt", squares)
    apart = w.op("Relu", w.op("Sub", w.constant(layer.options.margin), distance))
    apart = apart if layer.options.legacy_version else w.mul(apart, apart)
    alike = w.cast(w.cast(w.reshape(similar.name, (-1,)), "i8"), "?")
    return _halved(w, w.sum(w.where(alike, squares, apart)), first)


@converter("HingeLoss")
def hinge(w: Writer, layer: Any, scores: Blob, labels: Blob) -> str:
    flat = w.op("Flatten", scores.name, axis=1)
    indices, _ = class_indices(w, w.reshape(labels.name, (-1,)))
    signs = w.op("OneHot", indices, w.integers(int(np.prod(scores.shape[1:]))), w.constant([1, -1]))
    violation = w.op("Relu", w.affine(w.mul(signs, flat), 1, 1))
    violation = w.mul(violation, violation) if layer.options.norm == layer.options.L2 else violation
    return w.op("Div", w.sum(violation), size(w, scores.name, 1))


@converter("MultinomialLogisticLoss")
def multinomial(w: Writer, layer: Any, probabilities: Blob, labels: Blob) -> str:
    indices, _ = class_indices(w, w.reshape(labels.name, (-1, 1)))
    chosen = w.op("GatherElements", w.op("Flatten", probabilities.name, axis=1), indices, axis=1)
    logs = w.op("Log", w.op("Max", chosen, w.constant(LOG_THRESHOLD)))
    return w.op("Div", w.op("Neg", w.sum(logs)), size(w, probabilities.name, 1))


@converter("SigmoidCrossEntropyLoss")
def sigmoid_cross_entropy(w: Writer, layer: Any, scores: Blob, targets: Blob) -> str:
    target = w.op("Reshape", targets.name, w.shape(scores.name))
    _, valid = class_indices(w, target, layer.ignored_labels())
    softened = w.op("Softplus", w.op("Neg", w.op("Abs", scores.name)))
    values = w.add(w.op("Sub", w.op("Relu", scores.name), w.mul(scores.name, target)), softened)
    mode = layer.read_normalization(layer.proto.loss_param.BATCH_SIZE)
    return normalized(w, layer, values, valid, mode, size(w, scores.name, 1))


@converter("SmoothL1Loss")
def smooth_l1(w: Writer, layer: Any, first: Blob, second: Blob, *weights: Blob) -> str:
    difference = _difference(w, first, second)
    factors = [w.op("Reshape", weight.name, w.shape(first.name)) for weight in weights]
    difference = w.mul(difference, factors[0]) if factors else difference
    beta = 1 / layer.options.sigma**2
    size_of = w.op("Abs", difference)
    values = w.where(
        w.op("Less", size_of, w.constant(beta)), w.affine(w.mul(difference, difference), 0.5 / beta, 0), w.affine(size_of, 1, -0.5 * beta)
    )
    if len(factors) == 2:
        return w.op("Div", w.sum(w.mul(factors[1], values)), size(w, first.name, 1))
    return w.op("Div", w.sum(values), w.op("Div", size(w, first.name), w.constant(first.shape[1])))


@converter("L1Loss")
def l1(w: Writer, layer: Any, *bottoms: Blob) -> str:
    options = layer.options
    difference = _difference(w, *bottoms) if len(bottoms) == 2 else bottoms[0].name
    missing, zero = w.op("IsNaN", difference), w.constant(0.0)
    known = w.where(missing, zero, difference)
    samples = size(w, bottoms[0].name, 1)
    if options.normalize_by_num_entries:
        there = w.op("Max", count(w, w.op("Not", missing)), w.constant(1.0))
        samples = w.op("Div", there, w.constant(bottoms[0].shape[1]))
    if options.l2_per_location:
        squares = w.mul(known, known)
        energy = w.mean(squares, 1) if options.l2_prescale_by_channels else w.sum(squares, 1)
        low = w.op("Less", energy, w.constant(options.plateau**2))
        values = w.op("Sqrt", w.affine(w.where(low, zero, energy), 1, options.epsilon))
    else:
        magnitude = w.op("Abs", known)
        values = w.where(w.op("Less", magnitude, w.constant(options.plateau)), zero, magnitude)
    return w.op("Div", w.sum(values), samples)


@converter("DistLoss")
def dist_loss(w: Writer, layer: Any, distances: Blob, parity: Blob) -> str:
    options, zero = layer.options, w.constant(0.0)
    labels = w.cast(w.op("Reshape", parity.name, w.shape(distances.name)), "i8")
    same = w.cast(labels, "?")
    near = w.affine(distances.name, 1, -options.alpha)
    far = w.op("Sub", w.constant(options.beta), distances.name)
    violation = w.op("Relu", w.where(same, near, far))
    if options.HasField("ignore_label"):
        violation = w.where(w.op("Equal", labels, w.constant(options.ignore_label, "i8")), zero, violation)
    return w.op("Div", w.sum(violation), size(w, distances.name))
